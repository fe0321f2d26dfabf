"""The clock other tests trust: sleepers wake in order, at their time, and a standstill is noticed."""

import asyncio

import pytest

from tests.fake_clock import START, FakeClock


async def test_sleepers_wake_in_order_and_at_their_time() -> None:
    clock, woken = FakeClock(), []

    async def sleeper(name: str, seconds: float) -> None:
        for _ in range(2):
            await clock.sleep(seconds)
            woken.append((name, round(clock.monotonic() - 1000, 3)))

    tasks = [asyncio.create_task(sleeper("slow", 1.5)), asyncio.create_task(sleeper("fast", 1.0))]
    await clock.advance(1.25)
    assert woken == [("fast", 1.0)]
    await clock.advance(10)
    assert woken == [("fast", 1.0), ("slow", 1.5), ("fast", 2.0), ("slow", 3.0)]
    assert (clock.now() - START).total_seconds() == pytest.approx(11.25)
    await asyncio.gather(*tasks)


async def test_nothing_moves_without_the_test() -> None:
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep(0.001))
    await asyncio.sleep(0.01)
    assert not task.done()
    assert clock.sleeping == 1
    await clock.advance(0.001)
    assert task.done()


async def test_run_returns_results_and_errors_and_stops_at_its_limit() -> None:
    clock = FakeClock()

    async def slow(result: int) -> int:
        await clock.sleep(60)
        if result < 0:
            raise ValueError(result)
        return result

    assert await clock.run(slow(5)) == 5
    with pytest.raises(ValueError, match="-1"):
        await clock.run(slow(-1))
    with pytest.raises(AssertionError, match="did not hold"):
        await clock.run(slow(1), limit_s=59)
    assert clock.monotonic() == pytest.approx(1000 + 120)


async def test_a_wait_lost_to_rounding_still_ends() -> None:
    clock = FakeClock()
    await clock.advance(123_456.7)
    for _ in range(100):
        await clock.run(clock.sleep(1e-300))
    assert clock.monotonic() > 124_456.7


async def test_flowing_time_passes_by_itself() -> None:
    clock = FakeClock()
    async with clock.flowing():
        await clock.sleep(86_400)
    assert clock.monotonic() >= 87_400


async def test_what_spins_without_sleeping_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fake_clock._MAX_ROUNDS", 1000)

    async def spin() -> None:
        while True:  # noqa: ASYNC110 - spinning is the point
            await asyncio.sleep(0)

    task = asyncio.create_task(spin())
    with pytest.raises(AssertionError, match="spins"):
        await FakeClock().advance(1)
    task.cancel()
