"""One VM in full."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from novacron.model.alert.alert import Alert
from novacron.model.fleet import FleetVm, Sighting
from novacron.model.operation import Operation
from novacron.model.vm import VmDisk, VmNic
from novacron_tui.present.alerts import alert_lines
from novacron_tui.present.cells import Line, Role, Span, flow_parts, fold_line, paragraph, span
from novacron_tui.present.column import CellContext
from novacron_tui.present.operations import ended_ago
from novacron_tui.present.quantity import age, percent, rate, size_mib
from novacron_tui.present.status import operation_status
from novacron_tui.present.vms import state_cell
from novacron_tui.present.words import operation_sign, operation_word

Device = TypeVar("Device", VmDisk, VmNic)


def vm_head(vm: FleetVm, alerts: Sequence[Alert], context: CellContext, width: int) -> list[Line]:
    """Say what it is and does: the lines above the plots."""
    reading, host = vm.home.vm, vm.home.host
    state = state_cell(vm, context)
    site = f" ({host.spec.site})" if host.spec.site else ""
    said = str(reading.reason) in state.forms[0]
    lines: list[Line] = flow_parts(
        (
            (
                span(f" {state.forms[0]}", state.role),
                span(f"  {reading.reason}" if vm.home.is_current and not said else "", Role.DIM),
            ),
            _fact("on", f"{host.id}{site}"),
            _fact("vCPU", reading.vcpus),
            _pending(reading.pending_vcpus),
            _fact("memory", _memory_text(vm)),
            _pending(None if reading.pending_memory_mib is None else size_mib(reading.pending_memory_mib)),
            _fact("autostart", "yes" if reading.autostart else "no"),
            (span("" if reading.persistent else "  transient: gone when it stops", Role.WARNING),),
        ),
        width,
    )
    if not vm.home.is_current:
        was = f"it was {reading.state} {age(host.reading.observed_at, context.now)} ago; " if host.reading else ""
        cause = f"{was}{host.id} is {host.link.status}: {host.link.cause}"
        lines += paragraph(cause, width - 1, Role.WARNING, indent=1)
        lines += paragraph(f"What to do: {host.link.remedy}", width - 1, indent=1) if host.link.remedy else []
    elif reading.is_active:
        lines += flow_parts(_usage(vm), width)
    lines += alert_lines(alerts, context, width)
    operation = context.operations.get(vm.id)
    if operation is not None:
        lines.append(operation_status(operation, context))
    return [part for line in lines for part in fold_line(line, width)]


def vm_rest(vm: FleetVm, operations: Sequence[Operation], context: CellContext, width: int) -> list[Line]:
    """Say what belongs to it: the lines below the plots."""
    reading = vm.home.vm
    lines: list[Line] = [_title("Disks")]
    for disk, waits in _with_next_start(reading.disks, reading.stored_disks, lambda disk: (disk.target, disk.source)):
        sizes = f"{size_mib(disk.allocation_mib)}/{size_mib(disk.capacity_mib)}"
        marks = " ".join(word for word, on in (("read-only", disk.readonly), ("shareable", disk.shareable)) if on)
        marks = " ".join(part for part in (marks, waits) if part)
        lines.append(
            (
                span(f"  {disk.target:<5}", Role.ACCENT),
                span(f"{disk.kind if disk.kind != 'disk' else disk.format:<7}{sizes:>11}  "),
                span(disk.source or "(empty)", Role.DIM),
                span(f"  {marks}" if marks else "", Role.WARNING),
            )
        )
    lines += [] if reading.disks or reading.stored_disks else [_none("no disk")]
    lines.append(_title("Network"))
    for nic, waits in _with_next_start(reading.nics, reading.stored_nics, lambda nic: nic.mac):
        lines.append(
            (
                span(f"  {nic.mac:<19}", Role.ACCENT),
                span(f"{nic.kind:<10}", Role.DIM),
                span(f"{nic.network or '-'}  "),
                span(f"{nic.model}  {nic.link}", Role.DIM),
                span(f"  {waits}" if waits else "", Role.WARNING),
            )
        )
    lines += [] if reading.nics or reading.stored_nics else [_none("no interface")]
    if devices := (*reading.host_devices, *reading.other_devices):
        lines.append(_title("Other devices"))
        lines += [(span(f"  {device}"),) for device in devices]
    lines.append(_title("Operations"))
    lines += [_operation(operation, context) for operation in operations[:12]] or [_none("none yet")]
    if vm.others:
        lines.append(_title("Seen elsewhere, too"))
        lines += [_sighting(seen) for seen in vm.others]
    lines += [_title("Identity"), (span(f"  {vm.id}"), span(f"  {reading.name}", Role.DIM))]
    if reading.description:
        lines += paragraph(reading.description, width - 2, Role.DIM, indent=2)
    return [part for line in lines for part in fold_line(line, width)]


def _memory_text(vm: FleetVm) -> str:
    reading = vm.home.vm
    used = reading.usage.memory_used_mib
    total = size_mib(reading.memory_mib)
    most = f" (max {size_mib(reading.memory_max_mib)})" if reading.memory_max_mib > reading.memory_mib else ""
    shown = f"{size_mib(used)} of {total}" if used is not None and vm.home.is_current else total
    return f"{shown}{most}"


def _usage(vm: FleetVm) -> tuple[Line, ...]:
    usage = vm.home.vm.usage
    cpu = f"{percent(usage.cpu_percent)}% of {100 * vm.home.vm.vcpus}%" if usage.cpu_percent is not None else "-"
    return (
        _fact("CPU", cpu),
        _fact("RSS", size_mib(usage.memory_rss_mib)),
        _fact("disk read", f"{rate(usage.disk_read_b_s)}/s"),
        _fact("write", f"{rate(usage.disk_write_b_s)}/s"),
        _fact("net in", f"{rate(usage.net_rx_b_s)}/s"),
        _fact("out", f"{rate(usage.net_tx_b_s)}/s"),
    )


def _operation(operation: Operation, context: CellContext) -> Line:
    shape, role = operation_sign(operation, context.glyphs)
    return (
        span(f"  {shape} {operation_word(operation):<16}", role),
        span(operation.title),
        span(f"  {ended_ago(operation, context)}", Role.DIM),
        span(f"  {operation.outcome}" if operation.outcome else "", Role.DIM),
    )


def _sighting(seen: Sighting) -> Line:
    word = str(seen.vm.state) if seen.is_current else f"unknown, was {seen.vm.state}"
    role = Role.CRITICAL if seen.is_current and seen.vm.is_active else Role.DIM
    return (span(f"  {seen.host.id:<16}", Role.ACCENT), span(word, role))


def _fact(name: str, value: object) -> tuple[Span, Span]:
    return (span(f"  {name} ", Role.DIM), span(value))


def _pending(value: object) -> tuple[Span, ...]:
    return () if value is None else (span(f"  next start: {value}", Role.WARNING),)


def _title(text: str) -> Line:
    return (span(f" {text}", Role.COLUMN),)


def _none(text: str) -> Line:
    return (span(f"  {text}", Role.DIM),)


def _with_next_start(
    now: Sequence[Device], later: Sequence[Device] | None, identity: Callable[[Device], object]
) -> list[tuple[Device, str]]:
    """Return the devices of now and of the next start, each once, with which of both it is missing from."""
    if later is None:
        return [(device, "") for device in now]
    has_now, has_later = [identity(device) for device in now], [identity(device) for device in later]
    shown = [(device, "" if identity(device) in has_later else "until it is powered off") for device in now]
    for device in later:
        if identity(device) not in has_now:
            shown.append((device, "from its next start"))
    return shown
