"""The way to a host, past the jump hosts that the ssh configuration names.

asyncssh would pass them by itself, but checks them less than we check the host behind: it reads another configuration
file than ours, and takes `UserKnownHostsFile none` as leave to trust every one of them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

import asyncssh

from novacron.adapters.ssh.address import SshAddress, connection_arguments, connection_options, ssh_command
from novacron.adapters.ssh.faults import connect_fault
from novacron.adapters.ssh.key_faults import key_fault
from novacron.model.errors import LinkError
from novacron.model.host import HostSpec
from novacron.model.link import LinkStatus

T = TypeVar("T")
_Connection = asyncssh.SSHClientConnection
_MOST_JUMPS = 8


class _KeyWitness(asyncssh.SSHClient):
    """Keeps the key a host showed when it was not the known one, and trusts none."""

    def __init__(self) -> None:
        self.shown: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = key
        return False


async def connect(spec: HostSpec) -> _Connection:
    """Connect to a host. Raises LinkError with the status for its row."""
    return await _connect(spec, await _jump(spec, _MOST_JUMPS))


async def show_key(spec: HostSpec) -> asyncssh.SSHKey | None:
    """Return the key a host shows, trusted by nobody. Raises LinkError; what jumps there are must be trusted."""
    via = await _jump(spec, _MOST_JUMPS)
    try:
        options, address = connection_options(spec), SshAddress.parse(spec.ssh)
        return await _attempt(
            spec,
            _KeyWitness(),
            lambda: asyncssh.get_server_host_key(address.name, address.port or (), tunnel=via or (), options=options),
        )
    finally:
        if via is not None:
            via.abort()


async def _connect(spec: HostSpec, via: _Connection | None) -> _Connection:
    """Connect, over `via` if that is given; it then belongs to the new connection, or is gone."""
    witness = _KeyWitness()
    try:
        arguments = connection_arguments(spec)
        connection, _ = await _attempt(
            spec, witness, lambda: asyncssh.create_connection(lambda: witness, **arguments, tunnel=via or ())
        )
    except BaseException:
        if via is not None:
            via.abort()
        raise
    connection.set_tunnel(via)
    return connection


async def _attempt(spec: HostSpec, witness: _KeyWitness, work: Callable[[], Awaitable[T]]) -> T:
    try:
        return await work()
    except asyncssh.HostKeyNotVerifiable as error:
        raise key_fault(spec, connection_options(spec), witness.shown) from error
    except (asyncssh.Error, OSError, UnicodeError) as error:  # UnicodeError: no name that DNS could know
        raise connect_fault(spec, error) from error


async def _jump(spec: HostSpec, jumps_left: int) -> _Connection | None:
    """Connect to the last jump host before `spec`; None where there is none.

    The first one may have a jump host of its own, as with ssh; the others are reached from the one before.
    """
    named = connection_options(spec).tunnel
    hops = [hop for hop in named.split(",") if hop] if isinstance(named, str) else []
    if len(hops) > jumps_left:
        raise LinkError(
            spec.id,
            f"its ssh configuration goes through more than {_MOST_JUMPS} jump hosts",
            "does one name itself? See ProxyJump in it",
        )
    via: _Connection | None = None
    for number, hop in enumerate(hops):
        at_hop = replace(spec, ssh=hop.strip().removeprefix("ssh://"))
        try:
            if number == 0:
                via = await _jump(at_hop, jumps_left - len(hops))
            via = await _connect(at_hop, via)
        except LinkError as error:
            raise _at_jump_host(spec, at_hop, error) from error
    return via


def _at_jump_host(spec: HostSpec, at_hop: HostSpec, error: LinkError) -> LinkError:
    """Say where it happened. `novacron host trust` is about the host itself, so a jump host's key is left to ssh."""
    remedy = error.remedy
    if error.status is LinkStatus.HOST_KEY_UNKNOWN:
        remedy = f"compare it with that host's own, then say yes to it once: {ssh_command(at_hop)}"
    if error.status is LinkStatus.HOST_KEY_CHANGED:
        remedy = remedy.partition(", then novacron")[0]
    return LinkError(spec.id, f"at its jump host {at_hop.ssh}: {error.detail}", remedy, status=error.status)
