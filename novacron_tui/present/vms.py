"""The VMs pane: one row for each VM of the fleet."""

from collections.abc import Mapping
from typing import Final

from novacron.model.fleet import FleetVm
from novacron.model.host import HostSpec
from novacron.model.vm import StateReason
from novacron_tui.present.cells import Cell, Role, cell
from novacron_tui.present.column import CellContext, Column, TableSpec
from novacron_tui.present.quantity import age, percent, rate, size_mib
from novacron_tui.present.table_view import natural
from novacron_tui.present.words import doing, doing_glyph, runs_twice, vm_glyph, vm_role, vm_word

_STATE_ORDER: Final = {
    "crashed": 0,
    "paused": 1,
    "unknown": 2,
    "shutting down": 3,
    "suspended": 4,
    "running": 5,
    "shut off": 6,
}
UNKNOWN: Final = cell("?", role=Role.UNKNOWN)


def state_cell(vm: FleetVm, context: CellContext) -> Cell:
    """Show what the VM does, or is; and of a host that does not answer, since when nobody knows."""
    reading, glyphs = vm.home.vm, context.glyphs
    if not vm.home.is_current:
        return _unknown_state(vm, context)
    operation = context.operations.get(vm.id)
    if operation is not None:
        role = Role.PAUSED if operation.is_waiting else Role.MIGRATING
        return cell(f"{doing_glyph(operation, glyphs)} {doing(operation)}", role=role)
    if runs_twice(vm):
        return cell(f"{glyphs.crashed} runs twice", role=Role.CRASHED)
    shown = f"{vm_glyph(reading.state, glyphs)} {reading.state}"
    role = vm_role(reading.state, reading.reason)
    if reading.reason is StateReason.CRASHED:
        return cell(f"{glyphs.crashed} crashed", role=role)
    if role is Role.CRASHED and reading.reason and reading.reason.value != reading.state.value:
        return cell(f"{shown}: {reading.reason}", f"{glyphs.crashed} {reading.reason}", role=role)
    if reading.job_active:
        return cell(f"{glyphs.migrating} {reading.state}, busy", shown, role=Role.MIGRATING)
    return cell(shown, role=role)


def _unknown_state(vm: FleetVm, context: CellContext) -> Cell:
    reading = vm.home.host.reading
    ago = age(reading.observed_at if reading else None, context.now)
    shown = f"{context.glyphs.unknown} unknown {ago}"
    return cell(shown, role=Role.UNKNOWN)


def _usage(column: str, title: str, show: str, priority: int, width: int) -> Column[FleetVm]:
    def value(vm: FleetVm) -> float | None:
        usage = vm.home.vm.usage
        if not vm.home.is_current:
            return None
        if show == "cpu":
            return usage.cpu_percent
        parts = (usage.disk_read_b_s, usage.disk_write_b_s) if show == "disk" else (usage.net_rx_b_s, usage.net_tx_b_s)
        known = [part for part in parts if part is not None]
        return sum(known) if known else None

    def shown(vm: FleetVm, _context: CellContext) -> Cell:
        if not vm.home.is_current:
            return UNKNOWN
        number = value(vm)
        role = Role.DIM if not number else Role.TEXT
        return cell(percent(number) if show == "cpu" else rate(number), role=role)

    return Column(id=column, title=title, width=width, priority=priority, right=True, cell=shown, order=value)


def _memory(vm: FleetVm, context: CellContext) -> Cell:
    reading = vm.home.vm
    total = size_mib(reading.memory_mib)
    if reading.pending_memory_mib is not None:
        total = f"{total}{context.glyphs.pending}{size_mib(reading.pending_memory_mib)}"
    if not vm.home.is_current:
        return cell(f"?/{total}", role=Role.UNKNOWN)
    used = reading.usage.memory_used_mib
    if used is None or not reading.is_active:
        # Without a balloon nobody knows what the guest uses; what QEMU holds on the host is another thing.
        return cell(total, role=Role.DIM)
    return cell(f"{size_mib(used)}/{total}", total)


def _vcpus(vm: FleetVm, context: CellContext) -> Cell:
    reading = vm.home.vm
    if reading.pending_vcpus is None:
        return cell(reading.vcpus, role=Role.DIM)
    arrow = context.glyphs.pending
    return cell(f"{reading.vcpus}{arrow}{reading.pending_vcpus}", f"{reading.vcpus}{arrow}", role=Role.WARNING)


def _memory_order(vm: FleetVm) -> float | None:
    used = vm.home.vm.usage.memory_used_mib
    return float(used) if used is not None and vm.home.is_current else None


def _rss(vm: FleetVm) -> int | None:
    return vm.home.vm.usage.memory_rss_mib if vm.home.is_current else None


def _rss_cell(vm: FleetVm, _context: CellContext) -> Cell:
    return cell(size_mib(_rss(vm)), role=Role.DIM) if vm.home.is_current else UNKNOWN


def _name(vm: FleetVm, _context: CellContext) -> Cell:
    active = vm.home.is_current and vm.home.vm.is_active
    return cell(vm.home.vm.name, role=Role.TEXT if active else Role.DIM)


def _host(vm: FleetVm, _context: CellContext) -> Cell:
    role = Role.TEXT if vm.home.is_current else Role.UNKNOWN
    host = vm.home.host.id
    return cell(f"{host} +{len(vm.others)}", f"{host}+", role=role) if vm.others else cell(host, role=role)


def _reason(vm: FleetVm, _context: CellContext) -> Cell:
    if not vm.home.is_current:
        return cell(f"was {vm.home.vm.state}", role=Role.UNKNOWN)
    return cell(vm.home.vm.reason, role=Role.DIM)


def _flags(vm: FleetVm, _context: CellContext) -> Cell:
    reading = vm.home.vm
    words = ["auto"] if reading.autostart else []
    words += [] if reading.persistent else ["transient"]
    return cell(" ".join(words), role=Role.DIM)


def vm_fields(vm: FleetVm) -> Mapping[str, str]:
    """Return what a filter finds a VM by."""
    reading, spec = vm.home.vm, vm.home.host.spec
    return {
        "name": reading.name,
        "host": spec.id,
        "state": vm_word(vm),
        "site": spec.site,
        "label": labels_text(spec),
        "reason": reading.reason.value,
        "uuid": vm.id,
    }


def labels_text(spec: HostSpec) -> str:
    """Return a host's labels as one searchable text."""
    return " ".join(f"{name}={value}" for name, value in spec.labels.items())


VMS: Final[TableSpec[FleetVm]] = TableSpec(
    columns=(
        Column(
            id="name",
            title="NAME",
            width=20,
            widest=40,
            priority=0,
            cell=_name,
            order=lambda vm: natural(vm.home.vm.name),
        ),
        Column(
            id="state",
            title="STATE",
            width=15,
            widest=28,
            priority=0,
            cell=state_cell,
            order=lambda vm: _STATE_ORDER[vm_word(vm)],
        ),
        Column(
            id="host",
            title="HOST",
            width=11,
            widest=24,
            priority=1,
            cell=_host,
            order=lambda vm: natural(vm.home.host.id),
        ),
        _usage("cpu", "CPU%", "cpu", 2, 5),
        Column(
            id="memory",
            title="MEM",
            width=9,
            widest=11,
            priority=3,
            right=True,
            cell=_memory,
            order=_memory_order,
        ),
        _usage("disk", "DISK/s", "disk", 4, 6),
        _usage("net", "NET/s", "net", 5, 6),
        Column(
            id="rss",
            title="RSS",
            width=5,
            priority=9,
            right=True,
            cell=_rss_cell,
            order=_rss,
        ),
        Column(
            id="vcpus",
            title="VCPU",
            width=4,
            priority=6,
            right=True,
            cell=_vcpus,
            order=lambda vm: vm.home.vm.vcpus,
        ),
        Column(
            id="site",
            title="SITE",
            width=8,
            widest=14,
            priority=7,
            cell=lambda vm, _: cell(vm.home.host.spec.site, role=Role.DIM),
            order=lambda vm: natural(vm.home.host.spec.site),
        ),
        Column(
            id="reason",
            title="REASON",
            width=12,
            widest=20,
            priority=8,
            cell=_reason,
            order=lambda vm: vm.home.vm.reason.value or None,
        ),
        Column(
            id="flags",
            title="FLAGS",
            width=9,
            widest=14,
            priority=10,
            cell=_flags,
            order=lambda vm: (not vm.home.vm.autostart, vm.home.vm.persistent),
        ),
        Column(
            id="uuid",
            title="UUID",
            width=8,
            widest=36,
            priority=11,
            cell=lambda vm, _: cell(vm.id, vm.id[:8], role=Role.DIM),
            order=lambda vm: vm.id,
        ),
    ),
    key=lambda vm: vm.id,
    fields=vm_fields,
    sort="name",
    empty="No VM is known yet. n creates one; 2 shows how the hosts stand.",
    is_ageing=lambda vm: not vm.home.is_current,
)
