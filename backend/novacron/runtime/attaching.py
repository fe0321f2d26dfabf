"""Finding a fleet's backend, starting it and ending it: the client's side of the backend's life."""

import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from novacron.api.peer import peer_of
from novacron.config.options import FleetOptions
from novacron.config.paths import Paths, is_private, make_private, paths_of
from novacron.model.errors import BackendError, ConfigError, NovaCronError
from novacron.runtime.extras import require_extra
from novacron.runtime.fleet_choice import fleet_of
from novacron.runtime.lock import holder, socket_of_holder
from novacron.runtime.readiness import VARIABLE, Died, word_of

_START_S = 20.0
"""How long a fresh backend may take until it serves; it takes about a second."""
_END_S = 60.0
"""How long a backend may take to end: it waits for migrations that it carries, and then a little for all others."""
_LOOK_S = 0.05
_LOG_TAIL = 5
_LOG_MOST_BYTES = 5_000_000


def ensure_backend(options: FleetOptions) -> Path:
    """Return the socket of the fleet's backend, starting one, detached, when there is none.

    Raises:
        NovaCronError: why it did not start, as the backend itself says it; else with the last lines of its log.
    """
    paths = paths_of(options.instance)
    place = serving_at(paths)
    if place is None:
        require_extra("server", "backend")
        fleet_of(options)  # a broken fleet file is told here, on the terminal, not in a log
        make_private(paths.socket.parent)
        make_private(paths.log.parent)
        _start(options, paths)
        place = serving_at(paths) or paths.socket
    return place


def socket_of(options: FleetOptions) -> Path:
    """Return where the fleet's backend listens, whether or not there is one."""
    paths = paths_of(options.instance)
    return serving_at(paths) or paths.socket


def serving_at(paths: Paths) -> Path | None:
    """Return where the backend of these places answers, or None.

    One that was started from a login session listens in the session's folder, of which cron and sudo know nothing.
    """
    if is_answering(paths.socket):
        return paths.socket
    noted = socket_of_holder(paths.lock)
    return noted if noted is not None and is_answering(noted) else None


def is_answering(path: Path) -> bool:
    """Return whether a process of ours accepts connections on this socket.

    In a folder that everybody may make, such as one in /tmp, somebody else may listen where our backend would.
    """
    return _listener(path) is not None


def stop_backend(options: FleetOptions) -> int | None:
    """End the fleet's backend and wait until it has ended; returns its process id, or None when there is none.

    Raises:
        BackendError: it is still there after a minute.
    """
    paths = paths_of(options.instance)
    noted = holder(paths.lock)
    if noted is None:
        return None
    pid = noted or _listener(paths.socket)
    if not pid:
        raise BackendError(
            "backend", f"neither left a note of its process in {paths.lock} nor listens", "end it by ps and kill"
        )
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _END_S
    while holder(paths.lock) == noted:
        if time.monotonic() > deadline:
            raise BackendError(
                "backend", f"process {pid} has not ended within {_END_S:.0f} s", f"kill -9 {pid} loses nothing"
            )
        time.sleep(_LOOK_S)
    return pid


def _listener(path: Path) -> int | None:
    """Return the process of ours that listens on a socket, or None. A backend on a full disk left no other note."""
    if not is_private(path.parent):
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return None
        pid, uid = peer_of(probe)
    return pid if uid == os.geteuid() else None


def _start(options: FleetOptions, paths: Paths) -> None:
    was_held = holder(paths.lock) is not None
    failed = _started(options, paths)
    if failed is None or _other_answers(paths):
        return
    # One that was ending when we came may have taken longer than ours waited for it: now the way is free.
    if was_held and holder(paths.lock) is None:
        failed = _started(options, paths)
        if failed is None or _other_answers(paths):
            return
    raise failed


def _started(options: FleetOptions, paths: Paths) -> NovaCronError | None:
    """Start a backend; returns None once it serves, else why it does not."""
    log_began = _size(paths.log)
    reading, writing = os.pipe()
    try:
        try:
            _spawn(options, paths.log, writing)
        finally:
            os.close(writing)
        word = _await_word(reading)
    finally:
        os.close(reading)
    return None if word is None else _explained(word, paths.log, log_began)


def _spawn(options: FleetOptions, log: Path, writing: int) -> None:
    # Late: with a warm backend nothing is started.
    import subprocess

    _rotate(log)
    try:
        log.touch(mode=0o600)
        output = log.open("ab")
    except OSError as error:
        raise ConfigError(
            str(log), f"cannot be written: {error.strerror}", "check owner, mode and room of its folder"
        ) from error
    with output:
        starter = subprocess.Popen(
            [sys.executable, "-m", "novacron.cli.main", *options.arguments(), "daemon", "--detached"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(writing,),
            env={**os.environ, VARIABLE: str(writing)},
            start_new_session=True,
            cwd="/",
        )
    # It forks at once and ends: the backend is nobody's child and no terminal's.
    starter.wait()


def _await_word(reading: int) -> NovaCronError | Died | None:
    said = b""
    deadline = time.monotonic() + _START_S
    while not said.endswith(b"\n"):
        left_s = deadline - time.monotonic()
        if left_s <= 0 or not select.select([reading], [], [], left_s)[0]:
            return BackendError("backend", f"did not serve within {_START_S:.0f} s", "see its log")
        more = os.read(reading, 65536)
        if not more:
            break
        said += more
    return word_of(said)


def _other_answers(paths: Paths) -> bool:
    """Two consoles may start a backend in the same instant: the one whose backend lost waits for the other's."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if serving_at(paths) is not None:
            return True
        if holder(paths.lock) is None:
            break
        time.sleep(_LOOK_S)
    return False


def _explained(word: NovaCronError | Died, log: Path, since: int) -> NovaCronError:
    if isinstance(word, Died):
        return BackendError("backend", f"did not start: {_tail(log, since)}", f"its log is {log}")
    return word


def _tail(log: Path, since: int) -> str:
    try:
        with log.open("rb") as file:
            file.seek(since if since <= _size(log) else 0)
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return "it left no log"
    return " | ".join(lines[-_LOG_TAIL:]) or "it left no word in its log"


def _rotate(log: Path) -> None:
    if _size(log) > _LOG_MOST_BYTES:
        with suppress(OSError):
            log.replace(log.with_suffix(".log.1"))


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0
