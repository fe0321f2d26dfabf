"""What a guest says on its serial line, heard at the hypervisor's own end of it: NovaCron has no part in it."""

import re
import time

from novacron.lab.lab import Lab

_PATIENCE_S = 180.0
"""For a guest that boots under emulation on a busy machine."""
_SILENCE_S = 1
"""After so much of it an attempt ends; later ones have more patience, for guests that are slow."""


def ask_guest(lab: Lab, host: str, vm: str, command: str) -> str:
    """Run a shell command in the guest, as often as it takes to be heard, and return what it printed.

    Each attempt has marks of its own: what an earlier one says too late is not taken for its answer.
    """
    until = time.monotonic() + _PATIENCE_S
    attempt, heard = 0, ""
    while time.monotonic() < until:
        attempt += 1
        # Put together by the guest's shell, so that the echo of what is typed is no answer.
        silence_s = _SILENCE_S + attempt // 3
        heard = _type(lab, host, vm, silence_s, f"echo be''gin-{attempt}; {command}; echo en''d-{attempt}")
        answer = re.search(rf"^begin-{attempt}$\n(.*?)^end-{attempt}$", heard, re.DOTALL | re.MULTILINE)
        if answer is not None:
            return answer[1].strip()
    raise AssertionError(f"{vm} on {host} never answered {command!r}; last heard: {heard!r}")


def uptime_s(lab: Lab, host: str, vm: str) -> float:
    """Return for how long the guest's kernel has been running, by its own account."""
    return float(ask_guest(lab, host, vm, "cat /proc/uptime").split()[0])


def wait_booted(lab: Lab, host: str, vm: str) -> None:
    """Wait until the guest's shell answers."""
    assert ask_guest(lab, host, vm, "echo here") == "here"


def _type(lab: Lab, host: str, vm: str, silence_s: int, line: str) -> str:
    tty = lab.attempt(host, ["virsh", "-q", "ttyconsole", vm]).stdout.strip()
    if not tty:
        time.sleep(0.2)
        return ""
    argv = ["socat", f"-T{silence_s}", f"-t{silence_s}", "-", f"{tty},raw,echo=0"]
    # Ends whatever an earlier attempt has left half typed.
    return lab.attempt(host, argv, stdin=f"\n{line}\n").stdout.replace("\r", "")
