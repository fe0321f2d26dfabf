"""Migrate: to which host, who carries it, and what goes along."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from novacron.model.fleet import FleetVm, Host
from novacron.model.ids import HostId
from novacron.model.migration import MigrationMode
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MigrateVm
from novacron.model.vm import VmState
from novacron_tui.commands.command import Command, Context, Kind
from novacron_tui.commands.form import Form, Values, number, size_mib, toggled
from novacron_tui.commands.power import refuse_vm
from novacron_tui.present import quantity
from novacron_tui.present.form_fields import Field, FieldKind, Option
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
    """Ask where to, and how; every destination is previewed."""
    title = f"Migrate {vms[0].home.vm.name}" if len(vms) == 1 else f"Migrate {len(vms)} VMs"
    fields = _fields(_destinations(vms, context), copies=any(_has_local_disk(vm) for vm in vms))
    return Form(
        title=title,
        fields=lambda values: fields,
        intents=lambda values: _intents(vms, values),
        previewed_field="destination",
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
        Field(id="bandwidth", label="At most", kind=FieldKind.SIZE, unit="a second", hint="empty: as fast as it goes"),
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
    bandwidth = size_mib(values, "bandwidth", least=1) if values["bandwidth"].strip() else None
    downtime = number(values, "downtime", least=1)
    if isinstance(bandwidth, str):
        return f"at most: {bandwidth}"
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
    """Offer the best first: where most of the VMs fit, near their disks, with the most memory free."""
    sources = {vm.home.host.id for vm in vms}
    hosts = [host for host in context.state.fleet.hosts.values() if sources != {host.id}]
    room = {host.id: _room_for(vms, host) for host in hosts}

    def worse(host: Host) -> tuple[Any, ...]:
        fit = room[host.id]
        near = _reaches_disks(vms, host), any(vm.home.host.spec.site == host.spec.site for vm in vms)
        # In whole GiB, as it is shown: what two equal hosts have free differs from one reading to the next.
        free = -round((fit.free_mib or 0) / 1024)
        return (
            not host.is_current,
            bool(_refusal(host, fit)),
            -fit.fits,
            *(not each for each in near),
            free,
            natural(host.id),
        )

    hosts.sort(key=worse)
    return tuple(
        Option(value=host.id, note=_note(host, room[host.id]), refusal=_refusal(host, room[host.id])) for host in hosts
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How much of a selection a host has memory for."""

    wanted: int
    """VMs that are not there yet."""
    fits: int
    needed_mib: int
    """For all of them: one that is off needs none."""
    free_mib: int | None
    """None: not known, and nothing is said about what fits."""


def _room_for(vms: Sequence[FleetVm], host: Host) -> _Room:
    needs = sorted(vm.home.vm.memory_mib if vm.home.vm.is_active else 0 for vm in vms if vm.home.host.id != host.id)
    free = _free_mib(host)
    fits = sum(total <= free for total in accumulate(needs)) if free is not None else len(needs)
    return _Room(wanted=len(needs), fits=fits, needed_mib=sum(needs), free_mib=free)


def _reaches_disks(vms: Sequence[FleetVm], host: Host) -> bool:
    """Tell whether every disk that would move lies in a pool which the host shares with the VM's own."""
    there = host.reading.pools if host.reading else ()
    shared = [f"{pool.path.rstrip('/')}/" for pool in there if pool.shared and pool.active and pool.path]
    sources = [disk.source for vm in vms for disk in vm.home.vm.disks if disk.source and not disk.readonly]
    return all(any(source.startswith(folder) for folder in shared) for source in sources)


def _has_local_disk(vm: FleetVm) -> bool:
    """Tell whether a disk lies in a pool that is known to be its host's own."""
    reading = vm.home.host.reading
    local = [pool.path.rstrip("/") + "/" for pool in reading.pools if not pool.shared and pool.path] if reading else []
    return any(disk.source.startswith(path) for disk in vm.home.vm.disks if not disk.readonly for path in local)


def _free_mib(host: Host) -> int | None:
    if host.reading is None or host.reading.load.memory_used_mib is None:
        return None
    return host.reading.facts.memory_mib - host.reading.load.memory_used_mib


def _note(host: Host, room: _Room) -> str:
    if room.free_mib is None or not host.is_current:
        return ""
    free = f"{quantity.size_mib(room.free_mib)} free"
    if room.wanted < 2:
        return free
    return f"{free}, room for {'all' if room.fits == room.wanted else f'{room.fits} of'} {room.wanted}"


def _refusal(host: Host, room: _Room) -> str:
    if not host.is_current:
        return f"is {host.link.status}"
    if room.free_mib is not None and room.wanted and not room.fits:
        free, needed = quantity.size_mib(room.free_mib), quantity.size_mib(room.needed_mib)
        none = f"; no room for any of {room.wanted}" if room.wanted > 1 else ""
        return f"has {free} of memory free, {needed} are needed{none}"
    return ""


MIGRATION: Final = (
    Command(
        id="vm.migrate",
        makes=MigrateVm,
        title="Migrate to another host",
        kind=Kind.VM,
        asks=True,
        refuse=_refuse,
        form=migrate_form,
    ),
)
