"""A clock the test moves: hours of fleet time in milliseconds, and the same order of events every time.

Nothing here knows the engine. A sleeper wakes when the clock reaches its time and never before; between two
wake-ups the event loop runs until nothing is ready, so what a sleeper does is seen by the next one.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TypeVar

T = TypeVar("T")
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_MAX_ROUNDS = 100_000


class FakeClock:
    """A Clock (ports.clock) that stands still until it is moved."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed = 0.0
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """Return the wall clock."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Return seconds since the clock was made, plus 1,000: never near zero."""
        return 1000.0 + self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was moved that far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + max(seconds, 1e-6), next(self._order), waker))
        await waker

    @property
    def sleeping(self) -> int:
        """How many wait on this clock."""
        return sum(not waker.done() for _, _, waker in self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Let that much time pass, waking every sleeper in its turn."""
        until = self._elapsed + seconds
        await settle()
        while self._wake_next(until):
            await settle()
        self._elapsed = until
        await settle()

    async def run_until(self, condition: Callable[[], bool], *, limit_s: float = 3600.0) -> float:
        """Let time pass until the condition holds; return how many seconds that took.

        Raises AssertionError when it does not hold within `limit_s`, or when nobody sleeps any more.
        """
        began = self._elapsed
        await settle()
        while not condition():
            if not self._wake_next(began + limit_s) and not await _somebody_outside_acts(condition):
                msg = f"the condition did not hold within {limit_s} s of virtual time"
                raise AssertionError(msg)
            await settle()
        return self._elapsed - began

    async def run(self, work: Awaitable[T], *, limit_s: float = 3600.0) -> T:
        """Let time pass until `work` is done; return its result or raise its error."""
        task = asyncio.ensure_future(work)
        try:
            await self.run_until(task.done, limit_s=limit_s)
        finally:
            if not task.done():
                task.cancel()
        return await task

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Let time pass by itself, as fast as the event loop runs dry, while the block runs."""
        flow = asyncio.create_task(self._flow())
        try:
            yield
        finally:
            flow.cancel()
            await asyncio.gather(flow, return_exceptions=True)

    async def _flow(self) -> None:
        while True:
            await settle()
            if not self._wake_next(float("inf")):
                await asyncio.sleep(0.001)

    def _wake_next(self, until: float) -> bool:
        while self._sleepers and self._sleepers[0][0] <= until:
            at, _, waker = heapq.heappop(self._sleepers)
            if not waker.done():
                self._elapsed = max(self._elapsed, at)
                waker.set_result(None)
                return True
        return False


async def settle() -> None:
    """Let the event loop run until nothing but I/O and timers could wake it."""
    ready = getattr(asyncio.get_running_loop(), "_ready", None)
    for _ in range(_MAX_ROUNDS):
        await asyncio.sleep(0)
        if ready is not None and not ready:
            return
    msg = "the event loop never came to rest: something spins without sleeping"
    raise AssertionError(msg)


async def _somebody_outside_acts(condition: Callable[[], bool]) -> bool:
    """Give worker threads and sockets up to two real seconds when nobody waits on the fake clock."""
    for _ in range(200):
        await asyncio.sleep(0.01)
        if condition():
            return True
    return False
