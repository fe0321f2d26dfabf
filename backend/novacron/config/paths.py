"""Where things are kept: the socket, the journal, the log, fleet.toml. One folder per fleet (instance)."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from novacron.model.errors import ConfigError

_LONGEST_SOCKET_PATH = 100
"""The kernel takes 107 bytes; some room for a temporary name beside it."""
_CHOOSE = "choose another by NOVACRON_RUNTIME_DIR or NOVACRON_STATE_DIR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The places of one instance."""

    socket: Path
    lock: Path
    """Held by the running backend."""
    journal: Path
    log: Path


def paths_of(instance: str) -> Paths:
    """Return the places of an instance, making nothing."""
    runtime, state = _runtime_folder() / instance, _state_folder() / instance
    socket = runtime / "backend.sock"
    if len(os.fsencode(socket)) > _LONGEST_SOCKET_PATH:
        raise ConfigError(
            str(socket), "this path is too long for a socket", "set NOVACRON_RUNTIME_DIR to a shorter folder"
        )
    return Paths(
        socket=socket, lock=state / "backend.lock", journal=state / "journal.sqlite", log=state / "backend.log"
    )


def config_file() -> Path:
    """Return the user's own fleet.toml, whether or not it exists."""
    base = _base("XDG_CONFIG_HOME")
    return (_own("NOVACRON_CONFIG_DIR") or (base / "novacron" if base else _usual_config_folder())) / "fleet.toml"


def usual_config_file() -> Path:
    """Return where fleet.toml is when no variable says otherwise."""
    return _usual_config_folder() / "fleet.toml"


def make_private(folder: Path) -> None:
    """Make a folder nobody else may look into, or swap; one that exists must be ours and closed to others.

    Raises ConfigError naming the folder, what is wrong and what to do.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found, around = folder.lstat(), folder.parent.stat()
    except OSError as error:
        raise ConfigError(
            str(folder), f"cannot be made: {error.strerror}", f"make it writable, or {_CHOOSE}"
        ) from error
    if stat.S_ISLNK(found.st_mode):
        raise ConfigError(str(folder), "is a link", f"put a folder there, or {_CHOOSE}")
    if found.st_uid != os.geteuid():
        raise ConfigError(str(folder), f"belongs to user {found.st_uid}, not to you", f"remove it, or {_CHOOSE}")
    _refuse_swappable(folder.parent, around)
    if stat.S_IMODE(found.st_mode) & 0o077:
        try:
            folder.chmod(0o700)
        except OSError as error:
            raise ConfigError(str(folder), f"is open to others: {error.strerror}", f"chmod 700 {folder}") from error
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        raise ConfigError(str(folder), "cannot be written", f"make it writable, or {_CHOOSE}")


def is_private(folder: Path) -> bool:
    """Return whether a folder is there, ours, and closed to whoever would put something in; changes nothing."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _refuse_swappable(parent: Path, found: os.stat_result) -> None:
    """Whoever may rename our folder may put their own in its place, socket and all."""
    if found.st_uid not in (os.geteuid(), 0):
        raise ConfigError(str(parent), f"belongs to user {found.st_uid}, not to you", f"remove it, or {_CHOOSE}")
    if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        raise ConfigError(str(parent), "can be written by everybody", f"chmod o-w {parent}, or {_CHOOSE}")


def _usual_config_folder() -> Path:
    return Path.home() / ".config" / "novacron"


def _runtime_folder() -> Path:
    base = _base("XDG_RUNTIME_DIR")
    # Without a session manager (sudo, cron, a container) there is no such folder; /tmp is everybody's, so ours is
    # named by user and checked for its owner.
    ours = base / "novacron" if base else Path(f"/tmp/novacron-{os.geteuid()}")  # noqa: S108
    return _own("NOVACRON_RUNTIME_DIR") or ours


def _state_folder() -> Path:
    return _own("NOVACRON_STATE_DIR") or (_base("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "novacron"


def _own(variable: str) -> Path | None:
    """Return the folder that one of our own variables names. The backend works in another folder than who starts it."""
    value = os.environ.get(variable)
    if value and not Path(value).is_absolute():
        raise ConfigError(variable, f"is not a whole path: {value}", "give it from / on")
    return Path(value) if value else None


def _base(variable: str) -> Path | None:
    """Return the folder that a variable of the XDG base directory specification names; by that, whole paths only."""
    value = os.environ.get(variable, "")
    return Path(value) if Path(value).is_absolute() else None
