"""Hosts are connected to and read spread over time; a backend that cannot keep up reads them less often and says so."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest

from novacron.engine.poll_schedule import HostTurns, PollSchedule
from novacron.engine.settings import EngineSettings
from novacron.model.alert.alert import AlertRule
from novacron.model.ids import HostId
from tests.callers import ALICE
from tests.engine.site import Site
from tests.fake_clock import FakeClock

SETTINGS = EngineSettings()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def _begun_at(clock: FakeClock, schedule: PollSchedule, count: int) -> list[float]:
    begun: list[float] = []
    start = clock.monotonic()

    async def connect() -> None:
        await schedule.wait_to_connect()
        begun.append(round(clock.monotonic() - start, 3))

    tasks = [asyncio.ensure_future(connect()) for _ in range(count)]
    await clock.advance(60)
    await asyncio.gather(*tasks)
    return begun


async def test_some_connections_are_begun_at_once_and_the_others_one_after_the_other(clock: FakeClock) -> None:
    begun = await _begun_at(clock, PollSchedule(clock, SETTINGS), 500)
    assert begun[: SETTINGS.connect_burst] == [0.0] * SETTINGS.connect_burst
    assert begun[-1] == pytest.approx((500 - SETTINGS.connect_burst) * SETTINGS.connect_gap_s)
    assert all(later - sooner <= SETTINGS.connect_gap_s * 1.01 for sooner, later in pairwise(begun))


async def test_after_a_pause_some_are_begun_at_once_again(clock: FakeClock) -> None:
    schedule = PollSchedule(clock, SETTINGS)
    await _begun_at(clock, schedule, 100)
    assert await _begun_at(clock, schedule, 3) == [0.0, 0.0, 0.0]


def _turns(clock: FakeClock, count: int) -> Iterator[HostTurns]:
    schedule = PollSchedule(clock, SETTINGS)
    for at in range(count):
        yield HostTurns(HostId(f"kvm-{at}"), schedule, SETTINGS)


def test_hosts_are_not_read_in_step(clock: FakeClock) -> None:
    at_s = [sum(turns.interval_s() for _ in range(100)) for turns in _turns(clock, 200)]
    assert len({round(one, 2) for one in at_s}) > 50
    assert all(0.95 * SETTINGS.poll_interval_s <= one / 100 <= SETTINGS.poll_interval_s for one in at_s)


def test_second_inventories_are_spread_over_the_interval_and_later_ones_regular(clock: FakeClock) -> None:
    all_turns, seconds_due, interval_s = list(_turns(clock, 300)), [], int(SETTINGS.inventory_interval_s)
    for turns in all_turns:
        assert turns.is_inventory_due(1000.0)
        turns.note_inventory(1000.0)
        seconds_due.append(next(at for at in range(interval_s + 1) if turns.is_inventory_due(1000.0 + at)))
        turns.note_inventory(2000.0)
        assert not turns.is_inventory_due(2000.0 + interval_s - 0.1)
        assert turns.is_inventory_due(2000.0 + interval_s)
    assert max(seconds_due.count(at) for at in range(interval_s + 1)) < 30


async def _live(clock: FakeClock, schedule: PollSchedule, *, late_s: float, for_s: int) -> None:
    for _ in range(for_s):
        await clock.advance(1)
        for _ in range(50):
            schedule.note_turn(late_s)


async def test_a_backend_that_falls_behind_reads_less_often_says_so_and_goes_back(clock: FakeClock) -> None:
    schedule = PollSchedule(clock, SETTINGS)
    await _live(clock, schedule, late_s=0.05, for_s=60)
    assert (schedule.interval_s, schedule.slowed) == (SETTINGS.poll_interval_s, "")
    await _live(clock, schedule, late_s=0.6, for_s=21)
    assert schedule.interval_s == pytest.approx(SETTINGS.poll_interval_s * 2.25)
    assert "every 4.5 s instead of every 2 s" in schedule.slowed
    await _live(clock, schedule, late_s=5.0, for_s=300)
    assert schedule.interval_s == pytest.approx(SETTINGS.poll_interval_s * 8)
    await _live(clock, schedule, late_s=0.0, for_s=300)
    assert (schedule.interval_s, schedule.slowed) == (SETTINGS.poll_interval_s, "")


async def test_one_late_turn_of_many_slows_nothing_down(clock: FakeClock) -> None:
    schedule = PollSchedule(clock, SETTINGS)
    schedule.note_turn(60.0)
    await _live(clock, schedule, late_s=0.0, for_s=30)
    assert schedule.slowed == ""


async def test_a_slowed_backend_is_told_by_its_status_and_by_an_alert(site: Site) -> None:
    await site.start()
    assert (await site.service.status(ALICE)).polling_slowed == ""
    await _live(site.clock, site.service._poll_schedule, late_s=5.0, for_s=12)
    assert "hosts are read every" in (await site.service.status(ALICE)).polling_slowed
    assert [alert.rule for alert in await site.alerts()] == [AlertRule.POLLING_SLOWED]
    await site.clock.advance(120)
    assert await site.alerts() == ()


async def test_hosts_that_are_read_in_time_are_never_late(site: Site) -> None:
    await site.start()
    await site.clock.advance(300)
    assert (await site.service.status(ALICE)).polling_slowed == ""
