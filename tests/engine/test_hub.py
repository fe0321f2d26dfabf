"""Readers of changes: everything at first, never a queue, never the last one missed."""

import asyncio

from novacron.engine.hub import Hub
from novacron.ports.backend import AlertsChanged, FleetChanged, OperationsChanged
from tests.builders import a_fleet
from tests.fake_clock import FakeClock


def fleet(revision: int) -> FleetChanged:
    return FleetChanged(fleet=a_fleet(revision=revision))


async def next_of(clock: FakeClock, stream):
    return await clock.run(anext(stream))


async def test_a_reader_gets_the_latest_of_each_kind_first() -> None:
    clock = FakeClock()
    hub = Hub(clock, fleet_gap_s=0.1)
    for change in (fleet(1), OperationsChanged(operations=()), AlertsChanged(alerts=()), fleet(2)):
        hub.publish(change)
    stream = hub.changes()
    got = [await next_of(clock, stream) for _ in range(3)]
    assert {type(change) for change in got} == {FleetChanged, OperationsChanged, AlertsChanged}
    assert [change.fleet.revision for change in got if isinstance(change, FleetChanged)] == [2]
    await stream.aclose()


async def test_a_new_reader_gets_the_newest_fleet_while_it_waits_to_be_given_to_the_others() -> None:
    """As a command does that looks at what the command before it has changed."""
    clock = FakeClock()
    hub = Hub(clock, fleet_gap_s=0.1)
    hub.publish(fleet(1))
    console = hub.changes()
    await next_of(clock, console)
    hub.publish(fleet(2))
    command = hub.changes()
    assert (await next_of(clock, command)).fleet.revision == 2
    await command.aclose()
    await console.aclose()


async def test_an_older_fleet_is_not_given_after_a_newer_one_when_all_readers_left_in_between() -> None:
    clock = FakeClock()
    hub = Hub(clock, fleet_gap_s=0.1)
    hub.publish(fleet(1))
    stream = hub.changes()
    await next_of(clock, stream)
    hub.publish(fleet(2))
    await stream.aclose()
    hub.publish(fleet(3))
    await clock.advance(1)
    stream = hub.changes()
    assert (await next_of(clock, stream)).fleet.revision == 3
    await stream.aclose()


async def test_a_slow_reader_misses_what_lay_between_and_never_the_last() -> None:
    clock = FakeClock()
    hub = Hub(clock, fleet_gap_s=0.1)
    hub.publish(fleet(0))
    stream = hub.changes()
    await next_of(clock, stream)
    for revision in range(1, 100_001):
        hub.publish(fleet(revision))
    (reader,) = hub._readers
    assert len(reader._slots) <= 1
    assert (await next_of(clock, stream)).fleet.revision == 100_000
    await stream.aclose()


async def test_a_fleet_is_given_ten_times_a_second_at_most_and_the_first_at_once() -> None:
    clock = FakeClock()
    hub = Hub(clock, fleet_gap_s=0.1)
    stream = hub.changes()
    seen: list[float] = []

    async def read() -> None:
        async for _ in stream:
            seen.append(clock.monotonic())

    task = asyncio.create_task(read())
    await clock.advance(1)
    began = clock.monotonic()
    for revision in range(200):
        hub.publish(fleet(revision))
        await clock.advance(0.01)
    assert seen[0] == began
    assert len(seen) <= 21
    await clock.advance(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_small_changes_do_not_wait_for_the_fleets_turn() -> None:
    clock = FakeClock()
    hub = Hub(clock, fleet_gap_s=10)
    hub.publish(fleet(1))
    stream = hub.changes()
    await next_of(clock, stream)
    hub.publish(fleet(2))
    waiting = asyncio.ensure_future(anext(stream))
    await clock.advance(1)
    assert not waiting.done()
    hub.publish(AlertsChanged(alerts=()))
    await clock.advance(0)
    assert isinstance(waiting.result(), AlertsChanged)
    assert isinstance(await next_of(clock, stream), FleetChanged)
    await stream.aclose()


async def test_figures_alone_may_wait_and_what_happened_does_not_nor_is_it_held_back_by_them() -> None:
    clock = FakeClock()
    hub = Hub(clock, fleet_gap_s=0.1)
    hub.publish(fleet(1))
    stream = hub.changes()
    await next_of(clock, stream)
    hub.publish(fleet(2), figures_gap_s=5)
    waiting = asyncio.ensure_future(anext(stream))
    await clock.advance(4.9)
    assert not waiting.done()
    await clock.advance(0.2)
    assert waiting.result().fleet.revision == 2
    hub.publish(fleet(3), figures_gap_s=5)
    waiting = asyncio.ensure_future(anext(stream))
    await clock.advance(1)
    assert not waiting.done()
    hub.publish(fleet(4))
    hub.publish(fleet(5), figures_gap_s=5)
    await clock.advance(0.11)
    assert waiting.result().fleet.revision == 5
    await stream.aclose()


async def test_a_reader_that_leaves_is_forgotten() -> None:
    clock = FakeClock()
    hub = Hub(clock, fleet_gap_s=0.1)
    hub.publish(fleet(1))
    stream = hub.changes()
    await next_of(clock, stream)
    assert hub.readers == 1
    await stream.aclose()
    assert hub.readers == 0


async def test_a_slow_reader_gets_fleets_and_alerts_while_operations_change_all_the_time() -> None:
    clock = FakeClock()
    hub = Hub(clock, fleet_gap_s=0.1)
    seen: list[object] = []

    async def read_slowly() -> None:
        async for change in hub.changes():
            seen.append(change)
            await clock.sleep(0.05)

    task = asyncio.create_task(read_slowly())
    for revision in range(2_000):
        if revision % 10 == 0:
            hub.publish(fleet(revision))
            hub.publish(AlertsChanged(alerts=()))
        hub.publish(OperationsChanged(operations=()))
        await clock.advance(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    # 20 s at 50 ms a message are 400 messages: each of the three kinds gets a fair part of them.
    given = {kind: sum(isinstance(change, kind) for change in seen) for kind in (FleetChanged, AlertsChanged)}
    assert min(given.values()) > 100, given
    revisions = [change.fleet.revision for change in seen if isinstance(change, FleetChanged)]
    assert revisions == sorted(revisions)
    assert revisions[-1] >= 1_970


async def test_a_kind_that_changes_all_the_time_does_not_delay_another_by_more_than_one_round() -> None:
    clock = FakeClock()
    hub = Hub(clock, fleet_gap_s=0.0)
    for change in (fleet(1), OperationsChanged(operations=()), AlertsChanged(alerts=())):
        hub.publish(change)
    stream = hub.changes()
    order: list[type] = []
    for _ in range(9):
        order.append(type(await next_of(clock, stream)))
        for change in (OperationsChanged(operations=()), AlertsChanged(alerts=()), fleet(2)):
            hub.publish(change)
    assert all(len(set(order[first : first + 3])) == 3 for first in (0, 3, 6)), order
    await stream.aclose()


async def test_a_thousand_readers_are_given_fleets_twice_a_second() -> None:
    clock = FakeClock()
    hub = Hub(clock, fleet_gap_s=0.1)
    hub.publish(fleet(0))
    streams = [hub.changes() for _ in range(1000)]
    for stream in streams:
        await anext(stream)
    hub.publish(fleet(1))
    await clock.advance(0.4)
    waiting = asyncio.ensure_future(anext(streams[0]))
    await clock.advance(0)
    assert not waiting.done()
    await clock.advance(0.2)
    assert waiting.result().fleet.revision == 1
    for stream in streams:
        await stream.aclose()
