"""A VM that is off: since when, by whom, and what was done to it last, as far as that is known."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from novacron.model.fleet import FleetVm
from novacron.model.operation import Operation, OperationState
from novacron.model.vm import StateReason
from novacron_tui.present.cells import Line, Role, fold_line, span
from novacron_tui.present.column import CellContext
from novacron_tui.present.operations import ended_ago
from novacron_tui.present.quantity import age, clock_time, size_mib
from novacron_tui.present.words import operation_sign

_STOPS: Final = frozenset({"shutdown", "force-off"})
_POWER: Final = _STOPS | {"start", "reboot", "resume", "pause"}
_SEEN_LATE: Final = timedelta(seconds=30)
"""A reading shows what an operation did at most this long after it has ended."""
_NOBODY: Final = {
    StateReason.CRASHED: "nobody: it crashed",
    StateReason.FAILED: "nobody: it failed to start",
    StateReason.MIGRATED: "nobody: it moved to another host",
}
"""What libvirt gives as the reason where nobody switched it off."""
_OTHERS: Final = {
    StateReason.SHUTDOWN: "its guest, or somebody outside NovaCron, shut it down",
    StateReason.DESTROYED: "somebody outside NovaCron forced it off",
    StateReason.SAVED: "somebody outside NovaCron saved it to disk",
    StateReason.FROM_SNAPSHOT: "somebody outside NovaCron put it back to a snapshot",
}
"""What libvirt gives as the reason of a change that was seen and that no operation of ours made."""


def off_lines(vm: FleetVm, operations: Sequence[Operation], context: CellContext, width: int) -> list[Line]:
    """Say what is known of a VM without a process, in place of the plots of a running one."""
    reading = vm.home.vm
    stop = _stop_of(vm, operations)
    since = reading.state_since or (stop.ended_at if stop else None)
    rows = [
        ("since", _since_text(since, context, observed=reading.state_since is not None)),
        ("by", _by_text(vm, stop)),
        ("at start", _start_text(vm)),
    ]
    lines: list[Line] = [(span(f" {str(reading.state).capitalize()}", Role.COLUMN),)]
    for name, text in rows:
        lines += fold_line((span(f"  {name:<10}", Role.DIM), span(text)), width, indent=12)
    return [*lines, *_last_lines(operations, context, width)]


def _stop_of(vm: FleetVm, operations: Iterable[Operation]) -> Operation | None:
    """Return the operation that powered it off: the last one on its power, if that was a stop and fits the time."""
    done = (each for each in operations if each.intent.kind in _POWER and each.state is OperationState.DONE)
    last = max(done, key=lambda each: each.ended_at or each.accepted_at, default=None)
    if last is None or last.intent.kind not in _STOPS or last.ended_at is None:
        return None
    since = vm.home.vm.state_since
    in_time = since is None or last.accepted_at <= since <= last.ended_at + _SEEN_LATE
    return last if in_time else None


def _since_text(since: datetime | None, context: CellContext, *, observed: bool) -> str:
    if since is None:
        return "not known: it was so when it was first seen"
    when = f"{clock_time(since)}, {age(since, context.now)} ago"
    return when if observed else f"{when}, as far as is known"


def _by_text(vm: FleetVm, stop: Operation | None) -> str:
    if stop is not None:
        return f"{stop.actor or 'somebody'}: {stop.title}"
    reason = vm.home.vm.reason
    if reason in _NOBODY:
        return _NOBODY[reason]
    if vm.home.vm.state_since is not None and reason in _OTHERS:
        return _OTHERS[reason]
    return f"not known (libvirt's reason: {reason})" if reason else "not known"


def _start_text(vm: FleetVm) -> str:
    reading = vm.home.vm
    alone = "by itself when its host starts" if reading.autostart else "only when somebody starts it"
    return f"{reading.vcpus} vCPU, {size_mib(reading.memory_mib)}; it starts {alone}"


def _last_lines(operations: Sequence[Operation], context: CellContext, width: int) -> list[Line]:
    if not operations:
        return [(span(f"  {'last':<10}", Role.DIM), span("no operation on it is known"))]
    last = operations[0]
    shape, role = operation_sign(last, context.glyphs)
    parts = (
        span(f"  {'last':<10}", Role.DIM),
        span(f"{shape} ", role),
        span(last.title),
        span(f"  {last.state}, {ended_ago(last, context)}", Role.DIM),
    )
    return fold_line(parts, width, indent=12)
