"""Shell completion of names: asks a running backend, never starts one, never makes the shell wait."""

import asyncio
from collections.abc import Callable

import typer

from novacron.cli.this_user import this_user
from novacron.model.fleet import Fleet

_PATIENCE_S = 0.5


def complete_vms(context: typer.Context, incomplete: str) -> list[str]:
    """Return VM names that begin as typed."""
    return _complete(context, incomplete, lambda fleet: [vm.home.vm.name for vm in fleet.vms.values()])


def complete_hosts(context: typer.Context, incomplete: str) -> list[str]:
    """Return host names that begin as typed."""
    return _complete(context, incomplete, lambda fleet: list(fleet.hosts))


def _complete(context: typer.Context, incomplete: str, names: Callable[[Fleet], list[str]]) -> list[str]:
    from novacron.model.errors import NovaCronError

    try:
        fleet = asyncio.run(_fleet(context))
    except (NovaCronError, OSError, TimeoutError):
        return []
    # A name the shell would have to quote, or that hides control characters, is left for the UUID.
    return sorted({name for name in names(fleet) if name.startswith(incomplete) and _is_plain(name)})


def _is_plain(name: str) -> bool:
    return name.isascii() and name.isprintable() and not set(name) & set(" \t'\"\\$`!&;|<>(){}[]*?#~")


async def _fleet(context: typer.Context) -> Fleet:
    from novacron.api.client import RemoteBackend
    from novacron.cli.options import options_from
    from novacron.runtime import socket_of

    options = options_from(context.find_root().params)
    backend = RemoteBackend(socket_of(options))
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await backend.fleet(this_user())
    finally:
        await backend.close()
