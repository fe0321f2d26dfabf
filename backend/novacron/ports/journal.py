"""Where operations are remembered: as events, and only added to. Acknowledged means written.

Nothing that was appended is ever changed. How an operation stands is the fold of its events (model.work.event); a
journal finds operations by key, state and order without folding those that nobody asks for.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron.model.work.event import Event


class Journal(Protocol):
    """The durable events of operations. One writer at a time: the engine's JournalWriter."""

    async def open(self) -> None:
        """Make it ready, upgrading its layout if needed. Raises JournalError."""

    async def append(self, events: Sequence[Event]) -> Mapping[OperationId, JournalError]:
        """Write events, in their order and in one durable commit; return once they are on the disk.

        Returns the operations whose events are bad by themselves, and why; none of theirs is written, and all others
        are.

        Raises:
            JournalError: nothing was written.
        """

    async def unfinished(self) -> tuple[Operation, ...]:
        """Return every operation that had not ended, oldest first."""

    async def recent(self, limit: int) -> tuple[Operation, ...]:
        """Return the newest operations by their sequence, newest first, ended or not."""

    async def unacknowledged(self) -> tuple[Operation, ...]:
        """Return every operation that needs attention and was not acknowledged, oldest first."""

    async def last_sequence(self) -> int:
        """Return the highest sequence of any operation; 0 when there is none."""

    async def by_key(self, idempotency_key: str) -> Operation | None:
        """Return the operation that was submitted with this key, or None."""

    async def get(self, operation: OperationId) -> Operation | None:
        """Return one operation, or None."""

    async def close(self) -> None:
        """Close it."""
