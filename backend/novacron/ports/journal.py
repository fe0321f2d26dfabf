"""Where operations are remembered: as events, and only added to. Acknowledged means written.

Nothing that was appended is ever changed. The state of an operation is the fold of its events (model.work.event); a
journal finds operations by key, state and order without folding those that nobody asks for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron.model.work.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who may append."""

    holder: str
    """The backend's name."""
    epoch: int
    """Rises with each new holder."""
    is_ours: bool


class Journal(Protocol):
    """The durable events of operations. One writer at a time: the engine's JournalWriter."""

    async def open(self) -> None:
        """Make it ready, upgrading its layout if needed. Raises JournalError."""

    async def check(self) -> None:
        """Look whether what is there is sound, if opening it did not; may take long, and holds nobody up.

        Raises:
            JournalError: it is damaged.
        """

    async def append(self, events: Sequence[Event], *, epoch: int = 0) -> Mapping[OperationId, JournalError]:
        """Write events, in their order and in one durable commit; return once they are on the disk.

        `epoch` is that of the lease under which they are written; 0 where none was ever taken.

        Returns the operations whose events are bad by themselves, and why; none of theirs is written, and all others
        are.

        Raises:
            JournalUncertain: it is not known whether they were written; append the same ones again before any others.
            JournalError: nothing was written, because it could not be or because there is a newer epoch.
        """

    async def take_lease(self, holder: str, epoch: int, for_s: float) -> Lease:
        """Take the lease for so many seconds, or renew that of this epoch (0: none); return it as it is then.

        It is taken when it has run out, by the journal's own clock, or was this same holder's: one that was killed and
        starts again. Raises JournalError.
        """

    async def give_back_lease(self, epoch: int) -> None:
        """End the lease of this epoch, if it is still that. Raises JournalError."""

    async def unfinished(self) -> tuple[Operation, ...]:
        """Return every operation that had not ended, oldest first."""

    async def recent(self, limit: int) -> tuple[Operation, ...]:
        """Return the newest operations by their sequence, newest first, ended or not."""

    async def unacknowledged(self) -> tuple[Operation, ...]:
        """Return every operation that needs attention and was not acknowledged, oldest first."""

    async def last_sequence(self) -> int:
        """Return the highest sequence of any operation; 0 when there is none."""

    async def by_key(self, idempotency_key: str, actor: str) -> Operation | None:
        """Return the operation that this user submitted with this key, or None: another user's key is another key."""

    async def get(self, operation: OperationId) -> Operation | None:
        """Return one operation, or None."""

    async def archive(self, ended_before: datetime, limit: int, *, epoch: int = 0) -> int:
        """Move the operations that ended first, at most `limit`, to the archive, in one durable commit.

        Only those that ended before that time and wait for nobody. They are found by key and by id as before, and in
        no list. `epoch` is as with `append`.

        Returns how many were moved; fewer than `limit` when no more are due.

        Raises:
            JournalError: nothing is known to be moved: it could not be written, or there is a newer epoch. Each
                operation is in one place all the same.
        """

    async def close(self) -> None:
        """Close it."""
