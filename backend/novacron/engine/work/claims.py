"""Who holds what while operations run, indexed by resource: a question costs as many steps as it names resources."""

from dataclasses import dataclass, field

from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.work.claim import Claim, ClaimMode, Claims


@dataclass(slots=True)
class _Holders:
    """Who holds one resource; the oldest first."""

    claims: dict[OperationId, Claim] = field(default_factory=dict)
    alone: dict[OperationId, None] = field(default_factory=dict)
    """Those of them that claim it exclusively: more than one only of operations of before a restart."""
    amount: int = 0


class ClaimTable:
    """The claims of every operation that holds any. One writer: the queue."""

    def __init__(self) -> None:
        self._resources: dict[str, _Holders] = {}
        self._held: dict[OperationId, dict[str, Claim]] = {}
        self._operations: dict[OperationId, Operation] = {}

    def in_the_way(self, claim: Claim, besides: OperationId | None) -> Operation | None:
        """Return the operation that has held the resource longest and cannot share it, or None."""
        holders = self._resources.get(claim.resource)
        if holders is None or claim.mode is ClaimMode.AMOUNT:
            return None
        # A pool may be shared by thousands: none of them is in the way of one more.
        rivals = holders.claims if claim.mode is ClaimMode.EXCLUSIVE else holders.alone
        found = next((holder for holder in rivals if holder != besides), None)
        return None if found is None else self._operations[found]

    def oldest(self, resource: str) -> Operation | None:
        """Return the operation that has held some of the resource longest, or None."""
        holders = self._resources.get(resource)
        return self._operations[next(iter(holders.claims))] if holders else None

    def amount(self, resource: str) -> int:
        """Return how much of the resource is held by all together."""
        holders = self._resources.get(resource)
        return holders.amount if holders else 0

    def hold(self, operation: Operation, claims: Claims) -> None:
        """Add these to what the operation holds, whoever holds the same."""
        self._operations[operation.id] = operation
        held = self._held.setdefault(operation.id, {})
        for claim in claims.all:
            self._drop(operation.id, held.pop(claim.resource, None))
            held[claim.resource] = claim
            holders = self._resources.setdefault(claim.resource, _Holders())
            holders.claims[operation.id] = claim
            if claim.mode is ClaimMode.EXCLUSIVE:
                holders.alone[operation.id] = None
            holders.amount += claim.amount

    def holds(self, operation: OperationId, claims: Claims) -> bool:
        """Whether the operation holds all of these, or the same more strictly, or more of it."""
        held = self._held.get(operation, {})
        return all(_covers(held.get(claim.resource), claim) for claim in claims.all)

    def held_by(self, operation: OperationId) -> Claims:
        """Return all that the operation holds."""
        return Claims(all=tuple(self._held.get(operation, {}).values()))

    def drop(self, operation: OperationId, claims: Claims) -> None:
        """Let go of these."""
        held = self._held.get(operation, {})
        for claim in claims.all:
            self._drop(operation, held.pop(claim.resource, None))
        if not held:
            self._held.pop(operation, None)
            self._operations.pop(operation, None)

    def _drop(self, operation: OperationId, claim: Claim | None) -> None:
        if claim is None:
            return
        holders = self._resources[claim.resource]
        del holders.claims[operation]
        holders.alone.pop(operation, None)
        holders.amount -= claim.amount
        if not holders.claims:
            del self._resources[claim.resource]


def _covers(held: Claim | None, claim: Claim) -> bool:
    if held is None:
        return False
    return held.mode is ClaimMode.EXCLUSIVE or (held.mode is claim.mode and held.amount >= claim.amount)


def locked(subject: str, holder: Operation) -> Refusal:
    """Say which operation is in the way."""
    return Refusal(
        code=RefusalCode.LOCKED,
        subject=subject,
        reason=f'"{holder.title}" holds it (operation {holder.id}, by {holder.actor or "unknown"})',
        remedy="wait until it has ended, or cancel it",
    )
