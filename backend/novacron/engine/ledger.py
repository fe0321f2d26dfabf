"""Every operation's current state, in memory and in the journal, which is always written first.

The one writer of operations' state. An operation that was acknowledged is in the journal, and no step begins before
its "started" is. When the journal fails, nothing new begins; what runs may end, and what could not be written is
written as soon as the journal can be again, before anything that came after it.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

from novacron.engine.journal_writer import JournalWriter
from novacron.engine.known_operations import KnownOperations
from novacron.engine.lease import LeaseKeeper
from novacron.engine.operation_log import log_operation
from novacron.engine.remembered import RememberedOperations
from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.operation import (
    Acknowledgement,
    AskedBy,
    Operation,
    OperationState,
    Progress,
    StepRecord,
    require_move,
)
from novacron.model.work.event import Accepted, Acknowledged, Event, StateMoved, StepRecorded, apply
from novacron.model.work.wait import Wait
from novacron.ports.journal import Journal

OnChange = Callable[[tuple[Operation, ...]], None]
"""Told of all operations worth showing, newest first."""


class Ledger(KnownOperations):
    """The operations worth showing, and the journal behind them."""

    def __init__(self, journal: Journal, lease: LeaseKeeper, on_change: OnChange, *, keep: int) -> None:
        super().__init__(journal, RememberedOperations(keep))
        self._lease = lease
        self._writer = JournalWriter(journal)
        self._on_change = on_change
        self._keep = keep
        self._sequence = 0
        self._publish = _OncePerTurn(lambda: on_change(self.operations))
        self.damage: JournalError | None = None

    async def open(self) -> tuple[Operation, ...]:
        """Open the journal, take the lease if it is free, and return what had not ended, which is for its holder.

        Done again when the lease has gone to another backend or come from one: what is known is then read afresh, and
        what was not written under the old lease is dropped.

        Raises:
            JournalError: it cannot be read. Nothing is accepted until this was tried again and went well.
        """
        self.is_open = False
        await self._writer.close()
        try:
            await self._journal.open()
            await self._lease.take()
            self._writer = JournalWriter(self._journal, epoch=self._lease.epoch)
            unfinished = await self._read()
            self._sequence = await self._journal.last_sequence()
        except JournalError as error:
            self._cannot_open = error
            await self._journal.close()
            raise
        self._cannot_open, self.is_open = None, True
        self._on_change(self.operations)
        return unfinished

    async def follow(self) -> None:
        """Read again what another backend writes.

        Raises:
            JournalError: it cannot be read.
        """
        before = self._operations
        await self._read()
        if self._operations != before:
            self._publish()

    async def close(self) -> None:
        """Stop writing, let another backend have the lease, and close the journal."""
        await self._writer.close()
        with suppress(JournalError):  # it runs out by itself
            await self._lease.give_back()
        await self._journal.close()

    async def _read(self) -> tuple[Operation, ...]:
        """Read all that is worth showing; return what has not ended."""
        unfinished = await self._journal.unfinished()
        recent = await self._journal.recent(self._keep)
        waiting = await self._journal.unacknowledged()
        self._operations = RememberedOperations(self._keep, (*recent, *waiting, *unfinished))
        return unfinished

    @property
    def error(self) -> str:
        """Why the journal cannot be written; empty when it can."""
        return str(self._cannot_open or self._writer.fault or self._lease.fault or self.damage or "")

    async def accept(self, accepted: Operation) -> Operation:
        """Remember a new operation once it is in the journal, as the newest one; return it so.

        Raises:
            JournalError: it could not be written, and was not accepted.
        """
        (answer,) = await self.accept_all((accepted,))
        if isinstance(answer, JournalError):
            raise answer
        return answer

    async def accept_all(self, accepted: Sequence[Operation]) -> list[Operation | JournalError]:
        """Remember new operations once they are in the journal, all in one commit; or return why one is not.

        Raises:
            JournalError: nothing can be accepted.
        """
        self.require_writable()
        first = self._sequence + 1
        self._sequence += len(accepted)
        numbered = [replace(one, sequence=first + place) for place, one in enumerate(accepted)]
        errors = await self._writer.require_all(
            [(Accepted(accepted=one), partial(self._take_in, one)) for one in numbered]
        )
        return [error or one for error, one in zip(errors, numbered, strict=True)]

    async def move(
        self,
        operation: OperationId,
        state: OperationState,
        *,
        outcome: str | None = None,
        started_at: datetime | None = None,
        ended_at: datetime | None = None,
        can_cancel: bool | None = None,
        step: StepRecord | None = None,
        cancel_asked: AskedBy | None = None,
        give_up_asked: AskedBy | None = None,
        waits: bool = True,
    ) -> Operation:
        """Change an operation's state, and whatever else changes with it; what is None stays as it is.

        `step` is the step with which it ends, where it does. Later, when the journal cannot be written now. Whether or
        not it is waited for: whatever comes after it, such as a step that begins, is in the journal after it.

        Raises:
            IllegalMove: the transition table has no such arrow.
        """
        before = self._operations[operation]
        if before.state is not state:
            require_move(before.state, state)
        return await self._write(
            StateMoved(
                operation=operation,
                state=state,
                outcome=outcome,
                started_at=started_at,
                ended_at=ended_at,
                can_cancel=can_cancel,
                step=step,
                cancel_asked=cancel_asked,
                give_up_asked=give_up_asked,
                progress=None if before.progress == Progress() else before.progress,
            ),
            waits=waits,
        )

    async def begin_step(self, operation: OperationId, step: StepRecord) -> None:
        """Return once it is on the disk that the step has begun, and everything before it.

        Raises:
            JournalError: it could not be written; the step must not begin.
        """
        self._lease.require()
        await self._write_first(StepRecorded(operation=operation, step=step))
        # The commit may have taken long.
        self._lease.require()

    async def acknowledge(self, operation: OperationId, word: Acknowledgement) -> Operation:
        """Return the operation once it is on the disk that a person has dealt with it.

        Raises:
            JournalError: it could not be written, and is not acknowledged.
        """
        self.require_writable()
        return await self._write_first(Acknowledged(operation=operation, word=word))

    async def note_step(self, operation: OperationId, step: StepRecord) -> Operation:
        """Write how one of its steps has ended; later, when the journal cannot be written now."""
        return await self._write(StepRecorded(operation=operation, step=step))

    async def require_written(self, operation: OperationId) -> None:
        """Return once everything that is known of an operation is on the disk, and the journal can be written.

        Raises:
            JournalError: it could not be written.
        """
        await self._writer.flush()
        if self._writer.lacks(operation) and self._writer.fault is not None:
            raise self._writer.fault

    def show(self, operation: OperationId, progress: Progress) -> None:
        """Show progress. It is not journaled before the next change of state: the hypervisors know it better."""
        before = self._operations[operation]
        if before.progress != progress:
            self._operations.change(replace(before, progress=progress))
            self._publish()

    def queued(self, operation: OperationId, wait: Wait | None) -> None:
        """Show what an operation waits for before it begins; None: it waits no more."""
        self.show(operation, replace(self._operations[operation].progress, queued=wait))

    async def note_waiting(self, operation: OperationId, until: datetime) -> None:
        """Write that an operation waits for its turn as of then."""
        now = self._operations[operation]
        await self._write(StateMoved(operation=operation, state=now.state, queued_until=until))

    async def flush(self) -> None:
        """Try again to write what could not be written."""
        if self._writer.has_unwritten:
            await self._writer.flush()
            self._publish()

    async def _write(self, event: Event, *, waits: bool = True) -> Operation:
        # In memory at once: a second change made while the journal writes must build on this one.
        after = _change(self._operations, event)
        tried = self._writer.keep(event, lambda: self._operations.note_durable(event.operation))
        if waits:
            await tried
        self._publish()
        # One that has ended is forgotten by now where newer ones came into the journal with its end.
        return self.find(event.operation) or after

    async def _write_first(self, event: Event) -> Operation:
        """Change an operation once the change, and everything before it, is on the disk."""
        changed: list[Operation] = []

        def change() -> None:
            # What was changed while the journal wrote is kept: an event says nothing of it.
            changed.append(_change(self._operations, event))
            self._operations.note_durable(event.operation)
            self._publish()

        await self._writer.require(event, change)
        return self.find(event.operation) or changed[-1]

    def _take_in(self, accepted: Operation) -> None:
        _add(self._operations, accepted)
        self._publish()

    def require_writable(self) -> None:
        """Return where operations may be accepted.

        Raises:
            JournalError: the journal could not be opened, or another backend runs the operations in it.
        """
        self._require_open()
        self._lease.require()


class _OncePerTurn:
    """Calls once for all that asks for it before the event loop comes round: a list is as long as it is."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._is_due = False

    def __call__(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._now)

    def _now(self) -> None:
        self._is_due = False
        self._call()


def _add(operations: RememberedOperations, accepted: Operation) -> None:
    operations.add(accepted)
    operations.forget_oldest()
    log_operation(Accepted(accepted=accepted), accepted, None)


def _change(operations: RememberedOperations, event: Event) -> Operation:
    before = operations[event.operation]
    after = apply(before, event)
    operations.change(after)
    log_operation(event, after, before)
    return after
