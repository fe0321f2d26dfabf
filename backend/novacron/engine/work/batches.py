"""Operations that are submitted together, under one parent that can be followed and cancelled as one.

A child is refused, queued, carried out and journaled as any other operation; parent and children come into the journal
in one commit, so that a backend that starts again finds all of them or none. The parent holds nothing; it ends when
every child has ended. Cancelling it cancels those that wait; what has begun goes on.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from novacron.engine.executor import Executor
from novacron.engine.identifiers import OperationIds
from novacron.engine.ledger import Ledger
from novacron.engine.log import log
from novacron.engine.settings import EngineSettings
from novacron.engine.work.acceptance import no_journal
from novacron.engine.work.submission import Submission
from novacron.model.caller import Authentication, Caller, administrator
from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.operation import AskedBy, Operation, OperationState
from novacron.model.operations.batch import Batch, BatchChild, child_key, digest_of, outcome_of, progress_of
from novacron.model.refusal import Refusal
from novacron.model.work.schedule import AT_ONCE, Schedule
from novacron.ports.clock import Clock

_Read = TypeVar("_Read")


@dataclass(slots=True)
class _Running:
    task: "asyncio.Task[None]"
    children: dict[OperationId, Operation] = field(default_factory=dict)
    """Each as it was last looked at."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled_by: Caller | None = None

    @property
    def is_cancelled(self) -> bool:
        """Whether what waits is cancelled."""
        return self.cancelled_by is not None


class Batches:
    """Every batch under way. The only writer of a parent's state."""

    def __init__(
        self, executor: Executor, ledger: Ledger, clock: Clock, settings: EngineSettings, rng: random.Random
    ) -> None:
        self._executor = executor
        executor.on_ended = self.note_ended
        self._ledger = ledger
        self._clock = clock
        self._settings = settings
        self._ids = OperationIds(clock, rng)
        self._running: dict[OperationId, _Running] = {}
        self._beginning: set[OperationId] = set()
        """Batches that come into the journal just now, or of which the operations begin."""

    async def submit(
        self, title: str, children: Sequence[BatchChild], *, key: str, caller: Caller, schedule: Schedule = AT_ONCE
    ) -> Operation | Refusal:
        """Accept a batch: returns once its parent and all children that are not refused are in the journal.

        A user's same key gives the same batch. The schedule is that of every child.
        """
        return await self._executor.pending.accept(
            caller.user,
            key,
            lambda: self._submit(title, children, key, caller, schedule),
            lambda answer: _is_answer(answer, children),
        )

    def take_up(self, unfinished: Iterable[Operation]) -> None:
        """Follow the children of batches of before a restart."""
        for operation in unfinished:
            if isinstance(operation.intent, Batch):
                self._start(operation, None)

    async def children(self, parent: Operation) -> tuple[Operation, ...]:
        """Return the operations of a batch as they stand, in their order; none of what is no batch.

        Raises:
            JournalError: it cannot be told.
        """
        size = parent.intent.size if isinstance(parent.intent, Batch) else 0
        found = [await self._ledger.by_key(child_key(parent.id, number), parent.actor) for number in range(size)]
        return tuple(child for child in found if child is not None)

    def note_ended(self, child: Operation) -> None:
        """Look at a child's parent again, now that the child has ended."""
        parent = self._running.get(child.parent) if child.parent is not None else None
        if parent is not None:
            parent.children[child.id] = self._ledger.find(child.id) or child
            parent.changed.set()

    async def cancel(self, parent: OperationId, caller: Caller) -> Operation | None:
        """Cancel the children that have not begun; None: it is no batch under way."""
        found, running = self._ledger.find(parent), self._running.get(parent)
        if found is None or found.has_ended or (running is None and parent not in self._beginning):
            return None
        if running is not None:
            running.cancelled_by = running.cancelled_by or caller
            running.changed.set()
        if found.cancel_asked is not None:
            return found
        # Of one that is not followed yet, this is what tells it when it is.
        asked = AskedBy(actor=caller.user, at=self._clock.now())
        return await self._ledger.move(parent, found.state, cancel_asked=asked)

    async def stop(self) -> None:
        """Let go of every batch as it is."""
        tasks: list[asyncio.Future[Any]] = [
            *(running.task for running in self._running.values()),
            *self._executor.pending.tasks,
        ]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _submit(
        self, title: str, children: Sequence[BatchChild], key: str, caller: Caller, schedule: Schedule
    ) -> Operation | Refusal:
        try:
            known = await self._ledger.by_key(key, caller.user) if key else None
        except JournalError as error:
            return no_journal(error)
        if known is not None:
            return known
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
            plan_digest=_digest(children),
            schedule=schedule,
        )
        asked = [_submission(parent, number, child) for number, child in enumerate(children)]
        self._beginning.add(parent.id)
        try:
            answer = await self._executor.several.submit(asked, lambda refused: _with_refused(parent, refused))
            if isinstance(answer, Refusal):
                return answer
            accepted, begun = answer
            self._start(accepted, begun)
        finally:
            self._beginning.discard(parent.id)
        return self._ledger.find(accepted.id) or accepted

    def _start(self, parent: Operation, children: Sequence[Operation] | None) -> None:
        """Follow a batch; None: its children are to be found in the journal."""
        task = asyncio.create_task(self._follow(parent, children), name=f"batch {parent.id}")
        running = self._running[parent.id] = _Running(task)
        task.add_done_callback(lambda _: self._running.pop(parent.id, None))
        asked = (self._ledger.find(parent.id) or parent).cancel_asked
        if asked is not None:
            running.cancelled_by = administrator(asked.actor, Authentication.IN_PROCESS)

    async def _follow(self, parent: Operation, children: Sequence[Operation] | None) -> None:
        """Follow a batch to its end; whatever fails, it ends."""
        try:
            await self._carry_out(parent, children)
        except Exception as error:  # noqa: BLE001 - a batch that nobody follows any more must not seem to run
            log("unforeseen error", level=logging.ERROR, error=error, operation=parent.id)
            text = f"unforeseen: {type(error).__name__}: {error}; look at its operations"
            await self._end(parent, OperationState.NEEDS_ATTENTION, text)

    async def _carry_out(self, parent: Operation, children: Sequence[Operation] | None) -> None:
        running = self._running[parent.id]
        if parent.state is OperationState.ACCEPTED:
            await self._ledger.move(parent.id, OperationState.RUNNING, started_at=self._clock.now())
        if children is None:
            children = await self._read(partial(self.children, parent), parent)
        for child in children:
            running.children.setdefault(child.id, child)
        while True:
            running.changed.clear()
            await self._look_at_open(running, parent)
            now = tuple(running.children.values())
            self._ledger.show(parent.id, progress_of(_intent(parent), now))
            if running.cancelled_by is not None:
                await self._cancel_unbegun(now, running.cancelled_by)
            if all(child.has_ended for child in running.children.values()):
                break
            await running.changed.wait()
        now = tuple(running.children.values())
        self._ledger.show(parent.id, progress_of(_intent(parent), now))
        await self._end(parent, *outcome_of(_intent(parent), now, is_cancelled=running.is_cancelled))

    async def _end(self, parent: Operation, state: OperationState, text: str) -> None:
        await self._ledger.move(parent.id, state, outcome=text, ended_at=self._clock.now(), can_cancel=False)

    async def _read(self, read: Callable[[], Awaitable[_Read]], parent: Operation) -> _Read:
        """Return what is read, as soon as the journal can be."""
        while True:
            try:
                return await read()
            except JournalError as error:
                log("operations of a batch cannot be read", level=logging.WARNING, error=error, operation=parent.id)
            await self._clock.sleep(self._settings.journal_retry_s)

    async def _look_at_open(self, running: _Running, parent: Operation) -> None:
        """Take the children that had not ended as they stand now."""
        for identifier, child in tuple(running.children.items()):
            if not child.has_ended:
                # One that is remembered no more has ended: how, the journal knows.
                found = self._ledger.find(identifier)
                found = found or await self._read(partial(self._ledger.get, identifier), parent)
                running.children[identifier] = found or child

    async def _cancel_unbegun(self, children: Sequence[Operation], caller: Caller) -> None:
        """Cancel all that wait at once: their cancels are written together."""
        waiting = [child for child in children if child.is_waiting and child.cancel_asked is None]
        for child in children:
            # After a restart, one may wait for its host before it is queued.
            if child.state is OperationState.ACCEPTED and not child.is_waiting:
                self._executor.stop_before_it_begins(child.id)
        await asyncio.gather(*(self._executor.cancel(child.id, caller) for child in waiting))


def _digest(children: Sequence[BatchChild]) -> str:
    return digest_of(child.plan_digest for child in children)


def _is_answer(operation: Operation, children: Sequence[BatchChild]) -> bool:
    """Whether an operation that was found by a key is the batch that was submitted; older versions kept no digest."""
    return isinstance(operation.intent, Batch) and operation.plan_digest in ("", _digest(children))


def _submission(parent: Operation, number: int, child: BatchChild) -> Submission:
    """Return a child as it is submitted: under a key of its own, by which it is found after a restart."""
    return Submission(
        intent=child.intent,
        plan_digest=child.plan_digest,
        key=child_key(parent.id, number),
        actor=parent.actor,
        schedule=parent.schedule,
        parent=parent.id,
    )


def _with_refused(parent: Operation, refused: tuple[Refusal, ...]) -> Operation:
    return replace(parent, intent=replace(_intent(parent), refused=refused))


def _intent(parent: Operation) -> Batch:
    if not isinstance(parent.intent, Batch):
        msg = f"{parent.id} is no batch"
        raise TypeError(msg)
    return parent.intent
