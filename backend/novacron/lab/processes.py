"""Tell a process from a later one with the same number, find it by its mark, and end it for certain."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessMark:
    """One process for ever: numbers are used again, a number with its start time and boot is not."""

    pid: int
    started: int
    """Clock ticks since boot."""
    boot: str


def mark_process(pid: int) -> ProcessMark | None:
    """Return the mark of a living process, None when there is no such process (or it is a zombie)."""
    try:
        # The second field is the command in brackets and may itself hold brackets and blanks.
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] in "ZX":
        return None
    return ProcessMark(pid=pid, started=int(fields[19]), boot=boot_id())


def boot_id() -> str:
    """Return what tells this boot of the machine from every other."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def is_alive(mark: ProcessMark) -> bool:
    """Return whether that very process still lives."""
    return mark_process(mark.pid) == mark


def end_process(mark: ProcessMark, *, timeout_s: float = 10.0) -> bool:
    """Kill that very process and wait for its end; return False when it outlives `timeout_s`."""
    try:
        handle = os.pidfd_open(mark.pid)
    except OSError:
        return True
    try:
        # Only now is the number held fast: whoever has it here is whom the signal reaches.
        if is_alive(mark):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
    finally:
        os.close(handle)
    deadline = time.monotonic() + timeout_s
    while is_alive(mark):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def find_by_environment(variable: str, value: str) -> list[int]:
    """Return our processes that were started with `variable` set to `value`."""
    wanted = os.fsencode(f"{variable}={value}")
    found = []
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def is_first_of_namespace(pid: int) -> bool:
    """Return whether the process is number 1 in its process namespace: all others in it end with it."""
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("NSpid:"):
                return line.split()[-1] == "1"
    return False
