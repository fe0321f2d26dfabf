"""One operation from its acceptance to its end, step by step: journal, act, journal.

No step acts before its "started" is on the disk: while it cannot be written, the operation waits, and says so.

The only writer of its operation's state while it runs. The step boundary catches every exception: whatever a step
does, its operation ends, and says how.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from novacron.engine.ledger import Ledger
from novacron.engine.log import log
from novacron.engine.operations.context import AttentionNeeded, StepContext
from novacron.engine.operations.registry import handler_of
from novacron.engine.operations.step import StepCancelled, StepFailed, StepHandler
from novacron.engine.settings import EngineSettings
from novacron.engine.supervisor import is_cancelled_itself
from novacron.model.errors import JournalError, LinkError, NovaCronError, OutcomeUnknown
from novacron.model.ids import OperationId
from novacron.model.operation import Operation, OperationState, StepRecord, StepResult, StepState
from novacron.ports.clock import Clock

_PASSING = frozenset({OperationState.RUNNING, OperationState.SETTLING})


class OperationRunner:
    """Carries out one operation."""

    def __init__(
        self, operation: OperationId, *, ledger: Ledger, context: StepContext, clock: Clock, settings: EngineSettings
    ) -> None:
        self._id = operation
        self._ledger = ledger
        self._clock = clock
        self._settings = settings
        self.turn_at: datetime | None = None
        """When it had its claims after waiting for them; None when it did not wait. It is wanted as of then."""
        self.context = context

    @property
    def operation(self) -> Operation:
        """The operation in its current state."""
        found = self._ledger.find(self._id)
        if found is None:
            msg = f"operation {self._id} was forgotten while it ran"
            raise AssertionError(msg)
        return found

    async def carry_out_after(self, first: "asyncio.Future[bool] | None") -> None:
        """Carry it out once `first` has come true, at once where there is none; whatever fails, it ends."""
        try:
            if first is None or await first:
                await self.carry_out()
        except (Exception, asyncio.CancelledError) as error:
            # An operation that nobody carries out any more must not seem to run.
            if is_cancelled_itself(error):
                raise
            log("unforeseen error", level=logging.ERROR, error=error, operation=self._id)
            if not self.operation.has_ended:
                text = f"unforeseen: {type(error).__name__}: {error}; look at its subject"
                await self.give_up(OperationState.NEEDS_ATTENTION, text)

    async def carry_out(self) -> None:
        """Do every step that is not done yet, and end the operation. Also after a restart of the backend."""
        outcome = ""
        for record in self.operation.steps:
            if record.state is StepState.FINISHED:
                outcome = record.detail or outcome
                continue
            interrupted = record.state is StepState.STARTED
            # What became of a migration has to be read, cancelled or not.
            if self.context.is_cancelled and not interrupted and not _runs_when_cancelled(record):
                await self._stop_before(record)
                return
            await self._to(OperationState.SETTLING if interrupted else OperationState.RUNNING)
            ended = await self._step(record, settle=interrupted)
            if ended is None:
                return
            outcome = ended or outcome
        await self._refresh()
        await self._end(OperationState.DONE, outcome)

    @property
    def is_too_old_to_begin(self) -> bool:
        """Whether it was accepted so long ago, or by so different a clock, that it may be wanted no more."""
        age_s = (self._clock.now() - (self.turn_at or self.operation.wanted_at)).total_seconds()
        return abs(age_s) > self._settings.resume_accepted_within_s

    async def mark_settling(self) -> None:
        """Say that the outcome is being read from the hypervisors."""
        await self._to(OperationState.SETTLING)

    async def give_up(self, state: OperationState, outcome: str) -> None:
        """End it without doing anything (more)."""
        await self._to(OperationState.SETTLING)
        await self._end(state, outcome)

    async def until_written(self) -> None:
        """Wait until the journal has the cancel: without it, a restart would go on with what is taken back here."""
        while True:
            try:
                await self._ledger.require_written(self._id)
            except JournalError as error:
                fault = error
            else:
                self.context.stop_waiting()
                return
            if self.context.give_up_asked.is_set():
                raise AttentionNeeded(f"given up while the journal could not be written; {self._left()}")
            await self.context.wait_for_journal(fault.detail)

    async def _step(self, record: StepRecord, *, settle: bool) -> str | None:
        """Do one step, or settle one that was interrupted; return its word, or None when it ended the operation."""
        started = replace(record, state=StepState.STARTED, started_at=record.started_at or self._clock.now())
        try:
            step = handler_of(record)
            if settle:
                result = await self._settle(step, "the backend was restarted")
            else:
                started = replace(started, values=await self._prepare(step))
                if not await self._begin(started):
                    return None
                result = await self._act(step)
        except StepFailed as failure:
            await self._fail(started, OperationState.FAILED, str(failure))
        except StepCancelled as stop:
            await self._fail(started, OperationState.CANCELLED, str(stop))
        except AttentionNeeded as need:
            await self._fail(started, OperationState.NEEDS_ATTENTION, str(need))
        except NovaCronError as error:
            await self._fail(started, OperationState.FAILED, f"{error}; {self._left()}")
        except Exception as error:  # noqa: BLE001 - whatever a step does, its operation ends and says so
            log("unforeseen error", level=logging.ERROR, error=error, operation=self._id, step=record.id)
            text = f"unforeseen in {record.title!r}: {type(error).__name__}: {error}; look at its subject"
            await self._fail(started, OperationState.NEEDS_ATTENTION, text)
        else:
            finished = self._ended_step(started, StepState.FINISHED, result.text)
            finished = replace(finished, values={**started.values, **result.values})
            await self._ledger.note_step(self._id, finished)
            return result.text
        return None

    async def _prepare(self, step: StepHandler[Any]) -> Mapping[str, str]:
        """Return what the step found before it begins, for the journal."""
        while True:
            try:
                return await step.prepare(self.context)
            except LinkError as error:
                away = self._not_at_first(error)
            await self.context.wait_for(away.subject, away.detail, self._settings.blind_first_s)

    async def _begin(self, started: StepRecord) -> bool:
        """Write that the step begins, waiting while the journal cannot be written. False: the operation has ended."""
        while True:
            try:
                await self._ledger.begin_step(self._id, started)
            except JournalError as error:
                if handler_of(started).begins_unwritten:
                    await self._ledger.note_step(self._id, started)
                    return True
                fault = error
            else:
                self.context.stop_waiting()
                return True
            if self.context.is_cancelled and not _runs_when_cancelled(started):
                await self._stop_before(started)
                return False
            if self.context.give_up_asked.is_set():
                await self._give_up_before(started, fault)
                return False
            if not self._done() and self.is_too_old_to_begin:
                text = f"{fault}; nothing was done: ask again if it is still wanted"
                await self._end(OperationState.FAILED, text)
                return False
            await self.context.wait_for_journal(fault.detail)

    async def _give_up_before(self, record: StepRecord, fault: JournalError) -> None:
        """End an operation that somebody will not let wait for the journal any longer."""
        text = f"given up before {record.title!r}, while the journal could not be written ({fault.detail})"
        if self._done():
            await self._end(OperationState.NEEDS_ATTENTION, f"{text}; {self._left()}")
        else:
            await self._end(OperationState.CANCELLED, f"{text}; nothing was done")

    async def _act(self, step: StepHandler[Any]) -> StepResult:
        while True:
            try:
                return await step.act(self.context)
            except OutcomeUnknown as error:
                await self._to(OperationState.SETTLING)
                return await self._settle(step, f"the answer of {error.subject} was lost: {error.detail}")
            except LinkError as error:
                away = self._not_at_first(error)
            await self.context.wait_for(away.subject, away.detail, self._settings.blind_first_s)

    def _not_at_first(self, error: LinkError) -> LinkError:
        """Nothing was asked yet. At the first step that is a "no"; half-way it is a wait."""
        if not self._done():
            raise StepFailed(f"{error.subject} cannot be asked: {error.detail}; nothing was done") from error
        return error

    def _done(self) -> list[StepRecord]:
        return [step for step in self.operation.steps if step.state is StepState.FINISHED]

    async def _settle(self, step: StepHandler[Any], why: str) -> StepResult:
        """Settle a step, for as long as links break under it."""
        self.context.note(f"reading what became of it: {why}")
        while True:
            try:
                return await step.settle(self.context)
            except (LinkError, OutcomeUnknown) as error:
                away = error
            await self.context.wait_for(away.subject, away.detail, self._settings.blind_most_s)

    async def _stop_before(self, record: StepRecord) -> None:
        """Cancel between two steps: take back what this operation made, in reverse."""
        done = self._done()
        undone: list[str] = []
        try:
            if done:
                await self.until_written()
            for finished in reversed(done):
                step = handler_of(finished)
                undone.append(await self._until_answered(step.undo))
        except (StepFailed, AttentionNeeded, NovaCronError) as error:
            text = f"cancelled before {record.title!r}, but not all could be taken back: {error}"
            await self._end(OperationState.NEEDS_ATTENTION, text)
            return
        said = "; ".join(text for text in undone if text) or "nothing was done"
        await self._end(OperationState.CANCELLED, f"cancelled before {record.title!r}: {said}")

    async def _until_answered(self, undo: Callable[[StepContext], Awaitable[str]]) -> str:
        while True:
            try:
                return await undo(self.context)
            except (LinkError, OutcomeUnknown) as error:
                away = error
            note = f"taking it back waits for {away.subject}: {away.detail}"
            await self.context.wait_for(away.subject, away.detail, self._settings.blind_most_s, note)

    async def _fail(self, started: StepRecord, state: OperationState, outcome: str) -> None:
        """End the operation with this step, in one journal entry."""
        failed = self._ended_step(started, StepState.FAILED, outcome)
        await self._refresh()
        await self._end(state, outcome, failed)

    def _ended_step(self, started: StepRecord, state: StepState, detail: str) -> StepRecord:
        return replace(started, state=state, finished_at=self._clock.now(), detail=detail)

    def _left(self) -> str:
        """Say what is left behind by an operation that fails in the middle."""
        done = [step.title for step in self._done()]
        return f"done before and left so: {', '.join(done)}" if done else "nothing was done before"

    async def _refresh(self) -> None:
        """Have the hosts read again, so that who hears of the end also sees it."""
        await self.context.pollers.refresh(self.operation.intent.hosts)

    async def _to(self, state: OperationState) -> None:
        now = self.operation
        # That it is cancelled is what the next start must know, whatever has to be read meanwhile.
        if now.state is state or (now.state is OperationState.CANCELLING and state in _PASSING):
            return
        await self._ledger.move(self._id, state, started_at=now.started_at or self._clock.now(), waits=False)

    async def _end(self, state: OperationState, outcome: str, step: StepRecord | None = None) -> None:
        if self.operation.state is OperationState.ACCEPTED and state is not OperationState.CANCELLED:
            await self._to(OperationState.RUNNING)
        await self._ledger.move(
            self._id,
            state,
            outcome=outcome,
            step=step,
            ended_at=self._clock.now(),
            can_cancel=False,
        )


def _runs_when_cancelled(record: StepRecord) -> bool:
    return handler_of(record).runs_when_cancelled
