"""Every operation as it stands, in memory and in the journal, which is always written first.

The one writer of operations' state. An operation that was acknowledged is in the journal, and no step begins before
its "started" is. When the journal fails, nothing new begins; what runs may end, and what could not be written is
written as soon as the journal can be again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.operation import Acknowledgement, Operation, OperationState, Progress, StepRecord, require_move
from novacron.ports.clock import Clock
from novacron.ports.journal import Journal


class Ledger:
    """The operations worth showing, and the journal behind them."""

    def __init__(
        self, journal: Journal, clock: Clock, on_change: Callable[[tuple[Operation, ...]], None], *, keep: int
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._on_change = on_change
        self._keep = keep
        self._operations: dict[OperationId, Operation] = {}
        self._unwritten: dict[OperationId, None] = {}
        self._writing = asyncio.Lock()
        self._fault: JournalError | None = None
        self._sequence = 0
        self.is_open = False

    async def open(self) -> tuple[Operation, ...]:
        """Open the journal and return what had not ended.

        Raises:
            JournalError: it cannot be read. Nothing is accepted until this was tried again and went well.
        """
        try:
            await self._journal.open()
            unfinished = await self._journal.unfinished()
            recent = await self._journal.recent(self._keep)
            waiting = await self._journal.unacknowledged()
            self._sequence = await self._journal.last_sequence()
        except JournalError as error:
            self._fault = error
            await self._journal.close()
            raise
        self._fault, self.is_open = None, True
        for operation in (*recent, *waiting, *unfinished):
            self._operations[operation.id] = operation
        self._publish()
        return unfinished

    async def close(self) -> None:
        """Close the journal."""
        await self._journal.close()

    @property
    def error(self) -> str:
        """Why the journal cannot be written; empty when it can."""
        return str(self._fault) if self._fault else ""

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Recent operations, and older ones that have not ended or wait for a person; newest first."""
        return tuple(sorted(self._operations.values(), key=lambda one: one.sequence, reverse=True))

    def find(self, operation: OperationId) -> Operation | None:
        """Return one, or None when it is not remembered."""
        return self._operations.get(operation)

    async def get(self, operation: OperationId) -> Operation | None:
        """Return one, from the journal when it is not remembered; None when there never was one.

        Raises:
            JournalError: it cannot be told.
        """
        self._require_open()
        return self.find(operation) or await self._journal.get(operation)

    async def by_key(self, key: str) -> Operation | None:
        """Return the operation that was submitted with this key, or None.

        Raises:
            JournalError: it cannot be told.
        """
        self._require_open()
        for operation in self._operations.values():
            if operation.idempotency_key == key:
                return operation
        return await self._journal.by_key(key)

    async def accept(self, accepted: Operation) -> Operation:
        """Remember a new operation once it is in the journal, as the newest one; return it so.

        Raises:
            JournalError: it could not be written, and was not accepted.
        """
        self._require_open()
        async with self._writing:
            self._sequence += 1
            operation = replace(accepted, sequence=self._sequence)
            await self._record(operation)
            self._fault = None
        self._operations[operation.id] = operation
        self._forget_oldest()
        self._publish()
        return operation

    async def move(self, operation: OperationId, state: OperationState, **changes: object) -> Operation:
        """Change an operation's state, and whatever else changes with it.

        Raises:
            IllegalMove: the transition table has no such arrow.
        """
        before = self._operations[operation]
        if before.state is not state:
            require_move(before.state, state)
        return await self._write(replace(before, state=state, **changes))  # type: ignore[arg-type]

    async def begin_step(self, operation: OperationId, step: StepRecord) -> None:
        """Return once it is on the disk that the step has begun, and everything before it.

        Raises:
            JournalError: it could not be written; the step must not begin.
        """
        await self._write_first(operation, lambda before: _with_step(before, step))

    async def acknowledge(self, operation: OperationId, word: Acknowledgement) -> Operation:
        """Return the operation once it is on the disk that a person has dealt with it.

        Raises:
            JournalError: it could not be written, and is not acknowledged.
        """
        await self._write_first(operation, lambda before: replace(before, acknowledged=word))
        return self._operations[operation]

    async def note_step(self, operation: OperationId, step: StepRecord) -> Operation:
        """Write how one of its steps has ended; later, when the journal cannot be written now."""
        return await self._write(_with_step(self._operations[operation], step))

    async def require_written(self) -> None:
        """Return once everything that is known is on the disk.

        Raises:
            JournalError: it could not be written.
        """
        async with self._writing:
            await self._require_written()

    def show(self, operation: OperationId, progress: Progress) -> None:
        """Show progress. It is not journaled: the hypervisors know it better."""
        before = self._operations[operation]
        if before.progress != progress:
            self._operations[operation] = replace(before, progress=progress)
            self._publish()

    async def flush(self) -> None:
        """Try again to write what could not be written."""
        if not self._unwritten:
            return
        async with self._writing:
            await self._write_all()
        self._publish()

    async def _write_first(self, operation: OperationId, change: Callable[[Operation], Operation]) -> None:
        """Change an operation once the change, and everything before it, is on the disk."""
        async with self._writing:
            await self._require_written()
            await self._record(change(self._operations[operation]))
        # What was changed while the journal wrote is kept; who changed it writes it.
        self._operations[operation] = change(self._operations[operation])
        self._publish()

    async def _record(self, operation: Operation) -> None:
        try:
            await self._journal.record(operation)
        except JournalError as error:
            self._fault = error
            raise

    async def _write(self, operation: Operation) -> Operation:
        # In memory at once: a second change made while the journal writes must build on this one.
        self._operations[operation.id] = operation
        self._unwritten[operation.id] = None
        async with self._writing:
            await self._write_all()
        self._publish()
        return self._operations[operation.id]

    async def _write_all(self) -> None:
        for operation in tuple(self._unwritten):
            try:
                await self._record(self._operations[operation])
            except JournalError:
                return
            self._unwritten.pop(operation, None)
        self._fault = None

    async def _require_written(self) -> None:
        await self._write_all()
        if self._unwritten and self._fault is not None:
            raise self._fault

    def _require_open(self) -> None:
        if not self.is_open and self._fault is not None:
            raise self._fault

    def _forget_oldest(self) -> None:
        ended = [one.id for one in self.operations if one.has_ended and not one.needs_person]
        ended = [one for one in ended if one not in self._unwritten]
        for operation in ended[self._keep :]:
            del self._operations[operation]

    def _publish(self) -> None:
        self._on_change(self.operations)


def _with_step(operation: Operation, step: StepRecord) -> Operation:
    return replace(operation, steps=tuple(step if known.name == step.name else known for known in operation.steps))
