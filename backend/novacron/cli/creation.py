"""Creating a VM from the command line."""

import uuid
from collections.abc import Mapping
from typing import Annotated, Final

import typer

from novacron.cli.arguments import DiskSize, Json, MemorySize, NoWait, Yes
from novacron.cli.carrying_out import Manner, just
from novacron.cli.completion import complete_hosts
from novacron.model.fleet import Fleet
from novacron.model.ids import HostId, VmId
from novacron.model.operations.creation import NEW_VM_CMDLINE, NEW_VM_MEMORY_MIB, NEW_VM_VCPUS, CreateVm
from novacron.model.operations.intent import Intent

Network = Annotated[str | None, typer.Option(help="libvirt network; the host's first when left out, '' for no NIC.")]
CommandLine = Annotated[
    str | None, typer.Option(help=f"Kernel command line; with a kernel {NEW_VM_CMDLINE} when left out.")
]


def create(
    context: typer.Context,
    name: str,
    on: Annotated[str, typer.Option("--on", help="Host it is made on.", autocompletion=complete_hosts)],
    vcpus: Annotated[int, typer.Option(min=1)] = NEW_VM_VCPUS,
    memory: MemorySize = NEW_VM_MEMORY_MIB,
    pool: Annotated[str, typer.Option(help="Pool for its disk; none: no disk.")] = "",
    disk: DiskSize = 0,
    base: Annotated[str, typer.Option(help="Volume of that pool to copy the disk from.")] = "",
    network: Network = None,
    kernel: Annotated[str, typer.Option(help="Path on the host for direct kernel boot.")] = "",
    initrd: Annotated[str, typer.Option()] = "",
    cmdline: CommandLine = None,
    description: Annotated[str, typer.Option()] = "",
    start: Annotated[bool, typer.Option("--start", help="Power it on.")] = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Make a VM."""

    def intent_of(fleet: Fleet) -> Intent:
        return CreateVm(
            vm=VmId(str(uuid.uuid4())),
            host=HostId(on),
            name=name,
            vcpus=vcpus,
            memory_mib=memory,
            pool=pool,
            disk_mib=disk,
            base_volume=base,
            network=_default_network(fleet, on) if network is None else network,
            kernel=kernel,
            initrd=initrd,
            cmdline=(NEW_VM_CMDLINE if kernel else "") if cmdline is None else cmdline,
            start=start,
            description=description,
        )

    just(context, intent_of, Manner(yes=yes, wait=not no_wait, as_json=as_json))


def _default_network(fleet: Fleet, on: str) -> str:
    host = fleet.hosts.get(HostId(on))
    return host.reading.facts.default_network if host and host.reading else ""


def add_to(app: typer.Typer) -> None:
    """Give the verb of this module to the command."""
    app.command(rich_help_panel="Act")(create)


VERBS: Final[Mapping[type[Intent], tuple[str, ...]]] = {CreateVm: ("create",)}
"""Which verb asks for which intent."""
