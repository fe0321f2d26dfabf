"""A real pty with a program in it, read by a terminal emulator: what an operator would see."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence

import pyte

KEYS = {
    "enter": "\r",
    "esc": "\x1b",
    "tab": "\t",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "backspace": "\x7f",
    "space": " ",
    "ctrl+p": "\x10",
    "ctrl+u": "\x15",
    "ctrl+c": "\x03",
    "ctrl+]": "\x1d",
}

_PATIENCE_S = 90.0
"""For what comes in a moment, on a machine that may be busy with guests: only a test that fails waits for so long."""
_LOOK_S = 0.35
"""Keys that come with what they would answer are not taken for an answer: who presses one has looked."""
_LAST_WORDS_S = 5.0
"""A process may outlive the program and hold the pty: then its end is never read."""


class Terminal:
    """Runs `argv` on a pty of the given size until closed; the test reads and presses in turn."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], columns: int = 80, rows: int = 24) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.sent = bytearray()
        """Every byte the program has written."""
        self.started_at = time.monotonic()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            # Before the program looks at it.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvpe(
                argv[0],
                list(argv),
                {
                    **env,
                    "TERM": env.get("TERM", "xterm-256color"),
                },
            )
        self._open = True

    @property
    def text(self) -> str:
        """The screen as lines."""
        # Not pyte's own `display`: it fails on half a wide character, as there is in the middle of a frame.
        lines = (self._screen.buffer[y] for y in range(self._screen.lines))
        return "\n".join("".join(line[x].data for x in range(self._screen.columns)).rstrip() for line in lines)

    def press(self, *keys: str) -> None:
        """Look, then press keys by name (KEYS) or type text as it is."""
        self.watch(_LOOK_S)
        for key in keys:
            os.write(self._fd, KEYS.get(key, key).encode())
            self._read(0.05)
            if key == "esc":
                # What follows an escape too soon may be taken for the rest of a sequence, as on any terminal.
                self.watch(_LOOK_S)

    def escape(self, sign: str) -> None:
        """Leave by the escape key what shows this sign, and wait until it is gone."""
        assert sign in self.text, f"{sign!r} is not there to be left; the screen was:\n{self.text}"
        self.press("esc")
        self.wait_for(lambda text: sign not in text)

    def wait_for(self, what: str | Callable[[str], object], timeout_s: float = _PATIENCE_S) -> float:
        """Wait until the screen has the text, or satisfies the predicate; return seconds since the start.

        Raises AssertionError with the screen when it does not come.
        """
        holds = what if callable(what) else lambda text: what in text
        deadline = time.monotonic() + timeout_s
        while not holds(self.text):
            if time.monotonic() > deadline or not self._open:
                raise AssertionError(f"never saw {what!r}; the screen was:\n{self.text}")
            self._read(0.02)
        return time.monotonic() - self.started_at

    def watch(self, seconds: float) -> int:
        """Read for that long and return how many bytes the program wrote."""
        before, deadline = len(self.sent), time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._read(0.05)
        return len(self.sent) - before

    def quiet(self, seconds: float, timeout_s: float = _PATIENCE_S) -> None:
        """Wait until the program has written nothing for that long.

        Raises AssertionError with what it goes on writing.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            before = len(self.sent)
            if not self.watch(seconds):
                return
            assert time.monotonic() < deadline, f"it goes on writing: {bytes(self.sent[before:])!r}"

    def kill(self) -> None:
        """End the program without asking it, as a dropped line with an unlucky scheduler does."""
        self._end(signal.SIGKILL)

    def hang_up(self) -> None:
        """Close the terminal under the program, as a dropped SSH session does."""
        os.close(self._fd)
        self._fd = -1
        self._end(signal.SIGHUP)

    def wait(self, timeout_s: float = _PATIENCE_S) -> int:
        """Wait for the program to end by itself, read its last words, and return its exit code."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self._read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                self._read_to_the_end()
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"did not end; the screen was:\n{self.text}")

    def close(self) -> None:
        """End the program and give the pty back."""
        self._end(signal.SIGTERM)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read_to_the_end(self) -> None:
        deadline = time.monotonic() + _LAST_WORDS_S
        while self._open and time.monotonic() < deadline:
            self._read(0.02)

    def _read(self, patience_s: float) -> None:
        if not self._open:
            time.sleep(patience_s)
            return
        readable, _, _ = select.select([self._fd], [], [], patience_s)
        if not readable:
            return
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            data = b""
        if not data:
            self._open = False
            return
        self.sent += data
        self._stream.feed(data)
        self._answer(data)

    def _answer(self, data: bytes) -> None:
        """Answer the cursor-position query some programs start with."""
        if b"\x1b[6n" in data:
            os.write(self._fd, b"\x1b[1;1R")

    def _end(self, sign: int) -> None:
        if not self.pid:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, sign)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if self._fd >= 0:
                self._read(0.02)
            else:
                time.sleep(0.02)
            pid, _ = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.pid = 0
