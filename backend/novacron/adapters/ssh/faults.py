"""What asyncssh and the system say when a host cannot be reached, in our words."""

import errno
import socket
from collections.abc import Sequence

import asyncssh

from novacron.adapters.ssh.address import ssh_command
from novacron.model.errors import LinkError
from novacron.model.host import HostSpec
from novacron.model.link import LinkStatus

_MOST_QUOTED = 120
"""Of what a login shell printed; the rest is in the operator's own terminal."""

MAX_SESSIONS_REMEDY = "set MaxSessions 10 in its sshd_config"


def connect_fault(spec: HostSpec, error: Exception, passed_over: Sequence[str] = ()) -> LinkError:
    """Return why a connection could not be made, with the status for the host's row.

    `passed_over` is what its ssh configuration asks for and was not done: told where a key was missing.
    """
    if isinstance(error, asyncssh.PermissionDenied):
        notes = "".join(f"; {note}" for note in passed_over)
        return LinkError(
            spec.id,
            f"it refused every key we have: {error.reason}{notes}",
            f"check that `{ssh_command(spec)}` works: agent, IdentityFile, and authorized_keys on the host",
            status=LinkStatus.AUTH_REFUSED,
        )
    if isinstance(error, asyncssh.DisconnectError | ConnectionResetError | BrokenPipeError):
        why = error.reason if isinstance(error, asyncssh.DisconnectError) else error.strerror
        return LinkError(spec.id, f"it ended the connection: {why}", "is its sshd overloaded or restarting?")
    if isinstance(error, asyncssh.Error):
        return LinkError(spec.id, f"ssh failed: {error.reason}", f"check that `{ssh_command(spec)}` works")
    if isinstance(error, socket.gaierror | UnicodeError):
        why = error.strerror if isinstance(error, socket.gaierror) else "no host can be called this"
        return LinkError(spec.id, f"its name is not known: {why}", "check its name in fleet.toml and in DNS")
    if isinstance(error, ConnectionRefusedError):
        return LinkError(spec.id, "nothing listens on its ssh port", "start its sshd, or correct the port")
    if isinstance(error, TimeoutError):
        return LinkError(spec.id, "it did not answer in time", "is it up, and is the network between?")
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return LinkError(
            spec.id,
            "no file descriptor is left here to reach it with",
            "raise the limit of open files, LimitNOFILE in systemd; a host takes about seven",
        )
    return LinkError(
        spec.id, f"cannot be reached: {str(error) or type(error).__name__}", "is it up, and is the network between?"
    )


def proxy_command_fault(spec: HostSpec, command: str) -> LinkError:
    """Return that the program which is to carry the connection ended; it alone knows why, and prints it for people."""
    return LinkError(
        spec.id,
        f"its ProxyCommand ended, or lost the connection: {command[:_MOST_QUOTED]}",
        f"`{ssh_command(spec)}` says why: a jump host's key, its sshd, or the program itself",
    )


def no_shell_fault(spec: HostSpec, user: str, program: str, said: bytes) -> LinkError:
    """Return that the login shell did not run what it was given; `said` is what it printed instead."""
    line = next((text for text in said.decode(errors="replace").splitlines() if text.strip()), "")
    printed = f'it printed "{line.strip()[:_MOST_QUOTED]}"' if line else "it printed nothing"
    return LinkError(
        spec.id,
        f"the login shell of {user or 'the user'} did not run `{program}`: {printed}",
        "give the user a shell there (chsh -s /bin/sh), without ForceCommand in sshd_config or command= in"
        f" authorized_keys; `{ssh_command(spec)} echo yes` must print yes",
        status=LinkStatus.NO_PERMISSION,
    )


def no_session_fault(spec: HostSpec) -> LinkError:
    """Return that sshd opens no session at all, though it let us in."""
    return LinkError(
        spec.id, "its sshd opens no session (MaxSessions 0?)", MAX_SESSIONS_REMEDY, status=LinkStatus.NO_PERMISSION
    )


def session_limit(most: int) -> str:
    """Say that sshd refused a session more than `most`, and what to do."""
    sessions = "one session" if most == 1 else f"{most} sessions"
    return f"its sshd allows {sessions} at once, so commands there wait for each other: {MAX_SESSIONS_REMEDY}"
