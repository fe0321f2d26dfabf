"""A backend's API on a real unix socket, served for as long as a test needs it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from novacron.api.server import ApiServer
from novacron.ports.backend import Backend


@asynccontextmanager
async def serving(backend: Backend, path: Path) -> AsyncIterator[ApiServer]:
    """Serve a backend until the block ends."""
    server, listening = ApiServer(backend, path), asyncio.Event()
    task = asyncio.create_task(server.serve(listening.set))
    waiting = asyncio.create_task(listening.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield server
    finally:
        server.stop()
        await task


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for something that no event tells, a minute at the longest."""
    for _ in range(12000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it has not happened within a minute")
