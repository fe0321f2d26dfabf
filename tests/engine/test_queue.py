"""The queue alone: who gets claims when, whom it names, and that nothing is over-committed or waits for ever."""

from collections.abc import Callable
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from novacron.engine.work.queue import OVERTAKEN_MOST, WorkQueue
from novacron.engine.work.scheduler import rank_of
from novacron.model.ids import HostId, OperationId
from novacron.model.operation import Operation
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.work.claim import Capacity, Claim, Claims, amount_of, claims, compatible, exclusive, shared
from novacron.model.work.wait import Wait
from tests.operation_builders import an_operation

A, B = HostId("a"), HostId("b")
OUT, IN = amount_of(A, Capacity.MIGRATIONS_OUT), amount_of(B, Capacity.MIGRATIONS_IN)


class Bench:
    """A queue with limits, and what it has shown."""

    def __init__(self, limits: Callable[[Claim], int | None] = lambda _: 1) -> None:
        self.waits: dict[OperationId, Wait | None] = {}
        self.queue = WorkQueue(limits, self.waits.__setitem__)
        self.operations: dict[int, Operation] = {}

    def enter(self, number: int, *asked: Claim) -> "Bench":
        operation = self.operations.setdefault(number, an_operation(number, title=f"operation {number}"))
        self.turns = getattr(self, "turns", {})
        self.turns[number] = self.queue.enter(operation, claims(asked), rank_of(operation))
        return self

    def end(self, number: int) -> None:
        self.queue.release(self.operations[number].id)

    @property
    def begun(self) -> list[int]:
        return [number for number, turn in self.turns.items() if turn.done()]

    def behind(self, number: int) -> str:
        wait = self.waits.get(self.operations[number].id)
        return wait.title if wait else ""


async def test_the_next_begins_when_the_one_before_ends() -> None:
    bench = Bench().enter(1, OUT).enter(2, OUT).enter(3, OUT)
    assert bench.begun == [1]
    assert (bench.behind(2), bench.behind(3)) == ("operation 1", "operation 2")
    bench.end(1)
    assert bench.begun == [1, 2]
    assert bench.behind(2) == ""
    assert bench.behind(3) == "operation 2"
    bench.end(2)
    assert bench.begun == [1, 2, 3]


async def test_who_leaves_the_queue_is_no_longer_waited_for() -> None:
    bench = Bench().enter(1, OUT).enter(2, OUT).enter(3, OUT)
    bench.end(2)
    assert bench.behind(3) == "operation 1"
    bench.end(1)
    assert bench.begun == [1, 3]


async def test_what_cannot_collide_overtakes() -> None:
    bench = Bench().enter(1, IN).enter(2, OUT, IN).enter(3, OUT)
    assert bench.begun == [1, 3]


async def test_a_higher_priority_begins_first() -> None:
    bench = Bench().enter(1, OUT).enter(2, OUT)
    urgent = an_operation(3, title="urgent")
    turn = bench.queue.enter(urgent, claims([OUT]), (-1, 3, urgent.id))
    bench.end(1)
    assert turn.done()
    assert bench.begun == [1]


async def test_a_large_claim_is_not_kept_waiting_by_small_ones() -> None:
    def memory(mib: int) -> Claim:
        return amount_of(A, Capacity.MEMORY, mib)

    bench = Bench(lambda _: 10).enter(1, memory(6)).enter(2, memory(9)).enter(3, memory(2))
    assert bench.begun == [1]
    bench.end(1)
    assert bench.begun == [1, 2]


async def test_memory_that_a_reading_says_is_free_wakes_who_waits_for_it() -> None:
    """A guest that was shut down from inside frees memory while a long migration goes on."""
    free = 10
    bench = Bench(lambda _: free).enter(1, amount_of(A, Capacity.MEMORY, 6)).enter(2, amount_of(A, Capacity.MEMORY, 8))
    bench.queue.note_reading(A)
    assert bench.begun == [1]
    free = 14
    bench.queue.note_reading(HostId("another"))
    assert bench.begun == [1]
    bench.queue.note_reading(A)
    assert bench.begun == [1, 2]


async def test_one_that_needs_two_resources_is_not_overtaken_for_ever() -> None:
    bench = Bench().enter(1, IN).enter(2, OUT, IN)
    overtook = 0
    for number in range(3, 3 + 2 * OVERTAKEN_MOST):
        bench.enter(number, OUT)
        if number not in bench.begun:
            break
        overtook += 1
        bench.end(number)
    assert overtook == OVERTAKEN_MOST
    bench.end(1)
    assert 2 in bench.begun


async def test_an_object_that_is_held_or_waited_for_is_refused_to_who_acts_at_once() -> None:
    bench = Bench()
    holder, later, other = an_operation(1), an_operation(2), an_operation(3)
    mine = claims([exclusive("vm:1")])
    assert bench.queue.take(mine, holder) is None
    assert isinstance(bench.queue.take(mine, other), Refusal)
    turn = bench.queue.enter(later, mine, rank_of(later))
    bench.queue.release(holder.id)
    assert turn.done()
    refusal = bench.queue.refuse(claims([shared("vm:1")]), "web-1")
    assert refusal is not None
    assert refusal.code is RefusalCode.LOCKED
    assert later.id in refusal.reason


async def test_one_alone_always_begins_however_little_is_free() -> None:
    assert Bench(lambda _: 1).enter(1, amount_of(A, Capacity.MEMORY, 4096)).begun == [1]


_RESOURCES = st.lists(
    st.builds(exclusive, st.sampled_from(["vm:1", "vm:2", "file:x"]))
    | st.builds(shared, st.sampled_from(["pool:a/p", "file:x"]))
    | st.builds(amount_of, st.sampled_from([A, B]), st.sampled_from(list(Capacity)), st.integers(1, 3)),
    min_size=1,
    max_size=4,
)


@given(st.lists(_RESOURCES, min_size=1, max_size=25), st.randoms(use_true_random=False))
async def test_nothing_is_over_committed_and_everybody_gets_a_turn(asked: list[list[Claim]], rng: object) -> None:
    limit = 3
    bench = Bench(lambda _: limit)
    needs: dict[int, Claims] = {}
    pick = getattr(rng, "choice")  # noqa: B009 - hypothesis gives a Random of its own class
    numbers = count(1)
    running: set[int] = set()
    waiting = list(asked)
    while waiting or running:
        if waiting and (not running or pick([True, False])):
            number = next(numbers)
            several = waiting.pop()
            needs[number] = claims(several)
            bench.enter(number, *several)
        elif running:
            ended = pick(sorted(running))
            bench.end(ended)
            needs.pop(ended)
        running = {number for number in bench.begun if number in needs}
        assert running or not needs, "everybody waits, and nobody runs"
        _require_harmony([needs[number] for number in running], limit)
    assert not bench.queue.waiting


def _require_harmony(held: list[Claims], limit: int) -> None:
    """Check that what is held goes together."""
    for place, one in enumerate(held):
        for other in held[place + 1 :]:
            assert all(compatible(left, right) for left in one.all for right in other.all)
    amounts: dict[str, list[int]] = {}
    for one in held:
        for claim in one.amounts.all:
            amounts.setdefault(claim.resource, []).append(claim.amount)
    assert all(sum(several) <= limit or len(several) == 1 for several in amounts.values())
