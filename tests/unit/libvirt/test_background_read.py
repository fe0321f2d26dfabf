"""Readings in the background: one at a time, waited for with a limit, and heard of when they fail."""

import asyncio

import pytest

from novacron.adapters.libvirt.background_read import BackgroundRead


async def test_a_reading_under_way_is_not_started_again_and_keeps_nobody():
    begun = 0
    answer = asyncio.Event()

    async def read() -> None:
        nonlocal begun
        begun += 1
        await answer.wait()

    reading = BackgroundRead("reading pools")
    await reading.wait(60)
    for _ in range(3):
        reading.start(read)
        await reading.wait(0)
    assert (begun, reading.is_under_way) == (1, True)
    answer.set()
    await reading.wait(60)
    assert not reading.is_under_way
    reading.start(read)
    await reading.wait(60)
    assert begun == 2


async def test_a_reading_that_fails_unforeseen_is_in_the_log_at_once(caplog: pytest.LogCaptureFixture):
    async def read() -> None:
        raise ValueError("no mountinfo")

    reading = BackgroundRead("looking at files")
    reading.start(read)
    await reading.wait(60)
    assert "looking at files failed" in caplog.text
    assert "ValueError: no mountinfo" in caplog.text


async def test_a_reading_that_is_let_go_is_no_failure(caplog: pytest.LogCaptureFixture):
    reading = BackgroundRead("reading pools")
    reading.cancel()
    reading.start(lambda: asyncio.sleep(60))
    reading.cancel()
    await reading.wait(60)
    assert not reading.is_under_way
    assert caplog.text == ""
