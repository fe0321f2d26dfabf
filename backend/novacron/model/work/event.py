"""What happens to an operation, as the journal keeps it: events, and the one function that folds them.

An event says what changed and nothing else, so that one that was decided on before another was written is still right
after it. How an event is written down, and in which version, is the journal's matter.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from novacron.model.ids import OperationId
from novacron.model.operation import Acknowledgement, AskedBy, Operation, OperationState, Progress, StepRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An operation was accepted; or taken over, as it stood, from a journal that kept no events."""

    accepted: Operation

    @property
    def operation(self) -> OperationId:
        """Which operation it is about."""
        return self.accepted.id


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMoved:
    """An operation changed its state. What is None stays as it was."""

    operation: OperationId
    state: OperationState
    outcome: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    can_cancel: bool | None = None
    step: StepRecord | None = None
    """The step with which it ended, in the same event: neither is in the journal without the other."""
    progress: Progress | None = None
    """How far it was, where that is worth keeping."""
    queued_until: datetime | None = None
    """As of when it is known to wait for its turn."""
    cancel_asked: AskedBy | None = None
    """Who asked that it be stopped, where that is why it moved."""
    give_up_asked: AskedBy | None = None
    """Who would not wait any longer for what it waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecorded:
    """A step began, or ended."""

    operation: OperationId
    step: StepRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A person said that they have dealt with what the operation left to them."""

    operation: OperationId
    word: Acknowledgement


Event = Accepted | StateMoved | StepRecorded | Acknowledged


def apply(before: Operation | None, event: Event) -> Operation:
    """Return the operation as it is after the event; `before` is None where it is the first one.

    Whether the move is a legal one was decided when it was made: what is in the journal has happened.

    Raises:
        ValueError: the first event of an operation is not that it was accepted.
    """
    if isinstance(event, Accepted):
        return event.accepted
    if before is None:
        msg = f"operation {event.operation} begins with {type(event).__name__}"
        raise ValueError(msg)
    match event:
        case StateMoved():
            return _moved(before, event)
        case StepRecorded():
            return with_step(before, event.step)
        case Acknowledged():
            return replace(before, acknowledged=event.word)


def with_step(operation: Operation, step: StepRecord) -> Operation:
    """Return the operation with this record of one of its steps."""
    return replace(operation, steps=tuple(step if known.id == step.id else known for known in operation.steps))


def _moved(before: Operation, event: StateMoved) -> Operation:
    stepped = before if event.step is None else with_step(before, event.step)
    return replace(
        stepped,
        state=event.state,
        outcome=before.outcome if event.outcome is None else event.outcome,
        started_at=event.started_at or before.started_at,
        ended_at=event.ended_at or before.ended_at,
        can_cancel=before.can_cancel if event.can_cancel is None else event.can_cancel,
        progress=event.progress or before.progress,
        queued_until=event.queued_until or before.queued_until,
        cancel_asked=before.cancel_asked or event.cancel_asked,
        give_up_asked=before.give_up_asked or event.give_up_asked,
    )
