"""A stub of a backend behind a real API server, and a client of it."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from novacron.api.client import RemoteBackend
from tests.support.api_server import serving
from tests.support.stub_backend import StubBackend


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def _served() -> AsyncIterator[tuple[StubBackend, Path]]:
    """One server for a whole module: ending one takes two tenths of a second."""
    with tempfile.TemporaryDirectory(prefix="nc-") as folder:
        backend = StubBackend()
        async with serving(backend, Path(folder) / "s"):
            yield backend, Path(folder) / "s"


@pytest.fixture
def stub(_served: tuple[StubBackend, Path]) -> StubBackend:
    """Give the backend that is served, as good as new. Its module's tests share one event loop."""
    _served[0].reset()
    return _served[0]


@pytest.fixture
def stub_socket(_served: tuple[StubBackend, Path]) -> Path:
    """Give the path on which the stub is served."""
    return _served[1]


@pytest_asyncio.fixture(loop_scope="module")
async def remote(stub_socket: Path) -> AsyncIterator[RemoteBackend]:
    """Give a client of the stub."""
    client = RemoteBackend(stub_socket)
    yield client
    await client.close()
