"""Which operation gets its claims when.

Two kinds of claims, taken in this order, each kind all together in one step:

1. Objects (VMs, files, pools, names). Who acts at once is refused while another operation holds one, or waits for it;
   who was told to begin later waits for them, holding nothing.
2. Amounts of a host's capacity. These are waited for while the objects are held: nobody else may change in the
   meantime what the plan rests on.

Whoever holds amounts waits for nothing any more, so that no two operations can wait for each other.

The order is by priority, then by acceptance. An operation that waits keeps those after it from the resource it waits
for, not from the others it needs, so that what cannot collide goes on. Once it was overtaken OVERTAKEN_MOST times it
keeps them from all it needs: nobody waits for ever.
"""

import asyncio
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from novacron.engine.work.claims import ClaimTable, locked
from novacron.model.ids import HostId, OperationId
from novacron.model.operation import Operation
from novacron.model.refusal import Refusal
from novacron.model.work.claim import Capacity, Claim, ClaimMode, Claims, amount_of, compatible, fits
from novacron.model.work.wait import Wait
from novacron.model.work.wait_reasons import reason_of

Rank = tuple[int, int, OperationId]
"""Place in the queue: the negative priority, then the sequence, unique by the identifier; the lower the earlier."""

OVERTAKEN_MOST: Final = 20
"""How often others may take what an operation needs while it waits for something else."""
_LOOKED_AT: Final = 200
"""Of those that wait for one resource, how many are asked whether they can go on when some of it becomes free."""


@dataclass(slots=True, eq=False)
class _Waiter:
    operation: Operation
    rank: Rank
    claims: Claims
    turn: "asyncio.Future[None]"
    blocked_on: frozenset[str] = frozenset()
    overtaken: int = 0
    behind: OperationId | None = None

    def keeps(self, resource: str) -> bool:
        """Whether those after it may not have the resource before it has."""
        return resource in self.blocked_on or self.overtaken >= OVERTAKEN_MOST


def _rank(waiter: _Waiter) -> Rank:
    return waiter.rank


@dataclass(slots=True)
class _Lines:
    """Who waits for which resource, in their order, and who is told to wait for whom."""

    of_resource: dict[str, list[_Waiter]] = field(default_factory=dict)
    behind: dict[OperationId, set[_Waiter]] = field(default_factory=dict)


class WorkQueue:
    """The claims of every operation under way, and those that wait for some. One writer: the executor."""

    def __init__(
        self, limit_of: Callable[[Claim], int | None], show: Callable[[OperationId, Wait | None], None]
    ) -> None:
        self._limit_of = limit_of
        self._show = show
        self._table = ClaimTable()
        self._waiters: dict[OperationId, _Waiter] = {}
        self._lines = _Lines()

    @property
    def waiting(self) -> tuple[OperationId, ...]:
        """Every operation that waits for claims."""
        return tuple(self._waiters)

    def refuse(self, claims: Claims, subject: str, *, besides: OperationId | None = None) -> Refusal | None:
        """Say which operation holds one of these objects, or waits for it; None when none does."""
        for claim in claims.objects.all:
            holder = self._table.in_the_way(claim, besides)
            if holder is None:
                waiting = self._lines.of_resource.get(claim.resource, ())
                holder = next((one.operation for one in waiting if _collide(one, claim, besides)), None)
            if holder is not None:
                return locked(subject, holder)
        return None

    def take(self, claims: Claims, operation: Operation) -> Refusal | None:
        """Take all of these objects, in place of those it holds, or say which operation is in the way."""
        refusal = self.refuse(claims, operation.subject, besides=operation.id)
        if refusal is None:
            self.hold(claims.objects, operation)
        return refusal

    def hold(self, claims: Claims, operation: Operation) -> None:
        """Hold these, in place of those it holds, beside whoever holds the same.

        For operations that ran together before a restart: what they need is claimed more broadly then than when they
        were accepted, so that some overlap.
        """
        before = self._table.held_by(operation.id)
        self._table.hold(operation, claims)
        kept = {claim.resource for claim in claims.all}
        left = Claims(all=tuple(claim for claim in before.all if claim.resource not in kept))
        self._table.drop(operation.id, left)
        self._wake(left)

    def has(self, claims: Claims, operation: OperationId) -> bool:
        """Whether the operation holds all of these."""
        return self._table.holds(operation, claims)

    def enter(self, operation: Operation, claims: Claims, rank: Rank) -> "asyncio.Future[None]":
        """Return what is done as soon as the operation holds all of these too; at once when they are free."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(operation=operation, rank=rank, claims=claims, turn=turn)
        self._waiters[operation.id] = waiter
        for claim in claims.all:
            insort(self._lines.of_resource.setdefault(claim.resource, []), waiter, key=_rank)
        self._try(waiter)
        return turn

    def leave(self, operation: OperationId) -> None:
        """Let an operation wait no longer; it keeps what it holds."""
        waiter = self._waiters.get(operation)
        if waiter is not None:
            self._remove(waiter)
            self._wake(waiter.claims, gone=operation)

    def give_back(self, operation: OperationId) -> None:
        """Let go of the amounts that an operation holds, and of no object."""
        amounts = self._table.held_by(operation).amounts
        self._table.drop(operation, amounts)
        self._wake(amounts, gone=operation)

    def release(self, operation: OperationId) -> None:
        """Let go of everything the operation holds or waits for."""
        held = self._table.held_by(operation)
        self._table.drop(operation, held)
        self.leave(operation)
        self._wake(held, gone=operation)

    def look_again(self) -> None:
        """Let those go on who can now: limits have changed."""
        for waiter in sorted(self._waiters.values(), key=_rank):
            self._try(waiter)

    def note_reading(self, host: HostId) -> None:
        """Let those go on for whom a host's new reading has memory: it is freed without any operation, too."""
        memory = amount_of(host, Capacity.MEMORY)
        if memory.resource in self._lines.of_resource:
            self._wake(Claims(all=(memory,)))

    def _try(self, waiter: _Waiter) -> bool:
        """Give a waiter all it waits for, if all is free; else say for whom it waits."""
        blocked = [claim for claim in waiter.claims.all if not self._is_free(claim, waiter)]
        waiter.blocked_on = frozenset(claim.resource for claim in blocked)
        if blocked:
            self._tell(waiter, blocked[0])
            return False
        for claim in waiter.claims.all:
            for passed in self._before(waiter, claim.resource):
                passed.overtaken += 1
        self._remove(waiter)
        self._table.hold(waiter.operation, waiter.claims)
        if not waiter.turn.done():
            waiter.turn.set_result(None)
        return True

    def _is_free(self, claim: Claim, waiter: _Waiter) -> bool:
        kept = (one for one in self._before(waiter, claim.resource) if one.keeps(claim.resource))
        if claim.mode is not ClaimMode.AMOUNT:
            if self._table.in_the_way(claim, waiter.operation.id) is not None:
                return False
            return all(compatible(claim, _claim_of(one, claim.resource)) for one in kept)
        limit, used = self._limit_of(claim), self._table.amount(claim.resource)
        if not fits(claim, used, limit):
            return False
        for one in kept:
            used += _claim_of(one, claim.resource).amount
            if not fits(claim, used, limit):
                return False
        return True

    def _is_full(self, claim: Claim) -> bool:
        """Whether others hold so much of it that nobody can have more: cheaper to ask than who comes first."""
        if claim.mode is not ClaimMode.AMOUNT:
            return False
        limit = self._limit_of(claim)
        return limit is not None and 0 < limit <= self._table.amount(claim.resource)

    def _before(self, waiter: _Waiter, resource: str) -> Iterator[_Waiter]:
        """Yield those who wait for the resource and come before this one."""
        for one in self._lines.of_resource.get(resource, ()):
            if one.rank >= waiter.rank:
                return
            yield one

    def _tell(self, waiter: _Waiter, claim: Claim) -> None:
        """Show for whom a waiter waits: who is right before it in the line, else who holds the resource longest."""
        line = self._lines.of_resource[claim.resource]
        place = bisect_left(line, waiter.rank, key=_rank)
        if claim.mode is ClaimMode.AMOUNT:
            other = line[place - 1].operation if place else self._table.oldest(claim.resource)
        else:
            holder = self._table.in_the_way(claim, waiter.operation.id)
            other = holder or (line[place - 1].operation if place else None)
        if other is None or waiter.behind == other.id:
            return
        self._forget_behind(waiter)
        waiter.behind = other.id
        self._lines.behind.setdefault(other.id, set()).add(waiter)
        wait = Wait(
            reason=reason_of(claim, self._limit_of(claim)),
            resource=claim.resource,
            operation=other.id,
            title=other.title,
        )
        self._show(waiter.operation.id, wait)

    def _wake(self, freed: Claims, *, gone: OperationId | None = None) -> None:
        """Let those go on who can now, in their order; tell those who waited for one that is gone for whom now."""
        lines = (self._lines.of_resource.get(claim.resource, ()) for claim in freed.all)
        unique = {id(waiter): waiter for line in lines for waiter in tuple(line)[:_LOOKED_AT]}
        resources = {claim.resource for claim in freed.all}
        for waiter in sorted(unique.values(), key=_rank):
            if not any(self._is_full(claim) for claim in waiter.claims.all if claim.resource in resources):
                self._try(waiter)
        if gone is not None:
            self._retell(self._lines.behind.pop(gone, set()))

    def _retell(self, waiters: Iterable[_Waiter]) -> None:
        for waiter in sorted(waiters, key=_rank):
            if self._waiters.get(waiter.operation.id) is waiter:
                waiter.behind = None
                self._try(waiter)

    def _remove(self, waiter: _Waiter) -> None:
        del self._waiters[waiter.operation.id]
        for claim in waiter.claims.all:
            line = self._lines.of_resource[claim.resource]
            del line[bisect_left(line, waiter.rank, key=_rank)]
            if not line:
                del self._lines.of_resource[claim.resource]
        if waiter.behind is not None:
            self._show(waiter.operation.id, None)
        self._forget_behind(waiter)

    def _forget_behind(self, waiter: _Waiter) -> None:
        if waiter.behind is None:
            return
        others = self._lines.behind.get(waiter.behind)
        if others is not None:
            others.discard(waiter)
            if not others:
                del self._lines.behind[waiter.behind]
        waiter.behind = None


def _claim_of(waiter: _Waiter, resource: str) -> Claim:
    return next(claim for claim in waiter.claims.all if claim.resource == resource)


def _collide(waiter: _Waiter, claim: Claim, besides: OperationId | None) -> bool:
    return waiter.operation.id != besides and not compatible(claim, _claim_of(waiter, claim.resource))
