"""Connecting to a host, through the jump hosts that its ssh configuration names.

Each host of that chain has its options resolved, its key checked and its identities loaded by itself, as `ssh -J` does.
asyncssh would pass jump hosts by itself, but with another configuration than the one that was resolved here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import asyncssh

from novacron.adapters.ssh.address import ssh_command
from novacron.adapters.ssh.agent import offered_keys
from novacron.adapters.ssh.arguments import (
    connection_arguments,
    host_key_algorithms,
    transport_arguments,
    unsupported,
)
from novacron.adapters.ssh.faults import connect_fault, proxy_command_fault
from novacron.adapters.ssh.identities import Identities, load_identities
from novacron.adapters.ssh.key_faults import key_fault
from novacron.adapters.ssh.options import SshOptions
from novacron.adapters.ssh.resolution import resolve
from novacron.adapters.ssh.vouching import Vouchers, needs_shown_key, vouchers_for
from novacron.model.errors import LinkError
from novacron.model.host import HostSpec
from novacron.model.link import LinkStatus

T = TypeVar("T")
_Connection = asyncssh.SSHClientConnection
_MOST_JUMPS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    """One connection of the chain: to the host itself, or to a jump host before it."""

    spec: HostSpec
    options: SshOptions
    via: _Connection | None
    """The connection it goes through; None: none."""


class _KeyWitness(asyncssh.SSHClient):
    """Keeps the key and the address a host showed when it was not the known one, and trusts none."""

    def __init__(self) -> None:
        self.shown: asyncssh.SSHKey | None = None
        self.address = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = key
        self.address = addr
        return False


async def connect(spec: HostSpec) -> _Connection:
    """Connect to a host. Raises LinkError with the status for its row."""
    options = await resolve(spec)
    return await _enter(_Stage(spec=spec, options=options, via=await _jump(spec, options, _MOST_JUMPS)))


async def show_key(spec: HostSpec, options: SshOptions) -> asyncssh.SSHKey | None:
    """Return the key a host shows, trusted by nobody. Raises LinkError; what jumps there are must be trusted."""
    stage = _Stage(spec=spec, options=options, via=await _jump(spec, options, _MOST_JUMPS))
    try:
        return await _shown_key(stage, await vouchers_for(spec, options))
    finally:
        if stage.via is not None:
            stage.via.abort()


async def _enter(stage: _Stage) -> _Connection:
    """Connect; the connection it goes through then belongs to the new one, or is gone."""
    try:
        if missing := unsupported(stage.options):
            raise LinkError(
                stage.spec.id,
                f"its ssh configuration allows only {missing} that are not supported here",
                f"allow one more for this host: {missing} in {stage.spec.ssh_config or '~/.ssh/config'}",
            )
        identities = await asyncio.to_thread(load_identities, stage.options.login)
        vouchers = await vouchers_for(stage.spec, stage.options)
        if needs_shown_key(stage.options):
            vouchers = await vouchers_for(stage.spec, stage.options, await _shown_key(stage, vouchers))
        connection = await _open(stage, vouchers, identities)
    except BaseException:
        if stage.via is not None:
            stage.via.abort()
        raise
    connection.set_tunnel(stage.via)
    return connection


async def _open(stage: _Stage, vouchers: Vouchers, identities: Identities) -> _Connection:
    witness = _KeyWitness()
    is_tunnelled = stage.via is not None
    try:
        async with offered_keys(identities) as keys:
            arguments = connection_arguments(stage.options, vouchers, keys, is_tunnelled=is_tunnelled)
            connection, _ = await _attempt(
                stage,
                identities,
                lambda: asyncssh.create_connection(lambda: witness, **arguments, tunnel=stage.via or ()),
            )
    except asyncssh.HostKeyNotVerifiable as error:
        if vouchers.found.authorities and "revoked" not in error.reason:
            # As ssh: a certificate that does not hold leaves the key itself, which may be known; a revoked one ends it.
            plain = replace(vouchers, found=replace(vouchers.found, authorities=()))
            return await _open(stage, plain, identities)
        known = await vouchers_for(stage.spec, stage.options, witness.shown)
        raise key_fault(stage.spec, stage.options, known, witness.shown, witness.address) from error
    return connection


async def _shown_key(stage: _Stage, vouchers: Vouchers) -> asyncssh.SSHKey | None:
    arguments = transport_arguments(stage.options, is_tunnelled=stage.via is not None) | {
        "server_host_key_algs": host_key_algorithms(stage.options, vouchers),
        "tunnel": stage.via or (),
    }
    return await _attempt(stage, Identities(), lambda: asyncssh.get_server_host_key(**arguments))


async def _attempt(stage: _Stage, identities: Identities, work: Callable[[], Awaitable[T]]) -> T:
    try:
        return await work()
    except asyncssh.HostKeyNotVerifiable:
        raise
    except (asyncssh.ConnectionLost, ConnectionResetError, BrokenPipeError) as error:
        if stage.options.proxy_command and stage.via is None:
            raise proxy_command_fault(stage.spec, stage.options.proxy_command) from error
        raise connect_fault(stage.spec, error) from error
    except (asyncssh.Error, OSError, UnicodeError) as error:  # UnicodeError: no name that DNS could know
        raise connect_fault(stage.spec, error, (*stage.options.passed_over, *identities.passed_over)) from error


async def _jump(spec: HostSpec, options: SshOptions, jumps_left: int) -> _Connection | None:
    """Connect to the last jump host before `spec`; None where there is none.

    The first one may have a jump host of its own, as with ssh; the others are reached from the one before.
    """
    hops = options.jumps
    if len(hops) > jumps_left:
        raise LinkError(
            spec.id,
            f"its ssh configuration goes through more than {_MOST_JUMPS} jump hosts",
            "does one name itself? See ProxyJump in it",
        )
    via: _Connection | None = None
    for number, hop in enumerate(hops):
        at_hop = replace(spec, ssh=hop)
        try:
            try:
                hop_options = await resolve(at_hop)
                if number == 0:
                    via = await _jump(at_hop, hop_options, jumps_left - len(hops))
            except BaseException:
                if via is not None:
                    via.abort()
                raise
            via = await _enter(_Stage(spec=at_hop, options=hop_options, via=via))
        except LinkError as error:
            raise _at_jump_host(spec, at_hop, hops[:number], error) from error
    return via


def _at_jump_host(spec: HostSpec, at_hop: HostSpec, before: Sequence[str], error: LinkError) -> LinkError:
    """Say where it happened. `novacron host trust` is about the host itself, so a jump host's key is left to ssh."""
    remedy = error.remedy
    if error.status is LinkStatus.HOST_KEY_UNKNOWN:
        remedy = f"compare it with that host's own, then say yes to it once: {ssh_command(at_hop, before)}"
    if error.status is LinkStatus.HOST_KEY_CHANGED:
        remedy = remedy.partition(", then novacron")[0]
    return LinkError(spec.id, f"at its jump host {at_hop.ssh}: {error.detail}", remedy, status=error.status)
