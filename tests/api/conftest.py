"""A backend's API on a real unix socket, and a client of it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from novacron.api.client import RemoteConsole
from novacron.api.server import ApiServer
from novacron.ports.console import Console
from tests.api.puppet import PuppetConsole


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """A short path in a private folder: pytest's own can be too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        yield Path(folder) / "s"


@asynccontextmanager
async def serving(console: Console, path: Path) -> AsyncIterator[ApiServer]:
    """Serve a Console until the block ends."""
    server, listening = ApiServer(console, path), asyncio.Event()
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
    """Wait for something that no event tells, five seconds at the longest."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to pass")


@pytest.fixture
async def puppet(socket_path: Path) -> AsyncIterator[PuppetConsole]:
    """A console that does as the test says, being served."""
    console = PuppetConsole()
    async with serving(console, socket_path):
        yield console


@pytest.fixture
async def remote(socket_path: Path) -> AsyncIterator[RemoteConsole]:
    """A client of whatever is served."""
    client = RemoteConsole(socket_path)
    yield client
    await client.close()
