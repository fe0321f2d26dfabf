"""Disks and network interfaces: attach and detach, by forms that offer what there is."""

import secrets
from collections.abc import Sequence
from typing import Final

from novacron.model.device import DiskBus
from novacron.model.fleet import FleetVm
from novacron.model.mac_address import mac_address
from novacron.model.operations.disks import AttachDisk, DetachDisk
from novacron.model.operations.intent import Intent
from novacron.model.operations.nics import AttachNic, DetachNic
from novacron.model.plan.device_scope import DeviceScope
from novacron.model.storage import Pool
from novacron_tui.commands.command import Command, Context, Kind
from novacron_tui.commands.form import Form, Values, toggled
from novacron_tui.commands.power import refuse_vm
from novacron_tui.present import quantity
from novacron_tui.present.console_state import PoolRow
from novacron_tui.present.form_fields import Field, FieldKind, Option
from novacron_tui.present.table_view import natural
from novacron_tui.present.volumes import list_volumes, use_text

_WHEN: Final = (
    Option(value=DeviceScope.BOTH, label="now and later", note="now where it runs, and at its next start"),
    Option(value=DeviceScope.NOW, label="now only", note="gone when it is powered off"),
    Option(value=DeviceScope.NEXT_START, label="next start", note="in its definition alone"),
)


def _when() -> Field:
    return Field(id="when", label="When", kind=FieldKind.CHOICE, value=DeviceScope.BOTH, options=_WHEN)


def attach_disk_form(vms: Sequence[FleetVm], context: Context) -> Form:
    """Ask which volume becomes a disk; those that nothing is known to need are offered first."""
    vm = vms[0]

    def intents(values: Values) -> tuple[Intent, ...] | str:
        if not values.get("pool") or not values.get("volume"):
            return "choose a volume"
        return (
            AttachDisk(
                vm=vm.id,
                host=vm.home.host.id,
                pool=values["pool"],
                volume=values["volume"],
                target=values["target"].strip(),
                bus=DiskBus(values["bus"]),
                readonly=toggled(values, "readonly"),
                scope=DeviceScope(values["when"]),
            ),
        )

    return Form(
        title=f"Attach a disk to {vm.home.vm.name}",
        fields=lambda values: _disk_fields(vm, values, context),
        intents=intents,
    )


def _disk_fields(vm: FleetVm, values: Values, context: Context) -> tuple[Field, ...]:
    host, reading = vm.home.host, vm.home.host.reading
    pools = [pool for pool in (reading.pools if reading else ()) if pool.active]
    pool = next((one for one in pools if one.name == values.get("pool")), pools[0] if pools else None)
    volumes = _volumes(pool, PoolRow(host=host, pool=pool), context) if pool is not None else ()
    first = next((option.value for option in volumes if not option.refusal), "")
    buses = tuple(Option(value=bus) for bus in DiskBus)
    return (
        Field(
            id="pool",
            label="Pool",
            kind=FieldKind.CHOICE,
            value=pool.name if pool else "",
            options=tuple(Option(value=one.name) for one in pools) or (Option(value="", label="no pool"),),
        ),
        Field(
            id="volume",
            label="Volume",
            kind=FieldKind.CHOICE,
            value=first,
            options=volumes or (Option(value="", label="no volume"),),
        ),
        Field(id="bus", label="Bus", kind=FieldKind.CHOICE, value=DiskBus.VIRTIO, options=buses),
        Field(id="target", label="Device name", hint="vdb, sda …; empty: the next that is free"),
        Field(id="readonly", label="Read-only", kind=FieldKind.TOGGLE, value="no"),
        _when(),
    )


def _volumes(pool: Pool, row: PoolRow, context: Context) -> tuple[Option, ...]:
    listed = list_volumes(context.state.fleet, row)
    ordered = sorted(listed, key=lambda one: (bool(one.users or one.base_of), natural(one.volume.name)))
    return tuple(
        Option(
            value=one.volume.name,
            note=f"{quantity.size_mib(one.volume.capacity_mib)} {one.volume.format}",
            refusal=f"in use: {use_text(one)}" if one.users or one.base_of else "",
        )
        for one in ordered
    )


def detach_disk_form(vms: Sequence[FleetVm], _context: Context) -> Form:
    """Ask which disk goes; the last one is offered first, because the first one holds the system as a rule."""
    vm = vms[0]
    disks = {disk.target: disk for disk in (*vm.home.vm.disks, *vm.home.vm.disks_at_next_start)}
    options = tuple(Option(value=target, note=disk.source or "(empty)") for target, disk in reversed(disks.items()))
    target = Field(
        id="target",
        label="Disk",
        kind=FieldKind.CHOICE,
        value=options[0].value if options else "",
        options=options or (Option(value="", label="no disk"),),
    )

    def intents(values: Values) -> tuple[Intent, ...] | str:
        if not values["target"]:
            return f"{vm.home.vm.name} has no disk"
        scope = DeviceScope(values["when"])
        return (DetachDisk(vm=vm.id, host=vm.home.host.id, target=values["target"], scope=scope),)

    title = f"Detach a disk from {vm.home.vm.name}"
    return Form(title=title, fields=lambda _values: (target, _when()), intents=intents)


def attach_nic_form(vms: Sequence[FleetVm], _context: Context) -> Form:
    """Ask into which network a new interface is plugged."""
    vm = vms[0]
    # Chosen once a form: asking twice with the same form makes one interface.
    mac = mac_address(secrets.token_bytes(3))
    reading = vm.home.host.reading
    networks = tuple(Option(value=name) for name in (reading.facts.networks if reading else ()))
    fields = (
        Field(
            id="network",
            label="Network",
            kind=FieldKind.CHOICE,
            value=networks[0].value if networks else "",
            options=networks or (Option(value="", label="no network"),),
        ),
        Field(id="mac", label="MAC address", value=mac),
        _when(),
    )

    def intents(values: Values) -> tuple[Intent, ...] | str:
        if not values["network"]:
            return f"{vm.home.host.id} has no active network"
        return (
            AttachNic(
                vm=vm.id,
                host=vm.home.host.id,
                network=values["network"],
                mac=values["mac"].strip().lower(),
                scope=DeviceScope(values["when"]),
            ),
        )

    return Form(title=f"Attach a NIC to {vm.home.vm.name}", fields=lambda _values: fields, intents=intents)


def detach_nic_form(vms: Sequence[FleetVm], _context: Context) -> Form:
    """Ask which interface goes."""
    vm = vms[0]
    nics = {nic.mac: nic for nic in (*vm.home.vm.nics, *vm.home.vm.nics_at_next_start)}
    options = tuple(Option(value=mac, note=nic.network or nic.kind) for mac, nic in reversed(nics.items()))
    chosen = Field(
        id="mac",
        label="NIC",
        kind=FieldKind.CHOICE,
        value=options[0].value if options else "",
        options=options or (Option(value="", label="no NIC"),),
    )

    def intents(values: Values) -> tuple[Intent, ...] | str:
        if not values["mac"]:
            return f"{vm.home.vm.name} has no NIC"
        scope = DeviceScope(values["when"])
        return (DetachNic(vm=vm.id, host=vm.home.host.id, mac=values["mac"], scope=scope),)

    title = f"Detach a NIC from {vm.home.vm.name}"
    return Form(title=title, fields=lambda _values: (chosen, _when()), intents=intents)


DEVICES: Final = (
    Command(
        id="vm.attach-disk",
        makes=AttachDisk,
        title="Attach a disk",
        kind=Kind.VM,
        many=False,
        refuse=refuse_vm,
        form=attach_disk_form,
    ),
    Command(
        id="vm.detach-disk",
        makes=DetachDisk,
        title="Detach a disk",
        kind=Kind.VM,
        danger=True,
        many=False,
        refuse=refuse_vm,
        form=detach_disk_form,
    ),
    Command(
        id="vm.attach-nic",
        makes=AttachNic,
        title="Attach a NIC",
        kind=Kind.VM,
        many=False,
        refuse=refuse_vm,
        form=attach_nic_form,
    ),
    Command(
        id="vm.detach-nic",
        makes=DetachNic,
        title="Detach a NIC",
        kind=Kind.VM,
        danger=True,
        many=False,
        refuse=refuse_vm,
        form=detach_nic_form,
    ),
)
