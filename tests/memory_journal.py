"""A Journal that forgets with the process: for engine tests that are not about durability."""

from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.operation import Operation


class MemoryJournal:
    """ports.journal.Journal in a dict. `fails` makes every write refuse, as a full disk would."""

    def __init__(self) -> None:
        self.operations: dict[OperationId, Operation] = {}
        self.fails = ""

    async def open(self) -> None:
        """Make it ready."""
        if self.fails:
            raise JournalError("journal", self.fails, "free some space")

    async def record(self, operation: Operation) -> None:
        """Remember the operation as it stands."""
        if self.fails:
            raise JournalError("journal", self.fails, "free some space")
        self.operations[operation.id] = operation

    async def unfinished(self) -> tuple[Operation, ...]:
        """Return what has not ended, oldest first."""
        return tuple(one for one in self._oldest_first() if not one.has_ended)

    async def recent(self, limit: int) -> tuple[Operation, ...]:
        """Return the newest, newest first."""
        return tuple(reversed(self._oldest_first()))[:limit]

    async def unacknowledged(self) -> tuple[Operation, ...]:
        """Return what waits for a person, oldest first."""
        return tuple(one for one in self._oldest_first() if one.needs_person)

    async def last_sequence(self) -> int:
        """Return the highest sequence."""
        return max((one.sequence for one in self.operations.values()), default=0)

    async def by_key(self, idempotency_key: str) -> Operation | None:
        """Return the operation submitted with this key."""
        found = (one for one in self.operations.values() if one.idempotency_key == idempotency_key)
        return next(found, None)

    async def get(self, operation: OperationId) -> Operation | None:
        """Return one operation."""
        return self.operations.get(operation)

    async def close(self) -> None:
        """Close it; what it holds stays, as on a disk."""

    def _oldest_first(self) -> list[Operation]:
        return sorted(self.operations.values(), key=lambda one: one.sequence)
