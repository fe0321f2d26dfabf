"""Previews and accepts several intents as one: each is asked of the hypervisors, claimed and judged on its own."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from novacron.engine.ledger import Ledger
from novacron.engine.work.acceptance import Acceptance, no_journal, refuse_rivals
from novacron.engine.work.planning import AT_A_TIME, Planner
from novacron.engine.work.queue import WorkQueue
from novacron.engine.work.submission import Submission
from novacron.model.errors import JournalError
from novacron.model.fleet import Fleet
from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron.model.work.schedule import AT_ONCE, Schedule


class Entry(Protocol):
    """What every submission passes, one or many."""

    @property
    def fleet(self) -> Fleet:
        """The fleet as it stands."""

    @property
    def now(self) -> datetime:
        """The time."""

    def refuse_any(self, schedule: Schedule) -> Refusal | None:
        """Say why nothing at all is accepted now, or by this schedule."""

    def refuse_locked(self, intent: Intent, schedule: Schedule) -> Refusal | None:
        """Say which operation is in the way."""

    def begin(self, operation: Operation) -> None:
        """Let what was accepted run in its turn."""


class SeveralIntents:
    """Previews and accepts many."""

    def __init__(
        self,
        *,
        queue: WorkQueue,
        acceptance: Acceptance,
        planner: Planner,
        ledger: Ledger,
        next_id: Callable[[], OperationId],
        entry: Entry,
    ) -> None:
        self._queue = queue
        self._acceptance = acceptance
        self._planner = planner
        self._ledger = ledger
        self._next_id = next_id
        self._entry = entry

    async def preview(self, intents: Sequence[Intent], schedule: Schedule = AT_ONCE) -> list[Plan | Refusal]:
        """Say of each what it would do beside the others; changes nothing."""
        locked: dict[int, Refusal] = {}
        for number, intent in enumerate(intents):
            refusal = self._entry.refuse_locked(intent, schedule)
            if refusal is not None:
                locked[number] = refusal
            if number % AT_A_TIME == 0:
                await asyncio.sleep(0)
        free = [intent for number, intent in enumerate(intents) if number not in locked]
        planned = [answer async for answer in self._planner.plan_all(free, afresh=False)]
        rest = iter(planned)
        answers = [locked[number] if number in locked else next(rest) for number in range(len(intents))]
        answers = await refuse_rivals(intents, answers, self._entry.fleet)
        for answer in answers:
            if isinstance(answer, Plan):
                self._acceptance.remember(answer)
        return answers

    async def submit(
        self, asked: Sequence[Submission], parent_of: Callable[[tuple[Refusal, ...]], Operation]
    ) -> tuple[Operation, tuple[Operation, ...]] | Refusal:
        """Accept several intents under one parent: all of them in one commit, or none.

        One that is refused costs the others nothing; `parent_of` makes the parent, which names the refused ones.
        Returns the parent, and what was accepted.
        """
        unfit = self._entry.refuse_any(asked[0].schedule if asked else AT_ONCE)
        if unfit is not None:
            return unfit
        held: list[Operation | Refusal] = []
        try:
            for number, one in enumerate(asked):
                held.append(self._acceptance.hold(one, self._next_id(), self._entry.now))
                if number % AT_A_TIME == 0:
                    await asyncio.sleep(0)
            children, refused = await self._confirm_all(asked, held)
            parent, *written = await self._ledger.accept_all([parent_of(tuple(refused)), *children])
        except BaseException as error:
            for holder in held:
                if isinstance(holder, Operation):
                    self._queue.release(holder.id)
            if isinstance(error, JournalError):
                return no_journal(error)
            raise
        return await self._begin_all(parent, children, written)

    async def _confirm_all(
        self, asked: Sequence[Submission], held: Sequence[Operation | Refusal]
    ) -> tuple[list[Operation], list[Refusal]]:
        """Plan what holds its claims from fresh looks, and return what is as it was confirmed; the rest lets go."""
        refused = [one for one in held if isinstance(one, Refusal)]
        holding = [(one, sub) for one, sub in zip(held, asked, strict=True) if isinstance(one, Operation)]
        children: list[Operation] = []
        place = 0
        async for planned in self._planner.plan_all([one.intent for one, _ in holding], afresh=True):
            operation, submission = holding[place]
            place += 1
            answer = self._acceptance.confirm(operation, planned, submission.plan_digest)
            if isinstance(answer, Refusal):
                self._queue.release(operation.id)
                refused.append(answer)
            else:
                children.append(answer)
        return children, refused

    async def _begin_all(
        self,
        parent: Operation | JournalError,
        children: Sequence[Operation],
        written: Sequence[Operation | JournalError],
    ) -> tuple[Operation, tuple[Operation, ...]] | Refusal:
        """Let go on what is in the journal, each in its turn."""
        begun: list[Operation] = []
        try:
            for number, (child, answer) in enumerate(zip(children, written, strict=True)):
                if isinstance(answer, JournalError):
                    self._queue.release(child.id)
                    continue
                begun.append(answer)
                self._entry.begin(answer)
                if number % AT_A_TIME == 0:
                    await asyncio.sleep(0)
        except BaseException:
            # Such as the lease going to another backend: what did not begin here must hold nothing here.
            let_go = {child.id for child in children} - {one.id for one in begun}
            for identifier in let_go:
                self._queue.release(identifier)
            raise
        if isinstance(parent, JournalError):
            return no_journal(parent)
        return parent, tuple(begun)
