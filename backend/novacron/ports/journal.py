"""Where operations are remembered. Acknowledged means written: a call returns after a durable commit."""

from typing import Protocol

from novacron.model.ids import OperationId
from novacron.model.operation import Operation


class Journal(Protocol):
    """The durable list of operations. One writer: the executor."""

    async def open(self) -> None:
        """Make it ready, upgrading its layout if needed. Raises JournalError."""

    async def record(self, operation: Operation) -> None:
        """Write the operation as it stands now, new or changed. Raises JournalError when it could not."""

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
