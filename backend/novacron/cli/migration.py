"""Migrating VMs from the command line."""

from collections.abc import Mapping
from typing import Annotated, Final

import typer

from novacron.cli.arguments import Bandwidth, Json, NoWait, VmNames, Vouch, Yes, vouched_for
from novacron.cli.carrying_out import Manner, for_each_vm
from novacron.cli.completion import complete_hosts
from novacron.model.fleet import FleetVm
from novacron.model.ids import HostId
from novacron.model.migration import MigrationMode
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MigrateVm


def migrate(
    context: typer.Context,
    names: VmNames,
    to: Annotated[str, typer.Option("--to", help="Destination host.", autocompletion=complete_hosts)],
    mode: Annotated[MigrationMode, typer.Option(help="Who carries it.")] = MigrationMode.PEER_TO_PEER,
    copy_storage: Annotated[bool, typer.Option("--copy-storage", help="Copy the disks along.")] = False,
    bandwidth: Bandwidth = None,
    max_downtime: Annotated[int | None, typer.Option(min=1, help="Longest pause in ms.")] = None,
    auto_converge: Annotated[bool, typer.Option("--auto-converge", help="Slow a busy guest down.")] = False,
    vouch: Vouch = None,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Move VMs to another host: live while they run, cold while they are shut off."""

    def intent_of(vm: FleetVm) -> Intent:
        return MigrateVm(
            vm=vm.id,
            host=vm.home.host.id,
            destination=HostId(to),
            mode=mode,
            copy_storage=copy_storage,
            bandwidth_mib_s=bandwidth,
            max_downtime_ms=max_downtime,
            auto_converge=auto_converge,
            vouched=vouched_for(vouch),
        )

    for_each_vm(context, names, intent_of, Manner(yes=yes, wait=not no_wait, as_json=as_json))


def add_to(app: typer.Typer) -> None:
    """Give the verb of this module to the command."""
    app.command(rich_help_panel="Act")(migrate)


VERBS: Final[Mapping[type[Intent], tuple[str, ...]]] = {MigrateVm: ("migrate",)}
"""Which verb asks for which intent."""
