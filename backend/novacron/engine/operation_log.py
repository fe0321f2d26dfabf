"""What the log says of operations: one line for each event that the journal keeps of them."""

import logging
from typing import Final

from novacron.engine.log import is_logged, log
from novacron.model.operation import ENDED, Operation, OperationState, StepState
from novacron.model.work.event import Accepted, Acknowledged, Event, StateMoved, StepRecorded

_BAD: Final = frozenset({OperationState.FAILED, OperationState.NEEDS_ATTENTION})
_STEPS: Final = {
    StepState.STARTED: "step started",
    StepState.FINISHED: "step finished",
    StepState.FAILED: "step failed",
}


def log_operation(event: Event, operation: Operation, before: Operation | None) -> None:
    """Write what has happened to an operation; `operation` is its state after the event."""
    if not is_logged():
        return
    match event:
        case Accepted():
            log(
                "operation accepted",
                _named(operation),
                subject=operation.subject,
                caller=operation.actor,
                hosts=",".join(operation.intent.hosts),
                parent=operation.parent,
            )
        case StepRecorded(step=step):
            log(_STEPS.get(step.state, "step recorded"), _named(operation), step=step.id)
        case Acknowledged(word=word):
            log("operation acknowledged", _named(operation), caller=word.actor)
        case StateMoved():
            _log_move(event, operation, before)


def _log_move(event: StateMoved, operation: Operation, before: Operation | None) -> None:
    for asked, what in ((event.cancel_asked, "cancel asked"), (event.give_up_asked, "operation given up")):
        if asked is not None:
            log(what, _named(operation), caller=asked.actor)
    if event.state in ENDED:
        if event.step is not None:
            log(_STEPS.get(event.step.state, "step recorded"), _named(operation), step=event.step.id)
        level = logging.WARNING if event.state in _BAD else logging.INFO
        log("operation ended", _named(operation), level=level, state=event.state, outcome=operation.outcome)
    elif before is None or before.state is not event.state:
        log(f"operation {event.state}", _named(operation))
    elif event.queued_until is not None:
        log("operation waits for its turn", _named(operation))


def _named(operation: Operation) -> dict[str, str]:
    return {"operation": operation.id, "kind": operation.intent.kind}
