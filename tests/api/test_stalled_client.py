"""What one client has in hand while it takes nothing more is shown to no other client."""

import asyncio
from types import SimpleNamespace

import pytest

from novacron.api.routes_stream import Feeds, _send_changes
from tests.builders import a_fleet, a_host
from tests.callers import ALICE
from tests.support.stub_backend import StubBackend

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PATIENCE_S = 5.0


class _StalledSocket:
    """A client's end that takes nothing more once it was sent everything."""

    def __init__(self):
        self.client = SimpleNamespace(host="alice")
        self.is_stalled, self.stalled, self.goes_on = False, asyncio.Event(), asyncio.Event()

    async def send_text(self, text):
        if self.is_stalled:
            self.stalled.set()
            await self.goes_on.wait()

    send_bytes = send_text


async def _turns():
    """Let everybody go on until all wait."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_client_that_stalls_with_an_older_fleet_shows_it_to_nobody_again():
    feeds, socket, told = Feeds(), _StalledSocket(), StubBackend()
    sending = asyncio.create_task(_send_changes(socket, told, feeds))
    await _turns()
    assert feeds.fleet.step == 1
    other = told.changes(ALICE)  # One more reader: a hello goes before the next fleet.
    await anext(other)
    socket.is_stalled = True
    told.show(a_fleet(a_host("kvm-1"), revision=2))
    async with asyncio.timeout(_PATIENCE_S):
        await socket.stalled.wait()
    newer = a_fleet(a_host("kvm-1"), a_host("kvm-2"), revision=3)
    feeds.fleet.messages(None, newer)
    step = feeds.fleet.step

    socket.goes_on.set()
    await _turns()
    assert feeds.fleet.step == step
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await other.aclose()
