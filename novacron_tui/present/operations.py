"""The Operations pane: what was asked for, how far it is, and how it ended."""

from collections.abc import Mapping
from typing import Final

from novacron.model.operation import Operation, OperationState
from novacron.model.operations.batch import Batch
from novacron_tui.present.cells import Cell, Role, cell
from novacron_tui.present.column import CellContext, Column, TableSpec
from novacron_tui.present.meter import bar
from novacron_tui.present.quantity import age, clock_time, duration, fraction, rate_mib
from novacron_tui.present.words import kind_name, operation_sign, operation_word

BAR_CELLS: Final = 8


def _state(operation: Operation, context: CellContext) -> Cell:
    shape, role = operation_sign(operation, context.glyphs)
    word = "attention" if operation.state is OperationState.NEEDS_ATTENTION else operation_word(operation)
    if operation.acknowledged is not None:
        word, role = "dealt with", Role.DIM
    return cell(f"{shape} {word}", role=role)


def _title(operation: Operation, _context: CellContext) -> Cell:
    if operation.state in {OperationState.FAILED, OperationState.NEEDS_ATTENTION} and operation.outcome:
        return cell(f"{operation.title}: {operation.outcome}")
    if operation.is_waiting:
        return cell(f"{operation.title}: {operation.progress.queued}")
    if isinstance(operation.intent, Batch) and operation.progress.note:
        text = f"{operation.title}: {operation.progress.note}"
        return cell(text, role=Role.DIM if operation.has_ended else Role.TEXT)
    return cell(operation.title, role=Role.DIM if operation.has_ended else Role.TEXT)


def _progress(operation: Operation, context: CellContext) -> Cell:
    far = operation.progress.fraction
    if operation.has_ended or far is None:
        return cell("")
    return cell(f"{bar(far, BAR_CELLS, context.glyphs)} {fraction(far):>4}", fraction(far), role=Role.MIGRATING)


def _remaining(operation: Operation, _context: CellContext) -> Cell:
    if operation.has_ended:
        return cell("")
    left = operation.progress.remaining_s
    if operation.progress.stuck_since is not None:
        return cell("never?", role=Role.WARNING)
    return cell("-" if left is None else duration(left), role=Role.DIM if left is None else Role.TEXT)


def _rate(operation: Operation, _context: CellContext) -> Cell:
    job = operation.progress.job
    if operation.has_ended or job is None:
        return cell("")
    return cell(rate_mib(job.rate_mib_s))


def _lasted(operation: Operation, context: CellContext) -> Cell:
    end = operation.ended_at or (operation.accepted_at if operation.has_ended else context.now)
    return cell(duration((end - operation.accepted_at).total_seconds()), role=Role.DIM)


def _lasted_order(operation: Operation) -> tuple[bool, float]:
    """Those under way go on: they last longer than any that has ended, the oldest of them longest."""
    accepted = operation.accepted_at
    if not operation.has_ended:
        return (True, -accepted.timestamp())
    return (False, ((operation.ended_at or accepted) - accepted).total_seconds())


def operation_fields(operation: Operation) -> Mapping[str, str]:
    """Return what a filter finds an operation by."""
    return {
        "title": operation.title,
        "name": operation.subject,
        "state": operation_word(operation),
        "kind": kind_name(operation.intent),
        "actor": operation.actor,
        "host": operation.intent.host,
        "outcome": operation.outcome,
        "waiting": str(operation.progress.queued or "") if operation.is_waiting else "",
    }


OPERATIONS: Final[TableSpec[Operation]] = TableSpec(
    columns=(
        Column(
            id="state",
            title="STATE",
            width=12,
            priority=0,
            cell=_state,
            order=lambda operation: (operation.has_ended, operation_word(operation)),
        ),
        Column(
            id="title",
            title="OPERATION",
            width=36,
            widest=200,
            priority=0,
            cell=_title,
            order=lambda operation: operation.title.casefold(),
        ),
        Column(
            id="progress",
            title="PROGRESS",
            width=13,
            priority=1,
            largest_first=True,
            cell=_progress,
            order=lambda operation: operation.progress.fraction,
        ),
        Column(
            id="left",
            title="LEFT",
            width=6,
            priority=2,
            right=True,
            cell=_remaining,
            order=lambda operation: operation.progress.remaining_s,
        ),
        Column(
            id="rate",
            title="RATE",
            width=7,
            priority=6,
            right=True,
            cell=_rate,
            order=lambda operation: job.rate_mib_s if (job := operation.progress.job) else None,
        ),
        Column(
            id="took",
            title="TOOK",
            width=5,
            priority=4,
            right=True,
            cell=_lasted,
            order=_lasted_order,
        ),
        Column(
            id="when",
            title="ACCEPTED",
            width=9,
            priority=5,
            largest_first=True,
            cell=lambda operation, _: cell(clock_time(operation.accepted_at), role=Role.DIM),
            order=lambda operation: operation.sequence,
        ),
        Column(
            id="actor",
            title="BY",
            width=8,
            widest=12,
            priority=7,
            cell=lambda operation, _: cell(operation.actor, role=Role.DIM),
            order=lambda operation: operation.actor,
        ),
    ),
    key=lambda operation: operation.id,
    fields=operation_fields,
    sort="when",
    reverse=True,
    empty="Nothing was asked for yet. What you start on a VM is listed here and goes on without you.",
    is_ageing=lambda operation: not operation.has_ended,
)


def ended_ago(operation: Operation, context: CellContext) -> str:
    """Return when it ended, for a line of text."""
    if not operation.has_ended:
        return "under way"
    return f"{age(operation.ended_at or operation.accepted_at, context.now)} ago"
