"""Named failpoints: where they are, and what is done there."""

import asyncio
import subprocess
import sys

import pytest

from novacron.engine.failpoints import failpoint_of
from novacron.model.errors import ConfigError, JournalError

_HERE = "start/start:after-started"


def test_none_is_asked_for_by_an_empty_text() -> None:
    assert failpoint_of("") is None


def test_an_action_that_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="explode") as refusal:
        failpoint_of(f"{_HERE}=explode")
    assert "kill, error, pause" in refusal.value.remedy


async def test_an_error_comes_once_and_only_where_it_is_asked_for() -> None:
    reached = failpoint_of("start/*:after-started=error")
    assert reached is not None
    await reached("start/start:before-started")
    with pytest.raises(JournalError, match="start/start:after-started"):
        await reached(_HERE)
    await reached(_HERE)


async def test_a_pause_has_no_end() -> None:
    reached = failpoint_of(f"{_HERE}=pause")
    assert reached is not None
    paused = asyncio.ensure_future(reached(_HERE))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not paused.done()
    paused.cancel()


def test_a_kill_is_the_default_and_leaves_no_time_for_anything() -> None:
    program = f"""
import asyncio
from novacron.engine.failpoints import failpoint_of
try:
    asyncio.run(failpoint_of({_HERE!r})({_HERE!r}))
finally:
    print("cleaned up")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == -9
    assert not ended.stdout
