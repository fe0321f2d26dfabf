"""A Journal that forgets with the process: for engine tests that are not about durability."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron.model.work.event import Event, apply
from novacron.ports.clock import Clock
from novacron.ports.journal import Lease


class MemoryJournal:
    """ports.journal.Journal in a dict. `fails` makes every write refuse, as a full disk would."""

    def __init__(self, clock: Clock | None = None) -> None:
        """`clock` is that of leases; without one they never run out by themselves."""
        self._clock = clock
        self._lease = Lease(holder="", epoch=0, is_ours=False)
        self._expires_at = float("-inf")
        self.damage = ""
        self.operations: dict[OperationId, Operation] = {}
        self.archived: dict[OperationId, Operation] = {}
        self.archives: list[int] = []
        """How many operations each commit has moved to the archive."""
        self.archive_fails = ""
        self.fails = ""

    async def open(self) -> None:
        """Make it ready."""
        if self.fails:
            raise JournalError("journal", self.fails, "free some space")

    async def check(self) -> None:
        """Find it sound, or damaged as `damage` says."""
        if self.damage:
            raise JournalError("journal", self.damage, "restore it")

    async def append(self, events: Sequence[Event], *, epoch: int = 0) -> Mapping[OperationId, JournalError]:
        """Remember the operations as the events leave them."""
        if self.fails:
            raise JournalError("journal", self.fails, "free some space")
        if epoch < self._lease.epoch:
            raise JournalError("journal", "older epoch", "see the lease")
        for event in events:
            self.operations[event.operation] = apply(self.operations.get(event.operation), event)
        return {}

    async def take_lease(self, holder: str, epoch: int, for_s: float) -> Lease:
        """Take the lease, or renew it, by the clock."""
        if self.fails:
            raise JournalError("journal", self.fails, "free some space")
        now = self._clock.monotonic() if self._clock is not None else 0.0
        is_renewed = epoch > 0 and self._lease.epoch == epoch
        if not is_renewed and self._expires_at > now and self._lease.holder != holder:
            return self._lease
        following = epoch if is_renewed else self._lease.epoch + 1
        self._lease = Lease(holder=holder, epoch=following, is_ours=False)
        self._expires_at = now + for_s
        return replace(self._lease, is_ours=True)

    async def give_back_lease(self, epoch: int) -> None:
        """End the lease of this epoch."""
        if epoch == self._lease.epoch:
            self._expires_at = float("-inf")

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
        return max((one.sequence for one in self._all()), default=0)

    async def by_key(self, idempotency_key: str, actor: str) -> Operation | None:
        """Return the operation that this user submitted with this key."""
        asked = (idempotency_key, actor)
        return next((one for one in self._all() if (one.idempotency_key, one.actor) == asked), None)

    async def get(self, operation: OperationId) -> Operation | None:
        """Return one operation."""
        return self.operations.get(operation) or self.archived.get(operation)

    async def archive(self, ended_before: datetime, limit: int, *, epoch: int = 0) -> int:
        """Move what ended first to the archive."""
        if why := self.fails or self.archive_fails:
            raise JournalError("journal", why, "free some space")
        if epoch < self._lease.epoch:
            raise JournalError("journal", "older epoch", "see the lease")
        ended = [(one.ended_at, one.id) for one in self.operations.values() if one.has_ended and not one.needs_person]
        due = sorted((at, identity) for at, identity in ended if at is not None and at < ended_before)[:limit]
        for _, identity in due:
            self.archived[identity] = self.operations.pop(identity)
        self.archives.append(len(due))
        return len(due)

    async def close(self) -> None:
        """Close it; what it holds stays, as on a disk."""

    def _all(self) -> list[Operation]:
        return [*self.operations.values(), *self.archived.values()]

    def _oldest_first(self) -> list[Operation]:
        return sorted(self.operations.values(), key=lambda one: one.sequence)
