"""What answers on a simulated serial console: a login, a prompt and a few commands.

Pure: bytes in, bytes out. It echoes as a terminal driver would, so that typing looks right.
"""

from collections.abc import Callable
from enum import StrEnum


class ShellRequest(StrEnum):
    """What a typed command asks of the VM itself."""

    POWER_OFF = "power off"
    REBOOT = "reboot"


_HELP = b"commands: help hostname uname uptime free df ps echo colours dmesg exit poweroff reboot\n"
_FIXED: dict[str, bytes] = {
    "help": _HELP,
    "uname": b"Linux\n",
    "uname -a": b"Linux guest 6.1.0-32-cloud-amd64 #1 SMP Debian 6.1.129-1 x86_64 GNU/Linux\n",
    "uptime": b" 12:00:00 up 41 days,  3:12,  1 user,  load average: 0.08, 0.03, 0.01\n",
    "free": (
        b"               total        used        free\nMem:          524288      131072      393216\n"
        b"Swap:              0           0           0\n"
    ),
    "df": (
        b"Filesystem     1K-blocks    Used Available Use% Mounted on\n"
        b"/dev/vda1       10255636 2101004   7612012  22% /\n"
    ),
    "ps": b"  PID TTY          TIME CMD\n    1 ?        00:00:02 init\n  214 ttyS0    00:00:00 sh\n",
    "dmesg": b"[    0.000000] Linux version 6.1.0-32-cloud-amd64\n[    1.204113] virtio_blk virtio1: [vda]\n",
    "colours": b"".join(b"\x1b[3%dm%d\x1b[0m " % (n, n) for n in range(8)) + b"\n",
}


class Shell:
    """The guest's end of the serial line."""

    def __init__(self, hostname: str, ask: Callable[[ShellRequest], None]) -> None:
        # The name is the VM's and may be hostile; a guest would only ever call itself something plain.
        self._hostname = "".join(c for c in hostname[:40] if c.isascii() and (c.isalnum() or c == "-")) or "guest"
        self._ask = ask
        self._line = bytearray()
        self._user: str | None = None

    def start_anew(self) -> None:
        """Forget who is logged in and what was typed: the guest has booted."""
        self._line.clear()
        self._user = None

    def feed(self, data: bytes) -> bytes:
        """Take keystrokes and return what appears on the line."""
        shown = bytearray()
        for byte in data:
            shown += self._take(byte)
        return bytes(shown)

    def _take(self, byte: int) -> bytes:
        match byte:
            case 0x0D | 0x0A:
                line, self._line = self._line.decode("utf-8", "replace").strip(), bytearray()
                return b"\r\n" + self._run(line).replace(b"\n", b"\r\n") + self._prompt()
            case 0x7F | 0x08:
                if not self._line:
                    return b""
                del self._line[-1]
                return b"\b \b"
            case 0x03:
                self._line.clear()
                return b"^C\r\n" + self._prompt()
            case 0x04 if not self._line and self._user is not None:
                self._user = None
                return b"logout\r\n\r\n" + self._prompt()
            case _ if byte < 0x20:
                return b""
            case _:
                self._line.append(byte)
                return bytes([byte])

    def _prompt(self) -> bytes:
        if self._user is None:
            return f"{self._hostname} login: ".encode()
        return f"{self._user}@{self._hostname}:~# ".encode()

    def _run(self, line: str) -> bytes:
        if self._user is None:
            if not line:
                return f"\nDebian GNU/Linux 12 {self._hostname} ttyS0\n\n".encode()
            self._user = line.split()[0][:32]
            return b"Linux 6.1.0-32-cloud-amd64. Type help.\n"
        if not line:
            return b""
        if line in _FIXED:
            return _FIXED[line]
        return self._run_word(line)

    def _run_word(self, line: str) -> bytes:
        word, _, rest = line.partition(" ")
        match word:
            case "hostname":
                return f"{self._hostname}\n".encode()
            case "echo":
                return f"{rest}\n".encode()
            case "exit" | "logout":
                self._user = None
                return b"logout\n\n"
            case "poweroff" | "halt":
                self._ask(ShellRequest.POWER_OFF)
                return b"[  OK  ] Reached target poweroff.target\n"
            case "reboot":
                self._ask(ShellRequest.REBOOT)
                return b"[  OK  ] Reached target reboot.target\n"
            case _:
                return f"sh: {word}: not found\n".encode()
