"""An operation: an intent that was accepted, and what has become of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from novacron.model.ids import OperationId
from novacron.model.operations.intent import Intent
from novacron.model.operations.step import StepArgs
from novacron.model.vm import JobProgress
from novacron.model.work.schedule import AT_ONCE, Schedule
from novacron.model.work.wait import Wait


class OperationState(StrEnum):
    """The state of an operation."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SETTLING = "settling"
    """Its outcome is being read from the hypervisors, after a restart or a call that did not say."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """Stopped by request; the world is as it was before."""
    NEEDS_ATTENTION = "needs attention"
    """The outcome is not known, or the world is in a state only a person may decide on."""


ENDED = frozenset(
    {
        OperationState.DONE,
        OperationState.FAILED,
        OperationState.CANCELLED,
        OperationState.NEEDS_ATTENTION,
    }
)

_NEXT: dict[OperationState, frozenset[OperationState]] = {
    OperationState.ACCEPTED: frozenset({OperationState.RUNNING, OperationState.CANCELLED})
    | {OperationState.SETTLING, OperationState.FAILED},
    OperationState.RUNNING: frozenset({OperationState.CANCELLING, OperationState.SETTLING}) | ENDED,
    OperationState.CANCELLING: frozenset({OperationState.SETTLING}) | ENDED,
    OperationState.SETTLING: frozenset({OperationState.RUNNING, OperationState.CANCELLING}) | ENDED,
    OperationState.DONE: frozenset(),
    OperationState.FAILED: frozenset(),
    OperationState.CANCELLED: frozenset(),
    OperationState.NEEDS_ATTENTION: frozenset({OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED}),
}


class IllegalMove(ValueError):
    """An operation was asked to go where its transition table has no arrow: a bug."""


def require_move(before: OperationState, after: OperationState) -> None:
    """Check a change of state.

    Raises:
        IllegalMove: the table has no such arrow.
    """
    if after not in _NEXT[before]:
        msg = f"an operation cannot go from {before} to {after}"
        raise IllegalMove(msg)


class StepState(StrEnum):
    """The state of one step."""

    PENDING = "pending"
    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What came of a step."""

    text: str = ""
    """In words, for people: nothing is read out of it."""
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    """As data, for the steps after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One step of an operation, as the journal has it."""

    id: str
    """Its name within the operation; the journal knows the step by it."""
    args: StepArgs
    """What it was told."""
    title: str
    """What it does, in the operator's words, naming what it touches."""
    state: StepState = StepState.PENDING
    started_at: datetime | None = None
    finished_at: datetime | None = None
    detail: str = ""
    """What came of it, in words, for people."""
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What it found before it began and what came of it, for the steps after it and for settling it."""


JOURNAL = "the journal"
"""What an operation waits for whose next step cannot be written down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an operation is."""

    fraction: float | None = None
    """0.0 to 1.0; None when it cannot be told.

    It falls only where more is found out: once, after the first pass, and while a migration does not converge.
    """
    job: JobProgress | None = None
    """A migration's own figures."""
    remaining_s: float | None = None
    """Estimate; None when it does not converge or is not known yet."""
    note: str = ""
    """Such as "does not converge: dirties 40 MiB/s, moves 34 MiB/s"."""
    stuck_since: datetime | None = None
    """Since when a migration has not converged; None while it does."""
    queued: Wait | None = None
    """What it waits for before it begins; None when it has begun, or can begin."""
    waits_for: str = ""
    """The host without whose answer it cannot end, or JOURNAL. While there is one, the operation can be given up."""
    observed_at: datetime | None = None


NOTE_LENGTH: Final = 500
"""The longest note of an acknowledgement, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """A person's word that they have dealt with what an operation left to them."""

    note: str
    """What they found or did."""
    actor: str
    """Who: the peer's user name."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedBy:
    """Who asked something of an operation that was under way, and when."""

    actor: str
    """Who: the peer's user name."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An accepted intent and what has become of it."""

    id: OperationId
    intent: Intent
    title: str
    """One line: "migrate web-1 from lab1 to lab2 (p2p)". May quote foreign names."""
    subject: str
    """Name of the VM, pool or volume when it was accepted."""
    actor: str
    """Who asked: the peer's user name."""
    state: OperationState
    steps: tuple[StepRecord, ...] = ()
    progress: Progress = Progress()
    outcome: str = ""
    """How it ended, or why it needs attention: subject, cause, remedy."""
    accepted_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    idempotency_key: str = ""
    can_cancel: bool = False
    sequence: int = 0
    """Its place in the journal: higher is newer, whatever the clock said."""
    acknowledged: Acknowledgement | None = None
    """By whom it was dealt with when it needed attention; None when by nobody yet."""
    plan_digest: str = ""
    """Of the plan that was confirmed; empty in what an older version accepted."""
    schedule: Schedule = AT_ONCE
    """When it may begin, and before whom."""
    parent: OperationId | None = None
    """The operation that it is a part of; None when it was asked for by itself."""
    queued_until: datetime | None = None
    """When it last was known to wait for its turn; None when it never waited for long.

    A backend that starts again takes it to be wanted as of then.
    """
    cancel_asked: AskedBy | None = None
    """Who asked first that it be stopped; None when nobody did, or an older version was asked."""
    give_up_asked: AskedBy | None = None
    """Who would not wait any longer for what it waited for; None when nobody did, or an older version was asked."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.state in ENDED

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its turn or its time: nothing was done yet, and it can be cancelled at once."""
        return self.progress.queued is not None and not self.has_ended

    @property
    def wanted_at(self) -> datetime:
        """As of when it is known to be wanted: its acceptance, its time, or when it last waited for its turn."""
        moments = (self.accepted_at, self.schedule.not_before, self.queued_until)
        return max(moment for moment in moments if moment is not None)

    @property
    def needs_person(self) -> bool:
        """Whether somebody has to look into it, and has not said yet that it is dealt with."""
        return self.state is OperationState.NEEDS_ATTENTION and self.acknowledged is None
