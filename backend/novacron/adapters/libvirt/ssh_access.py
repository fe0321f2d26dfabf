"""A host over ssh: one connection carries libvirt, commands and sockets."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from novacron.adapters.libvirt.access import SOCKET_NAMES, RunResult, SocketHandler
from novacron.adapters.libvirt.channel import Channel
from novacron.adapters.libvirt.faults import START_LIBVIRT
from novacron.adapters.libvirt.file_systems import FileSystems
from novacron.adapters.libvirt.host_load import ANSWERING_COMMAND, COMMAND, CpuTimes, parse
from novacron.adapters.libvirt.tunnel import OpenFar
from novacron.adapters.ssh.asked_program import AskedProgram
from novacron.adapters.ssh.connection import SshConnection
from novacron.model.errors import LinkError
from novacron.model.host import HostLoad, HostSpec
from novacron.model.link import LinkStatus

_SOCKETS = tuple(f"{folder}/{name}" for folder in ("/run/libvirt", "/var/run/libvirt") for name in SOCKET_NAMES)
_FIND_SOCKET = """\
PATH=$PATH:$1
shift
for path in "$@"; do
    [ -S "$path" ] || continue
    if [ -r "$path" ] && [ -w "$path" ]; then echo "open $path"; else echo "closed $path"; fi
    while read -r _ _ _ flags _ _ _ bound; do
        if [ "$flags" = 00010000 ] && [ "$bound" -ef "$path" ]; then echo "listens $path"; fi
    done </proc/net/unix
done
command -v virt-ssh-helper >/dev/null && echo "helper"
{ command -v libvirtd || command -v virtqemud; } >/dev/null && echo "installed"
true
"""
_DAEMONS_AT = "/usr/local/sbin:/usr/sbin:/sbin"
"""Not on the path of who is not root."""
_URI = "qemu+unix:///system"
_PROHIBITED = 1
"""SSH_OPEN_ADMINISTRATIVELY_PROHIBITED, RFC 4254 5.1: what other servers than OpenSSH say."""


class SshAccess:
    """access.HostAccess over one SSH connection."""

    has_shell = True

    def __init__(self, spec: HostSpec, connection: SshConnection, open_far: OpenFar) -> None:
        self.spec = spec
        self._connection = connection
        self._open_far = open_far
        self._cpu_before: CpuTimes | None = None
        self._condition = AskedProgram(spec, connection, ANSWERING_COMMAND)
        self._file_systems = FileSystems(lambda argv, deadline_s: self.run(argv, deadline_s=deadline_s))

    @classmethod
    async def open(cls, spec: HostSpec, *, deadline_s: float) -> "SshAccess":
        """Connect and find libvirt's socket. Raises LinkError with the status for the host's row."""
        connection = await SshConnection.open(spec, deadline_s=deadline_s)
        try:
            return cls(spec, connection, await _find_libvirt(spec, connection, deadline_s))
        except BaseException:
            connection.abort()
            raise

    @property
    def limits(self) -> tuple[str, ...]:
        """What the connection has met."""
        return self._connection.limits

    async def open_channel(self, *, deadline_s: float) -> Channel:
        """Open another libvirt connection over the same SSH connection."""
        return await Channel.open(self.spec.id, _URI, self._open_far, deadline_s=deadline_s)

    async def run(self, argv: Sequence[str], *, deadline_s: float, stdin: bytes = b"") -> RunResult:
        """Run a command there."""
        done = await self._connection.run(argv, deadline_s=deadline_s, stdin=stdin)
        return RunResult(exit_status=done.exit_status, stdout=done.stdout, stderr=done.stderr)

    async def open_socket(self, path: str) -> tuple[Any, Any]:
        """Connect to a unix socket there."""
        return await self._connection.open_socket(path)

    async def listen_socket(self, path: str, handler: SocketHandler) -> Callable[[], None]:
        """Listen on a unix socket there."""
        return await self._connection.listen_socket(path, handler)

    async def host_load(self, *, deadline_s: float) -> HostLoad:
        """Read the host's condition; file systems are asked beside it, since they may hang and keep nobody waiting."""
        told, file_systems = await asyncio.gather(self._ask_condition(deadline_s), self._file_systems.read())
        text = f"{told.decode(errors='replace')}\n{file_systems}"
        load, self._cpu_before = parse(text, self._cpu_before)
        return load

    async def _ask_condition(self, deadline_s: float) -> bytes:
        told = await self._condition.ask(deadline_s=deadline_s)
        if told is None:
            told = (await self._connection.run(COMMAND, deadline_s=deadline_s)).stdout
        return told

    def abort(self) -> None:
        """Drop the connection and all that goes through it."""
        self._file_systems.abort()
        self._connection.abort()


async def _find_libvirt(spec: HostSpec, connection: SshConnection, deadline_s: float) -> OpenFar:
    """Return how to open libvirt's socket there, or say precisely why it cannot be."""
    candidates = (spec.socket,) if spec.socket else _SOCKETS
    found = await connection.run(("sh", "-c", _FIND_SOCKET, "sh", _DAEMONS_AT, *candidates), deadline_s=deadline_s)
    lines = found.stdout.decode(errors="replace").splitlines()
    usable = [line.removeprefix("open ") for line in lines if line.startswith("open ")]
    if not usable:
        raise _no_socket(spec, connection.user, lines)
    # A daemon that died leaves its socket behind, as libvirtd does where virtqemud took its place.
    usable.sort(key=lambda path: f"listens {path}" not in lines)
    forbidden = ""
    for path in usable:
        try:
            _, writer = await connection.open_socket(path)
        except OSError as error:
            # OpenSSH gives the same reason for a socket it may not forward to as for one on which nobody listens.
            if error.errno == _PROHIBITED or f"listens {path}" in lines:
                forbidden = forbidden or path
        else:
            writer.close()
            return partial(connection.open_socket, path)
    if "helper" in lines and forbidden:
        return partial(connection.open_helper, ("virt-ssh-helper", "qemu:///system"))
    raise _forbidden(spec, forbidden) if forbidden else _not_listening(spec, usable)


def _forbidden(spec: HostSpec, path: str) -> LinkError:
    return LinkError(
        spec.id,
        f"its sshd forbids forwarding to {path}",
        "set AllowStreamLocalForwarding yes there, or install virt-ssh-helper",
        status=LinkStatus.NO_PERMISSION,
    )


def _not_listening(spec: HostSpec, paths: Sequence[str]) -> LinkError:
    # /var/run is /run by another name nearly everywhere.
    paths = [path for path in paths if not path.startswith("/var/run/") or path.removeprefix("/var") not in paths]
    are_there = f"libvirt's socket {paths[0]} is there, but nobody answers on it"
    if len(paths) > 1:
        are_there = f"libvirt's sockets {' and '.join(paths)} are there, but nobody answers on them"
    return LinkError(spec.id, are_there, START_LIBVIRT, status=LinkStatus.NO_LIBVIRT)


def _no_socket(spec: HostSpec, user: str, lines: Sequence[str]) -> LinkError:
    closed = [line.removeprefix("closed ") for line in lines if line.startswith("closed ")]
    if closed:
        return LinkError(
            spec.id,
            f"user {user} may not use libvirt's socket {closed[0]}",
            f"add the user to the libvirt group there: usermod -aG libvirt {user}",
            status=LinkStatus.NO_PERMISSION,
        )
    if "installed" in lines:
        return LinkError(
            spec.id,
            "libvirt is installed, but its socket is not there",
            START_LIBVIRT,
            status=LinkStatus.NO_LIBVIRT,
        )
    return LinkError(
        spec.id,
        "libvirt is not installed there",
        "apt-get install libvirt-daemon-system, or what it is called there",
        status=LinkStatus.NO_LIBVIRT,
    )
