"""A backend's API on a real unix socket, and a client of it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from novacron.api.client import RemoteConsole
from novacron.api.server import ApiServer
from novacron.ports.console import Console
from tests.api.puppet import PuppetConsole

Serving = Callable[[Console], AbstractAsyncContextManager[ApiServer]]


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """A short path in a private folder: pytest's own can be too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        yield Path(folder) / "s"


@asynccontextmanager
async def serving(console: Console, path: Path) -> AsyncIterator[ApiServer]:
    """Serve a Console until the block ends."""
    server = ApiServer(console, path)
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(5):
            while not (path.is_socket() and await _answers(path)):
                if task.done():
                    task.result()
                await asyncio.sleep(0.005)
        yield server
    finally:
        server.stop()
        await task


async def _answers(path: Path) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(path)
    except OSError:
        return False
    writer.close()
    return True


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
