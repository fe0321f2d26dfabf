"""Operations that are submitted together, under one parent that can be followed and cancelled as one.

A child is refused, queued, carried out and journaled as any other operation. The parent holds nothing; it ends when
every child has ended. Cancelling it lets no further child begin, and cancels those that wait; what has begun goes on.
"""

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from novacron.engine.executor import Executor
from novacron.engine.identifiers import OperationIds
from novacron.engine.ledger import Ledger
from novacron.engine.work.submission import Submission
from novacron.model.caller import Caller
from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.operation import AskedBy, Operation, OperationState
from novacron.model.operations.batch import Batch, child_key, outcome_of
from novacron.model.operations.intent import Intent
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.work.schedule import AT_ONCE, Schedule
from novacron.ports.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One operation of a batch that is to be submitted."""

    intent: Intent
    plan_digest: str
    """Of the plan that was confirmed."""


@dataclass(slots=True)
class _Running:
    task: "asyncio.Task[None]"
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled_by: Caller | None = None

    @property
    def is_cancelled(self) -> bool:
        """Whether no further child may begin."""
        return self.cancelled_by is not None


class Batches:
    """Every batch under way. The only writer of a parent's state."""

    def __init__(self, executor: Executor, ledger: Ledger, clock: Clock, rng: random.Random) -> None:
        self._executor = executor
        executor.on_ended = self.note_ended
        self._ledger = ledger
        self._clock = clock
        self._ids = OperationIds(clock, rng)
        self._running: dict[OperationId, _Running] = {}

    async def submit(
        self, title: str, children: Sequence[Child], *, key: str, caller: Caller, schedule: Schedule = AT_ONCE
    ) -> Operation | Refusal:
        """Accept a batch, and submit its children one after the other; returns once the parent is in the journal.

        The same key gives the same batch. The schedule is that of every child.
        """
        parent = Operation(
            id=self._ids.next(),
            intent=Batch(size=len(children)),
            title=title,
            subject=title,
            actor=caller.user,
            state=OperationState.ACCEPTED,
            accepted_at=self._clock.now(),
            idempotency_key=key,
            can_cancel=True,
            schedule=schedule,
        )
        try:
            known = await self._ledger.by_key(key, caller.user) if key else None
            accepted = known or await self._ledger.accept(parent)
        except JournalError as error:
            return Refusal(code=RefusalCode.JOURNAL, subject=error.subject, reason=error.detail, remedy=error.remedy)
        if known is None:
            self._start(accepted, children)
        return accepted

    def take_up(self, unfinished: Iterable[Operation]) -> None:
        """Follow the children of batches of before a restart; what was not submitted by then is not begun."""
        for operation in unfinished:
            if isinstance(operation.intent, Batch):
                self._start(operation, ())

    def note_ended(self, child: Operation) -> None:
        """Look at a child's parent again, now that the child has ended."""
        parent = self._running.get(child.parent) if child.parent is not None else None
        if parent is not None:
            parent.changed.set()

    async def cancel(self, parent: OperationId, caller: Caller) -> Operation | None:
        """Let no further child begin, and cancel those that wait; None: it is no batch under way."""
        running = self._running.get(parent)
        if running is None:
            return None
        is_first = running.cancelled_by is None
        running.cancelled_by = running.cancelled_by or caller
        running.changed.set()
        found = self._ledger.find(parent)
        if found is None or not is_first:
            return found
        asked = AskedBy(actor=caller.user, at=self._clock.now())
        return await self._ledger.move(parent, found.state, cancel_asked=asked)

    async def stop(self) -> None:
        """Let go of every batch as it is."""
        tasks = [running.task for running in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, parent: Operation, children: Sequence[Child]) -> None:
        task = asyncio.create_task(self._carry_out(parent, children), name=f"batch {parent.id}")
        self._running[parent.id] = _Running(task)
        task.add_done_callback(lambda _: self._running.pop(parent.id, None))

    async def _carry_out(self, parent: Operation, children: Sequence[Child]) -> None:
        running = self._running[parent.id]
        if parent.state is OperationState.ACCEPTED:
            await self._ledger.move(parent.id, OperationState.RUNNING, started_at=self._clock.now())
        refused = await self._submit_all(parent, children, running)
        known: dict[int, Operation] = {}
        while True:
            running.changed.clear()
            known |= await self._children(parent, known)
            if running.cancelled_by is not None:
                await self._cancel_waiting(known.values(), running.cancelled_by)
            if all(child.has_ended for child in known.values()):
                break
            await running.changed.wait()
        state, text = outcome_of(_intent(parent), tuple(known.values()), refused, is_cancelled=running.is_cancelled)
        await self._ledger.move(parent.id, state, outcome=text, ended_at=self._clock.now(), can_cancel=False)

    async def _submit_all(self, parent: Operation, children: Sequence[Child], running: _Running) -> list[Refusal]:
        """Submit each child under a key of its own, by which it is found after a restart."""
        refused = []
        for number, child in enumerate(children):
            if running.is_cancelled:
                break
            asked = Submission(
                intent=child.intent,
                plan_digest=child.plan_digest,
                key=child_key(parent.id, number),
                actor=parent.actor,
                schedule=parent.schedule,
                parent=parent.id,
            )
            answer = await self._executor.submit(asked)
            if isinstance(answer, Refusal):
                refused.append(answer)
        return refused

    async def _children(self, parent: Operation, known: Mapping[int, Operation]) -> dict[int, Operation]:
        """Return the children that had not ended, or were not there, when they were looked at last."""
        ended = {number for number, child in known.items() if child.has_ended}
        open_ = (number for number in range(_intent(parent).size) if number not in ended)
        found = [(number, await self._ledger.by_key(child_key(parent.id, number), parent.actor)) for number in open_]
        return {number: child for number, child in found if child is not None}

    async def _cancel_waiting(self, children: Iterable[Operation], caller: Caller) -> None:
        for child in children:
            if child.is_waiting:
                await self._executor.cancel(child.id, caller)


def _intent(parent: Operation) -> Batch:
    if not isinstance(parent.intent, Batch):
        msg = f"{parent.id} is no batch"
        raise TypeError(msg)
    return parent.intent
