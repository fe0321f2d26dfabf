"""Storage from the command line: listing volumes, starting and stopping pools, deleting a volume."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from novacron.cli.arguments import AnyHostNames, Json, NoWait, PartialOk, Vouch, Yes, vouched_for
from novacron.cli.carrying_out import Manner, just
from novacron.cli.completion import complete_hosts
from novacron.cli.output import print_json, print_table, tell_unread
from novacron.cli.scheduling import scheduled
from novacron.cli.selectors import host_of_pool, select_hosts
from novacron.cli.session import run, settled_fleet
from novacron.model.fleet import Host
from novacron.model.operations.intent import Intent
from novacron.model.operations.storage import DeleteVolume, SetPoolActive
from novacron.ports.backend import Backend
from novacron_tui.present.quantity import age

pool = typer.Typer(help="Start and stop storage pools.", no_args_is_help=True)
volume = typer.Typer(help="Delete volumes.", no_args_is_help=True)

PoolName = Annotated[str, typer.Argument(help="Its name.")]
OnHost = Annotated[
    str,
    typer.Option("--host", help="Host it is on; may be left out where one only has it.", autocompletion=complete_hosts),
]
_COLUMNS = ("host", "pool", "name", "format", "capacity", "allocated", "seen", "path")


def volumes(
    context: typer.Context,
    names: AnyHostNames = None,
    in_pool: Annotated[str, typer.Option("--pool", help="Of this pool only.")] = "",
    partial_ok: PartialOk = False,
    as_json: Json = False,
) -> None:
    """List the volumes of each host's pools."""

    async def work(backend: Backend) -> tuple[Host, ...]:
        fleet = await settled_fleet(backend)
        return select_hosts(fleet, names) if names else tuple(fleet.hosts.values())

    chosen = run(work, context)
    records = [record for host in chosen for record in _records(host, in_pool)]
    if as_json:
        print_json(records)
    else:
        print_table(_COLUMNS, [_row(record) for record in records])
    tell_unread("volumes", [host.id for host in chosen if host.reading is None], partial_ok=partial_ok)


@pool.command("start")
@scheduled
def start_pool(
    context: typer.Context,
    name: PoolName,
    host: OnHost = "",
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Start a storage pool."""
    _set_active(context, name, host, True, Manner(yes=yes, wait=not no_wait, as_json=as_json))


@pool.command("stop")
@scheduled
def stop_pool(
    context: typer.Context,
    name: PoolName,
    host: OnHost = "",
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Stop a storage pool; what is in it stays."""
    _set_active(context, name, host, False, Manner(yes=yes, wait=not no_wait, as_json=as_json))


@volume.command("delete")
@scheduled
def delete_volume(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.")],
    in_pool: Annotated[str, typer.Option("--pool", help="Pool it is in.")],
    host: OnHost = "",
    vouch: Vouch = None,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Delete a volume that no VM uses."""

    just(
        context,
        lambda fleet: DeleteVolume(
            host=host_of_pool(fleet, in_pool, host), pool=in_pool, volume=name, vouched=vouched_for(vouch)
        ),
        Manner(yes=yes, wait=not no_wait, as_json=as_json),
    )


def _set_active(context: typer.Context, name: str, host: str, active: bool, manner: Manner) -> None:
    just(
        context,
        lambda fleet: SetPoolActive(host=host_of_pool(fleet, name, host), pool=name, active=active),
        manner,
    )


def _records(host: Host, in_pool: str) -> list[dict[str, Any]]:
    pools, read_at = (host.reading.pools, host.reading.inventory_at) if host.reading else ((), None)
    return [
        {"host": host.id, "current": host.is_current, "observed_at": read_at, "pool": one.name, "volume": found}
        for one in pools
        if in_pool in ("", one.name)
        for found in one.volumes
    ]


def _row(record: dict[str, Any]) -> list[str | None]:
    found = record["volume"]
    sizes = (f"{size / 1024:.1f}G" for size in (found.capacity_mib, found.allocation_mib))
    seen = age(record["observed_at"], datetime.now(UTC))
    return [record["host"], record["pool"], found.name, found.format, *sizes, seen, found.path]


def add_to(app: typer.Typer) -> None:
    """Give the verbs of this module to the command."""
    app.command(rich_help_panel="See")(volumes)
    app.add_typer(pool, name="pool", rich_help_panel="Act")
    app.add_typer(volume, name="volume", rich_help_panel="Act")


VERBS: Final[Mapping[type[Intent], tuple[str, ...]]] = {
    SetPoolActive: ("pool", "start"),
    DeleteVolume: ("volume", "delete"),
}
"""Which verb asks for which intent."""
