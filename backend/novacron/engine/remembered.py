"""The operations worth having in memory: those that have not ended or wait for a person, and the newest others."""

import heapq
from collections.abc import Iterable

from novacron.model.ids import OperationId
from novacron.model.operation import Operation


class RememberedOperations:
    """Operations in the order of their sequence: a change leaves one in its place, and a new one is the newest."""

    def __init__(self, keep: int, operations: Iterable[Operation] = ()) -> None:
        """`keep` is how many are kept of those of which nothing more is to come; those given are all durable."""
        self._keep = keep
        self._by_id: dict[OperationId, Operation] = {}
        self._by_key: dict[tuple[str, str], OperationId] = {}
        """By user and key: each user's keys are their own."""
        self._forgettable: list[tuple[int, OperationId]] = []
        """A heap of those that have ended, are durable so, and wait for nobody."""
        distinct = {operation.id: operation for operation in operations}
        for operation in sorted(distinct.values(), key=lambda one: one.sequence):
            self.add(operation)
            self.note_durable(operation.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RememberedOperations) and self._by_id == other._by_id

    def __hash__(self) -> int:
        return id(self)

    def __getitem__(self, operation: OperationId) -> Operation:
        return self._by_id[operation]

    def newest_first(self) -> tuple[Operation, ...]:
        """Return all of them."""
        return tuple(reversed(self._by_id.values()))

    def find(self, operation: OperationId) -> Operation | None:
        """Return one, or None when it is not remembered."""
        return self._by_id.get(operation)

    def by_key(self, key: str, actor: str) -> Operation | None:
        """Return the one that this user submitted with this key, or None when it is not remembered."""
        known = self._by_key.get((actor, key))
        return None if known is None else self._by_id[known]

    def add(self, newest: Operation) -> None:
        """Remember a new one."""
        self._by_id[newest.id] = newest
        if newest.idempotency_key:
            self._by_key[newest.actor, newest.idempotency_key] = newest.id

    def change(self, operation: Operation) -> None:
        """Have one as it is now."""
        self._by_id[operation.id] = operation

    def note_durable(self, operation: OperationId) -> None:
        """Let one be forgotten in its turn, once nothing more can happen to it."""
        known = self._by_id.get(operation)
        if known is not None and known.has_ended and not known.needs_person:
            heapq.heappush(self._forgettable, (known.sequence, operation))

    def forget_oldest(self) -> None:
        """Forget those of which there are too many."""
        while len(self._forgettable) > self._keep:
            _, operation = heapq.heappop(self._forgettable)
            forgotten = self._by_id.pop(operation, None)
            if forgotten is not None:
                self._by_key.pop((forgotten.actor, forgotten.idempotency_key), None)
