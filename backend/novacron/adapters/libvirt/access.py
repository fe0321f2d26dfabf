"""The way to one host: libvirt connections, commands and sockets there, whatever carries them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from novacron.adapters.libvirt.channel import Channel
from novacron.model.errors import OperationError
from novacron.model.host import HostLoad, HostSpec

SOCKET_NAMES = ("libvirt-sock", "virtqemud-sock")
"""libvirtd's (or virtproxyd's, which stands for it), and virtqemud's.

Where libvirt is modular, virtqemud opens the daemons of pools, networks and the rest itself, there on the host, for the
calls that need them. So one socket gives everything, whichever of the two it is.
Source: libvirt.org/daemons.html; remoteDispatchConnectOpen in src/remote/remote_daemon_dispatch.c.
"""

SocketHandler = Callable[[Any, Any], Awaitable[None]]
"""Takes a reader and a writer of bytes: one connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a command on the host ended."""

    exit_status: int
    stdout: bytes
    stderr: bytes


class HostAccess(Protocol):
    """What every way to a host offers. All raise LinkError when the way is broken."""

    @property
    def spec(self) -> HostSpec:
        """Whose way this is."""

    @property
    def has_shell(self) -> bool:
        """Whether commands and sockets can be used there, beside libvirt."""

    @property
    def limits(self) -> tuple[str, ...]:
        """What makes work there wait although the way is well, each with what to do."""

    async def open_channel(self, *, deadline_s: float) -> Channel:
        """Open another libvirt connection: for a call that may take long."""

    async def run(self, argv: Sequence[str], *, deadline_s: float, stdin: bytes = b"") -> RunResult:
        """Run a command there, each word of it as it is. Raises OperationError where there is no shell."""

    async def open_socket(self, path: str) -> tuple[Any, Any]:
        """Connect to a unix socket there; returns a reader and a writer of bytes."""

    async def listen_socket(self, path: str, handler: SocketHandler) -> Callable[[], None]:
        """Listen on a unix socket there; returns what ends it."""

    async def host_load(self, *, deadline_s: float) -> HostLoad:
        """Read the host's own condition; all unknown where it cannot be asked."""

    def abort(self) -> None:
        """Let go of everything at once."""


def no_shell(spec: HostSpec) -> OperationError:
    """Return the error for what needs a shell on a host without one."""
    return OperationError(
        spec.id, f"{spec.address} gives libvirt only, no commands", "name the host by ssh in fleet.toml"
    )
