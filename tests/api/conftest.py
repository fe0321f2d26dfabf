"""A backend's API on a real unix socket, and a client of it."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from novacron.api.client import RemoteBackend
from novacron.api.server import ApiServer
from novacron.ports.backend import Backend
from novacron.runtime import is_answering
from tests.api.backend_ground import Ground, fresh_ground, until
from tests.api.puppet import PuppetConsole


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """A short path in a private folder: pytest's own can be too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        yield Path(folder) / "s"


@asynccontextmanager
async def serving(console: Backend, path: Path) -> AsyncIterator[ApiServer]:
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
    """Wait for something that no event tells, a minute at the longest."""
    for _ in range(12000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to pass")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def _served() -> AsyncIterator[tuple[PuppetConsole, Path]]:
    """One server for a whole module: ending one takes two tenths of a second."""
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        console = PuppetConsole()
        async with serving(console, Path(folder) / "s"):
            yield console, Path(folder) / "s"


@pytest.fixture
def puppet(_served: tuple[PuppetConsole, Path]) -> PuppetConsole:
    """Give the console that is served, as good as new. Its module's tests share one event loop."""
    _served[0].reset()
    return _served[0]


@pytest.fixture
def puppet_socket(_served: tuple[PuppetConsole, Path]) -> Path:
    """Give the path on which the puppet is served."""
    return _served[1]


@pytest_asyncio.fixture(loop_scope="module")
async def remote(puppet_socket: Path) -> AsyncIterator[RemoteBackend]:
    """Give a client of the puppet."""
    client = RemoteBackend(puppet_socket)
    yield client
    await client.close()


@pytest.fixture
def ground() -> Iterator[Ground]:
    """Give a ground of the test's own."""
    with fresh_ground() as made:
        yield made


@pytest.fixture(scope="module")
def orphaned() -> Iterator[Ground]:
    """Give a ground whose backend was started by a command, with all of whose session was then killed."""
    with fresh_ground() as made:
        starter = made.start("vms")
        until(lambda: is_answering(made.paths.socket))
        os.killpg(starter.pid, signal.SIGKILL)
        starter.communicate()
        yield made
