"""What an operation needs for as long as it runs, and when two such needs cannot be met together.

Pure: which operation holds what is kept by the engine (engine/work).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from novacron.model.ids import HostId


class ClaimMode(StrEnum):
    """How a resource is needed."""

    EXCLUSIVE = "exclusive"
    """For this operation alone."""
    SHARED = "shared"
    """Together with any others that share it."""
    AMOUNT = "amount"
    """So much of something that has a limit."""


class Capacity(StrEnum):
    """What a host has a limited amount of. In the order in which they are taken and told."""

    MIGRATIONS_OUT = "migrations-out"
    MIGRATIONS_IN = "migrations-in"
    STARTS = "starts"
    DISK_COPIES = "disk-copies"
    MEMORY = "memory"


MIB = "MiB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One resource, and how much of it."""

    resource: str
    """Its key: "vm:UUID", "pool:HOST/POOL", "file:…", "host:HOST/migrations-in"."""
    mode: ClaimMode
    amount: int = 0
    """How much, of an AMOUNT; 0 otherwise."""
    unit: str = ""
    """Of the amount: MiB, or empty for a count."""
    host: HostId | None = None
    """Whose capacity it is; None for everything that is no amount."""
    capacity: Capacity | None = None
    """Which capacity it is; None for everything that is no amount."""

    def __str__(self) -> str:
        how = f"{self.amount} {self.unit}".strip() if self.mode is ClaimMode.AMOUNT else self.mode.value
        return f"{self.resource} {how}"


def exclusive(resource: str) -> Claim:
    """Claim a resource for one operation alone."""
    return Claim(resource=resource, mode=ClaimMode.EXCLUSIVE)


def shared(resource: str) -> Claim:
    """Claim a resource together with others that share it."""
    return Claim(resource=resource, mode=ClaimMode.SHARED)


def amount_of(host: HostId, capacity: Capacity, amount: int = 1) -> Claim:
    """Claim an amount of a host's capacity: a count, or MiB of memory."""
    return Claim(
        resource=f"host:{host}/{capacity}",
        mode=ClaimMode.AMOUNT,
        amount=amount,
        unit=MIB if capacity is Capacity.MEMORY else "",
        host=host,
        capacity=capacity,
    )


def compatible(one: Claim, other: Claim) -> bool:
    """Whether two operations may hold both at once. Of amounts of one resource, the sum decides: see `fits`."""
    if one.resource != other.resource:
        return True
    return ClaimMode.EXCLUSIVE not in (one.mode, other.mode)


def fits(claim: Claim, used: int, limit: int | None) -> bool:
    """Whether an amount can be had beside what others use; None: there is no limit.

    A claim alone always fits: whether the host can take one operation is judged by its plan, and no limit may keep
    the only one waiting for nobody.
    """
    return limit is None or used == 0 or used + claim.amount <= limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Everything one operation needs: at most one claim of a resource, in the order of taking.

    Objects come first, then amounts, each by name. All objects are taken in one step, then all amounts in one step,
    before the operation's first step; whoever holds amounts waits for nothing any more. That order is why no two
    operations can wait for each other.
    """

    all: tuple[Claim, ...] = ()

    @property
    def objects(self) -> "Claims":
        """What is claimed exclusively or shared: VMs, files, pools, names."""
        return Claims(all=tuple(claim for claim in self.all if claim.mode is not ClaimMode.AMOUNT))

    @property
    def amounts(self) -> "Claims":
        """What is claimed of the hosts' capacities."""
        return Claims(all=tuple(claim for claim in self.all if claim.mode is ClaimMode.AMOUNT))

    @property
    def holds(self) -> frozenset[str]:
        """Return the resources that are claimed exclusively."""
        return frozenset(claim.resource for claim in self.all if claim.mode is ClaimMode.EXCLUSIVE)

    @property
    def uses(self) -> frozenset[str]:
        """Return the resources that are claimed together with others."""
        return frozenset(claim.resource for claim in self.all if claim.mode is ClaimMode.SHARED)


def claims(several: Iterable[Claim]) -> Claims:
    """Join claims: of one resource the stricter mode counts, and amounts add up."""
    joined: dict[str, Claim] = {}
    for claim in several:
        before = joined.get(claim.resource)
        joined[claim.resource] = claim if before is None else _joined(before, claim)
    return Claims(all=tuple(sorted(joined.values(), key=_order)))


def _joined(one: Claim, other: Claim) -> Claim:
    if one.capacity is not None and one.host is not None and other.capacity is one.capacity:
        return amount_of(one.host, one.capacity, one.amount + other.amount)
    return one if one.mode is ClaimMode.EXCLUSIVE else other


_CAPACITIES = {capacity: place for place, capacity in enumerate(Capacity)}


def _order(claim: Claim) -> tuple[bool, int, str]:
    """Order of taking: objects, then amounts in the order of Capacity; by name among equals."""
    place = -1 if claim.capacity is None else _CAPACITIES[claim.capacity]
    return (claim.mode is ClaimMode.AMOUNT, place, claim.resource)
