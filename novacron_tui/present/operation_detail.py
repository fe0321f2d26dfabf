"""One operation in full: its steps, its figures, its outcome."""

from dataclasses import fields

from novacron.model.operation import Operation, OperationState, StepRecord, StepState
from novacron.model.operations.unknown import UnknownIntent
from novacron_tui.present.cells import Line, Role, fold_line, paragraph, span
from novacron_tui.present.column import CellContext
from novacron_tui.present.meter import bar_spans
from novacron_tui.present.quantity import clock_time, duration, fraction, rate_mib, size_mib
from novacron_tui.present.words import operation_sign, operation_word, step_sign

_QEMUS_LIMIT_MS = 300
"""What QEMU allows when nothing was asked for. Source: its migration parameter downtime-limit."""
_WAIT_WORTH_A_WORD_S = 10
_BAD = frozenset({OperationState.FAILED, OperationState.NEEDS_ATTENTION})


def operation_lines(operation: Operation, context: CellContext, width: int) -> list[Line]:
    """Say all that is known."""
    shape, role = operation_sign(operation, context.glyphs)
    end = operation.ended_at or context.now
    took = duration((end - operation.accepted_at).total_seconds())
    lines: list[Line] = [
        (
            span(f" {shape} {operation_word(operation)}", role),
            span(f"  accepted {clock_time(operation.accepted_at)}", Role.DIM),
            span(f" by {operation.actor}" if operation.actor else "", Role.DIM),
            span(f"  {'took' if operation.has_ended else 'for'} {took}{_waited(operation)}", Role.DIM),
        )
    ]
    if operation.outcome:
        role = Role.CRITICAL if operation.state in _BAD else Role.TEXT
        lines += paragraph(operation.outcome, width - 2, role, indent=1)
    for asked, what in ((operation.cancel_asked, "cancel asked"), (operation.give_up_asked, "given up")):
        if asked is not None:
            lines.append((span(f" {what} by {asked.actor or 'somebody'} {clock_time(asked.at)}", Role.DIM),))
    if (word := operation.acknowledged) is not None:
        said = f"acknowledged by {word.actor or 'somebody'} {clock_time(word.at)}: {word.note}"
        lines += paragraph(said, width - 2, Role.TEXT, indent=1)
    lines += [(), *_progress_lines(operation, context, width), _title("Steps")]
    for step in operation.steps:
        lines += _step_lines(step, operation, context, width)
    lines += [(), _title("What was asked for")]
    lines += paragraph(_intent_text(operation), width - 3, Role.DIM, indent=2)
    lines.append((span(f"  {operation.id}", Role.DIM),))
    return [part for line in lines for part in fold_line(line, width)]


def _waited(operation: Operation) -> str:
    """Say how much of its time it waited for its turn, where that is worth a word."""
    begun = next((step.started_at for step in operation.steps if step.started_at is not None), None)
    waited_s = (begun - operation.accepted_at).total_seconds() if begun is not None else 0.0
    return f", of which {duration(waited_s)} waiting" if waited_s >= _WAIT_WORTH_A_WORD_S else ""


def _progress_lines(operation: Operation, context: CellContext, width: int) -> list[Line]:
    progress, job = operation.progress, operation.progress.job
    lines: list[Line] = []
    if progress.fraction is not None and not operation.has_ended:
        left = progress.remaining_s
        estimate = f"about {duration(left)} left" if left is not None else "end not in sight yet"
        bar = bar_spans(progress.fraction, min(40, width - 34), context.glyphs)
        lines.append((span(" "), *bar, span(f" {fraction(progress.fraction)}"), span(f"  {estimate}", Role.DIM)))
    if operation.is_waiting:
        lines += paragraph(f"{progress.queued}", width - 2, Role.PAUSED, indent=1)
    if progress.note:
        lines += paragraph(f"{context.glyphs.attention} {progress.note}", width - 2, Role.WARNING, indent=1)
    if job is not None:
        rows = (
            ("memory", f"{size_mib(job.memory_remaining_mib)} of {size_mib(job.memory_total_mib)} left"),
            ("disks", f"{size_mib(job.disk_remaining_mib)} of {size_mib(job.disk_total_mib)} left"),
            ("rate", f"{rate_mib(job.rate_mib_s)}, guest dirties {rate_mib(job.dirty_rate_mib_s)}"),
            ("iteration", f"{job.iteration if job.iteration is not None else '-'}"),
            ("pause", _pause_text(operation, job.downtime_ms)),
            ("elapsed", duration(job.elapsed_s)),
        )
        left_out = {"" if job.disk_total_mib else "disks", "pause" if operation.has_ended else ""}
        shown = [row for row in rows if row[0] not in left_out]
        lines += [(span(f"  {name:<10}", Role.DIM), span(text)) for name, text in shown]
    return [*lines, ()] if lines else []


def _pause_text(operation: Operation, expected_ms: int | None) -> str:
    """Tell the pause that it would cost to switch over now from the one that is allowed."""
    limit_ms = getattr(operation.intent, "max_downtime_ms", None) or _QEMUS_LIMIT_MS
    now = "" if expected_ms is None else f"would be {_milliseconds(expected_ms)} now, "
    return f"{now}{_milliseconds(limit_ms)} allowed"


def _milliseconds(number: int) -> str:
    return f"{number} ms" if number < 10_000 else duration(number / 1000)


def _step_lines(step: StepRecord, operation: Operation, context: CellContext, width: int) -> list[Line]:
    shape, role = step_sign(step.state, context.glyphs)
    if step.state is StepState.FAILED and operation.state is OperationState.CANCELLED:
        # It ended as it was asked to: nothing of it failed.
        shape, role = operation_sign(operation, context.glyphs)
    when = clock_time(step.started_at) if step.started_at else " " * 8
    took = ""
    if step.started_at is not None and step.finished_at is not None:
        took = duration((step.finished_at - step.started_at).total_seconds())
    lines: list[Line] = [(span(f"  {shape} ", role), span(f"{when} {took:>5}  ", Role.DIM), span(step.title))]
    if step.detail:
        lines += paragraph(step.detail, width - 4, Role.DIM, indent=20)
    return lines


def _intent_text(operation: Operation) -> str:
    intent = operation.intent
    if isinstance(intent, UnknownIntent):
        vm = f"  vm={intent.vm}" if intent.vm else ""
        unknown = "this version does not know this kind, and does nothing with it"
        return f"kind={intent.named}  ({unknown})  host={intent.host}{vm}  {intent.content}"
    # Values the operator chose; what was left open says nothing.
    shown = {field.name: getattr(intent, field.name) for field in fields(intent)}
    return "  ".join(
        f"{name}={value}" for name, value in shown.items() if name != "kind" and value not in (None, "", False, ())
    )


def _title(text: str) -> Line:
    return (span(f" {text}", Role.COLUMN),)
