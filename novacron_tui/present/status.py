"""The line above the footer: what the row under the cursor has to say that its cells had no room for."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from novacron.model.alert.alert import Alert
from novacron.model.fleet import FleetVm, Host
from novacron.model.operation import Operation, OperationState
from novacron.model.vm import VmReading
from novacron.model.work.wait import Wait
from novacron_tui.present.cells import Line, Role, Span, span
from novacron_tui.present.column import CellContext
from novacron_tui.present.console_state import PoolRow
from novacron_tui.present.glyphs import Glyphs
from novacron_tui.present.quantity import age, clock_time, duration, rate_mib, size_mib
from novacron_tui.present.words import operation_sign, runs_twice, state_sign

BAD_ENDS: Final = frozenset({OperationState.FAILED, OperationState.NEEDS_ATTENTION})
"""Ends that stay on the status line until they are dismissed."""


def vm_status(vm: FleetVm, context: CellContext) -> Line:
    """Say what is wrong with it, what is done to it, or who it is."""
    reading, host = vm.home.vm, vm.home.host
    if not vm.home.is_current:
        at = host.reading.observed_at if host.reading else host.link.since
        return _parts(
            span(f"was {reading.state} at {clock_time(at)}", Role.UNKNOWN),
            span(f"{host.id} {host.link.status}: {host.link.cause}", Role.WARNING),
            span(host.link.remedy, Role.DIM),
        )
    operation = context.operations.get(vm.id)
    if operation is not None:
        return operation_status(operation, context)
    if runs_twice(vm):
        where = ", ".join(seen.host.id for seen in vm.sightings if seen.vm.is_active)
        return _parts(span(f"{reading.name} runs on {where} at once: its disks are in danger", Role.CRITICAL))
    also = ", ".join(f"{seen.host.id} ({seen.vm.state})" for seen in vm.others)
    return _parts(
        span(reading.name, Role.TEXT),
        span(f"{reading.state}{f', {reading.reason}' if reading.reason else ''}", Role.DIM),
        span(f"{reading.vcpus} vCPU {size_mib(reading.memory_mib)}", Role.DIM),
        span(_pending_size(reading), Role.WARNING),
        span(f"also on {also}" if also else "", Role.WARNING),
        span(vm.id, Role.DIM),
        span(reading.description, Role.DIM),
    )


def _pending_size(vm: VmReading) -> str:
    stored = vm.sizing.at_next_start
    if stored is None or (vm.pending_vcpus is None and vm.pending_memory_mib is None):
        return ""
    return f"at its next start {stored.vcpus} vCPU {size_mib(stored.memory_mib)}"


def host_status(host: Host, context: CellContext) -> Line:
    """Say why it does not answer and what to do; or what it is."""
    link = host.link
    if not link.is_up:
        again = ""
        if link.retry_at is not None:
            left = (link.retry_at - context.now).total_seconds()
            again = f"again in {duration(left)}" if left > 0 else "trying again"
        return _parts(
            span(f"{host.id} {link.status}: {link.cause or 'nothing heard yet'}", Role.WARNING),
            span(link.remedy, Role.TEXT),
            span(again, Role.DIM),
        )
    labels = " ".join(f"{name}={value}" for name, value in host.spec.labels.items())
    seen = f"read {age(host.reading.observed_at, context.now)} ago" if host.reading else ""
    return _parts(span(host.id), span(host.spec.address, Role.DIM), span(labels, Role.DIM), span(seen, Role.DIM))


def operation_status(operation: Operation, context: CellContext) -> Line:
    """Say how it goes or how it ended."""
    if operation.has_ended:
        bad = operation.state is OperationState.FAILED or operation.needs_person
        return _parts(
            span(f"{operation.title}: {operation.state}", Role.CRITICAL if bad else Role.TEXT),
            span(operation.outcome, Role.WARNING if bad else Role.DIM),
        )
    if operation.progress.queued is not None:
        return _waiting_status(operation, operation.progress.queued)
    job, progress = operation.progress.job, operation.progress
    figures = ""
    if job is not None:
        figures = (
            f"{rate_mib(job.rate_mib_s)}, {size_mib(job.memory_remaining_mib)} left, "
            f"dirties {rate_mib(job.dirty_rate_mib_s)}, iteration {job.iteration or '-'}"
        )
    left = f"about {duration(progress.remaining_s)} left" if progress.remaining_s is not None else ""
    step = next((step.title for step in operation.steps if step.state.value == "started"), "")
    return _parts(
        span(operation.title, Role.MIGRATING),
        span(progress.note, Role.WARNING),
        span(left, Role.TEXT),
        span(figures or step, Role.DIM),
    )


def _waiting_status(operation: Operation, wait: Wait) -> Line:
    """Say why it has not begun, and behind what, before its own long title."""
    return _parts(
        span(f"waiting: {wait.reason}", Role.PAUSED),
        span(f"behind {wait.title}" if wait.operation is not None else "", Role.TEXT),
        span(operation.title, Role.DIM),
    )


def ended_line(ended: Sequence[Operation], glyphs: Glyphs) -> Line:
    """Say how one operation ended; of several that ended at once, how many in which way."""
    if len(ended) == 1:
        shape, role = operation_sign(ended[0], glyphs)
        outcome = f": {ended[0].outcome}" if ended[0].outcome else ""
        return (span(f"{shape} {ended[0].title}: {ended[0].state}{outcome}", role),)
    parts: list[Span] = []
    for state, count in Counter(operation.state for operation in ended).most_common():
        shape, role = state_sign(state, glyphs)
        parts.append(span(f"{shape} {count} {state}  ", role))
    return (*parts, span("3", Role.KEY), span(" shows them", Role.DIM))


def failure_line(failed: Sequence[Operation], glyphs: Glyphs) -> Line:
    """Say what failed and why, the latest first, and where to read on."""
    latest = failed[-1]
    rest = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    return (
        span(f" {glyphs.failed} {latest.title}: {latest.state}{rest}", Role.CRITICAL),
        span("  3", Role.KEY),
        span(" tells why", Role.DIM),
        span("  esc", Role.KEY),
        span(" seen  ", Role.DIM),
        span(latest.outcome, Role.WARNING),
    )


def notice_line(texts: Sequence[str], glyphs: Glyphs) -> Line:
    """Say what became of something that was asked for, the latest first."""
    rest = f"{len(texts) - 1} more  " if len(texts) > 1 else ""
    return (
        span(f" {glyphs.failed} ", Role.CRITICAL),
        span("esc", Role.KEY),
        span(f" seen  {rest}", Role.DIM),
        span(texts[-1], Role.CRITICAL),
    )


def pool_status(row: PoolRow, context: CellContext) -> Line:
    """Say where it is."""
    pool = row.pool
    read = age(row.host.reading.inventory_at if row.host.reading else None, context.now)
    return _parts(
        span(f"{pool.name} on {row.host.id}"),
        span(pool.trouble, Role.CRITICAL),
        span(f"{pool.kind} {pool.path}", Role.DIM),
        span("autostart" if pool.autostart else "", Role.DIM),
        span(f"volumes read {read} ago", Role.DIM),
    )


def alert_status(alert: Alert, context: CellContext) -> Line:
    """Say all of it, and what to do."""
    cleared = f"cleared {age(alert.cleared_at, context.now)} ago" if alert.cleared_at else ""
    return _parts(
        span(f"{alert.subject}: {alert.text}", Role.TEXT),
        span(alert.remedy, Role.KEY),
        span(cleared, Role.DIM),
    )


def _parts(*parts: Span) -> Line:
    shown: list[Span] = [span(" ")]
    for part in parts:
        if part.text:
            shown += (part, span("  "))
    return tuple(shown[:-1])
