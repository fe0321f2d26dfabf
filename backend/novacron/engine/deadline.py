"""An end to waiting, by the engine's own clock: the second fence, should an adapter miss its deadline."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from novacron.model.errors import DeadlineExceeded
from novacron.ports.clock import Clock

T = TypeVar("T")


async def within(clock: Clock, seconds: float, work: Coroutine[Any, Any, T], *, subject: str, what: str) -> T:
    """Await `work` for at most that long, then abandon it.

    Raises:
        DeadlineExceeded: it did not end in time.
    """
    task = asyncio.ensure_future(work)
    alarm = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({task, alarm}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise DeadlineExceeded(subject, f"{what} was not answered within {seconds:g} s")
        return task.result()
    finally:
        alarm.cancel()
        task.cancel()


async def first_of(clock: Clock, seconds: float, *events: asyncio.Event) -> bool:
    """Wait that long or until one of the events is set; return whether one is."""
    if any(event.is_set() for event in events):
        return True
    waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(event.wait()) for event in events]
    waits.append(asyncio.ensure_future(clock.sleep(seconds)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return any(event.is_set() for event in events)
