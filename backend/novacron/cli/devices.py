"""Disks and network interfaces of VMs from the command line: attached and detached."""

import secrets
from collections.abc import Mapping
from typing import Annotated, Final

import typer

from novacron.cli.arguments import Json, NoWait, VmName, Vouch, Yes, vouched_for
from novacron.cli.carrying_out import Manner, for_each_vm
from novacron.cli.scheduling import scheduled
from novacron.model.device import DiskBus
from novacron.model.mac_address import mac_address
from novacron.model.operations.disks import AttachDisk, DetachDisk
from novacron.model.operations.intent import Intent
from novacron.model.operations.nics import AttachNic, DetachNic
from novacron.model.plan.device_scope import DeviceScope

disk = typer.Typer(help="Attach and detach disks.", no_args_is_help=True)
nic = typer.Typer(help="Attach and detach network interfaces.", no_args_is_help=True)

When = Annotated[
    DeviceScope,
    typer.Option("--when", help="Now where it runs and at its next start, or one of them alone."),
]


@disk.command("attach")
@scheduled
def attach_disk(
    context: typer.Context,
    name: VmName,
    pool: Annotated[str, typer.Option(help="Pool of the volume.")],
    volume: Annotated[str, typer.Option(help="Volume that becomes the disk.")],
    target: Annotated[str, typer.Option(help="Device name, such as vdb; the next free one when left out.")] = "",
    bus: Annotated[DiskBus, typer.Option(help="How the guest sees it.")] = DiskBus.VIRTIO,
    read_only: Annotated[bool, typer.Option("--read-only", help="The guest may not write to it.")] = False,
    when: When = DeviceScope.BOTH,
    vouch: Vouch = None,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Give a VM a volume that nothing else needs as a further disk."""
    for_each_vm(
        context,
        [name],
        lambda vm: AttachDisk(
            vm=vm.id,
            host=vm.home.host.id,
            pool=pool,
            volume=volume,
            target=target,
            bus=bus,
            readonly=read_only,
            scope=when,
            vouched=vouched_for(vouch),
        ),
        Manner(yes=yes, wait=not no_wait, as_json=as_json),
    )


@disk.command("detach")
@scheduled
def detach_disk(
    context: typer.Context,
    name: VmName,
    target: Annotated[str, typer.Argument(help="Device name, such as vdb.")],
    when: When = DeviceScope.BOTH,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Take a disk from a VM; what is on it stays."""
    manner = Manner(yes=yes, wait=not no_wait, as_json=as_json)
    for_each_vm(
        context, [name], lambda vm: DetachDisk(vm=vm.id, host=vm.home.host.id, target=target, scope=when), manner
    )


@nic.command("attach")
@scheduled
def attach_nic(
    context: typer.Context,
    name: VmName,
    network: Annotated[str, typer.Option(help="libvirt network it is plugged into.")],
    mac: Annotated[str, typer.Option(help="Its MAC address; a new one when left out.")] = "",
    model: Annotated[str, typer.Option(help="How the guest sees it: virtio, e1000, e1000e, rtl8139.")] = "virtio",
    when: When = DeviceScope.BOTH,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Give a VM a further network interface."""
    chosen = mac.lower() or mac_address(secrets.token_bytes(3))
    for_each_vm(
        context,
        [name],
        lambda vm: AttachNic(vm=vm.id, host=vm.home.host.id, network=network, mac=chosen, model=model, scope=when),
        Manner(yes=yes, wait=not no_wait, as_json=as_json),
    )


@nic.command("detach")
@scheduled
def detach_nic(
    context: typer.Context,
    name: VmName,
    mac: Annotated[str, typer.Argument(help="Its MAC address.")],
    when: When = DeviceScope.BOTH,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Take a network interface from a VM."""
    manner = Manner(yes=yes, wait=not no_wait, as_json=as_json)
    for_each_vm(
        context,
        [name],
        lambda vm: DetachNic(vm=vm.id, host=vm.home.host.id, mac=mac.lower(), scope=when),
        manner,
    )


def add_to(app: typer.Typer) -> None:
    """Give the verbs of this module to the command."""
    app.add_typer(disk, name="disk", rich_help_panel="Act")
    app.add_typer(nic, name="nic", rich_help_panel="Act")


VERBS: Final[Mapping[type[Intent], tuple[str, ...]]] = {
    AttachDisk: ("disk", "attach"),
    DetachDisk: ("disk", "detach"),
    AttachNic: ("nic", "attach"),
    DetachNic: ("nic", "detach"),
}
"""Which verb asks for which intent."""
