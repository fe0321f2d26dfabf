"""One backend per fleet: a lock on a file of its state folder, held as long as the process lives."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from novacron.model.errors import BackendError, ConfigError

_PATIENCE_S = 12.0
"""How long an ending backend may keep a starting one waiting: longer than its ending may take."""
_LOOK_S = 0.05
_MOST_BYTES = 4096


@contextmanager
def held(path: Path, socket: Path, is_serving: Callable[[], bool]) -> Iterator[None]:
    """Hold the lock for the length of the block, with a note of who holds it and on which socket it listens.

    Raises:
        BackendError: another backend holds it and serves, or does not end.
        ConfigError: the file cannot be made.
    """
    handle = _open(path)
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while not _taken(handle):
            if is_serving():
                raise BackendError(
                    "backend",
                    f"one of this fleet runs already (process {_noted(handle)[0]})",
                    "novacron attaches to it",
                )
            if time.monotonic() > deadline:
                raise _silent(handle, socket)
            time.sleep(_LOOK_S)
        _note(handle, socket)
        yield
    finally:
        os.close(handle)


def holder(path: Path) -> int | None:
    """Return the process that holds the lock, 0 when it left no note of itself, or None when nobody does."""
    found = _holders_note(path)
    return None if found is None else found[0]


def socket_of_holder(path: Path) -> Path | None:
    """Return where the backend that holds the lock listens, as it noted; None when nobody does, or it left no note."""
    found = _holders_note(path)
    return None if found is None else found[1]


def _holders_note(path: Path) -> tuple[int, Path | None] | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # Shared: two that only look do not see each other. A backend that starts in this instant tries again.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _noted(handle)
    finally:
        os.close(handle)
    return None


def _silent(handle: int, socket: Path) -> BackendError:
    pid, place = _noted(handle)
    return BackendError(
        "backend",
        f"process {pid} is this fleet's and does not answer on {place or socket}",
        "novacron detach --stop ends it, VMs and their jobs go on; the next command starts another",
    )


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise ConfigError(
            str(path), f"cannot be made: {error.strerror}", "check owner, mode and room of its folder"
        ) from error


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _note(handle: int, socket: Path) -> None:
    """Write who holds it; on a full disk the lock counts all the same."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, b"%d\n%b\n" % (os.getpid(), os.fsencode(socket)), 0)


def _noted(handle: int) -> tuple[int, Path | None]:
    pid, _, rest = os.pread(handle, _MOST_BYTES, 0).partition(b"\n")
    place = rest.partition(b"\n")[0]
    return int(pid) if pid.isdigit() else 0, Path(os.fsdecode(place)) if place else None
