"""Migrate: to which host, who carries it, and what goes along."""

from collections.abc import Sequence
from typing import Final

from novacron.model.fleet import FleetVm, Host
from novacron.model.ids import HostId
from novacron.model.intent import Intent, MigrateVm, MigrationMode
from novacron.model.vm import VmState
from novacron_tui.commands.command import Command, Context, Kind
from novacron_tui.commands.form import Field, FieldKind, Form, Option, Values, number, toggled
from novacron_tui.commands.power import refuse_vm
from novacron_tui.present.quantity import size_mib
from novacron_tui.present.table_view import natural

_MODES: Final = (
    Option(value=MigrationMode.PEER_TO_PEER, label="p2p", note="the hosts carry it: it goes on without us"),
    Option(value=MigrationMode.DIRECT, label="direct", note="the backend drives both ends"),
    Option(value=MigrationMode.RELAYED, label="relayed", note="through our SSH, for hosts that cannot meet"),
)


def _refuse(vm: FleetVm, context: Context) -> str | None:
    if vm.home.vm.state not in {VmState.RUNNING, VmState.SHUT_OFF, VmState.PAUSED} and vm.home.is_current:
        return f"{vm.home.vm.name} is {vm.home.vm.state} and cannot be moved"
    return refuse_vm(vm, context)


def migrate_form(vms: Sequence[FleetVm], context: Context) -> Form:
    """Ask where to, and how; every destination is judged by a preview."""
    title = f"Migrate {vms[0].home.vm.name}" if len(vms) == 1 else f"Migrate {len(vms)} VMs"
    fields = _fields(_destinations(vms, context), copies=any(_has_local_disk(vm) for vm in vms))
    return Form(
        title=title,
        fields=lambda values: fields,
        intents=lambda values: _intents(vms, values),
        judged="destination",
    )


def _fields(hosts: tuple[Option, ...], *, copies: bool) -> tuple[Field, ...]:
    first = next((option.value for option in hosts if not option.refusal), "")
    return (
        Field(id="destination", label="To host", kind=FieldKind.CHOICE, value=first, options=hosts),
        Field(id="mode", label="Carried", kind=FieldKind.CHOICE, value=MigrationMode.PEER_TO_PEER, options=_MODES),
        Field(
            id="copy",
            label="Copy disks",
            kind=FieldKind.TOGGLE,
            value="yes" if copies else "no",
            hint="needed when the disks are not on storage that both hosts share",
        ),
        Field(id="bandwidth", label="At most", kind=FieldKind.NUMBER, unit="MiB/s", hint="empty: as fast as it goes"),
        Field(
            id="downtime",
            label="Pause up to",
            kind=FieldKind.NUMBER,
            unit="ms",
            hint="empty: the hypervisor's own limit",
        ),
        Field(
            id="converge",
            label="Auto-converge",
            kind=FieldKind.TOGGLE,
            value="no",
            hint="slows the guest down if it dirties memory too fast",
        ),
    )


def _intents(vms: Sequence[FleetVm], values: Values) -> tuple[Intent, ...] | str:
    destination = values["destination"]
    if not destination:
        return "choose a host that answers"
    bandwidth, downtime = number(values, "bandwidth", least=1), number(values, "downtime", least=1)
    if bandwidth is None and values["bandwidth"].strip():
        return "the bandwidth is a whole number of MiB/s"
    if downtime is None and values["downtime"].strip():
        return "the pause is a whole number of ms"
    return tuple(
        MigrateVm(
            vm=vm.id,
            host=vm.home.host.id,
            destination=HostId(destination),
            mode=MigrationMode(values["mode"]),
            copy_storage=toggled(values, "copy"),
            bandwidth_mib_s=bandwidth,
            max_downtime_ms=downtime,
            auto_converge=toggled(values, "converge"),
        )
        for vm in vms
        if vm.home.host.id != destination
    )


def _destinations(vms: Sequence[FleetVm], context: Context) -> tuple[Option, ...]:
    sources = {vm.home.host.id for vm in vms}
    sites = {vm.home.host.spec.site for vm in vms}
    needed = sum(vm.home.vm.memory_mib for vm in vms)
    hosts = [host for host in context.picture.fleet.hosts.values() if sources != {host.id}]
    # Hosts that answer first, and of those the ones at the same site: they most likely share storage.
    hosts.sort(key=lambda host: (bool(_refusal(host, needed)), host.spec.site not in sites, natural(host.id)))
    return tuple(Option(value=host.id, note=_room(host), refusal=_refusal(host, needed)) for host in hosts)


def _has_local_disk(vm: FleetVm) -> bool:
    """Tell whether a disk lies in a pool that is known to be its host's own."""
    reading = vm.home.host.reading
    local = [pool.path.rstrip("/") + "/" for pool in reading.pools if not pool.shared and pool.path] if reading else []
    return any(disk.source.startswith(path) for disk in vm.home.vm.disks if not disk.readonly for path in local)


def _free_mib(host: Host) -> int | None:
    if host.reading is None or host.reading.load.memory_used_mib is None:
        return None
    return host.reading.facts.memory_mib - host.reading.load.memory_used_mib


def _room(host: Host) -> str:
    free = _free_mib(host)
    return f"{size_mib(free)} free" if free is not None and host.is_current else ""


def _refusal(host: Host, needed_mib: int) -> str:
    if not host.is_current:
        return f"is {host.link.status}"
    free = _free_mib(host)
    if free is not None and free < needed_mib:
        return f"has {size_mib(free)} of memory free, {size_mib(needed_mib)} are needed"
    return ""


MIGRATION: Final = (
    Command(
        id="vm.migrate",
        title="Migrate to another host",
        kind=Kind.VM,
        asks=True,
        refuse=_refuse,
        form=migrate_form,
    ),
)
