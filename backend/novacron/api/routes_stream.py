"""The stream: everything once, then what changes, to each client at its own speed."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from novacron import __version__
from novacron.api.caller import caller_of
from novacron.api.codec import RESYNC, Hello, to_json
from novacron.api.fleet_feed import FleetFeed
from novacron.api.list_feed import ListFeed
from novacron.model.alert.alert import Alert
from novacron.model.operation import Operation
from novacron.ports.backend import AlertsChanged, Backend, FleetChanged, OperationsChanged


class Feeds:
    """What all clients of one backend are sent."""

    def __init__(self) -> None:
        self.fleet = FleetFeed()
        self.operations: ListFeed[Operation] = ListFeed("operations", Operation, lambda one: one.id)
        self.alerts: ListFeed[Alert] = ListFeed("alerts", Alert, lambda one: one.key)


def stream_routes(backend: Backend) -> APIRouter:
    """Return the WebSocket endpoint of the stream."""
    routes = APIRouter(prefix="/v1")
    feeds = Feeds()

    @routes.websocket("/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        while await _until_asked_again(socket, _send_changes(socket, backend, feeds)):
            pass

    return routes


async def _send_changes(socket: WebSocket, backend: Backend, feeds: Feeds) -> None:
    """Send everything, then what changes.

    While a send waits for a slow client, the hub keeps only the newest of each kind.
    """
    caller = caller_of(socket)
    consoles = (await backend.status(caller)).consoles + 1
    await socket.send_text(_hello(consoles))
    fleet: int | None = None
    operations: int | None = None
    alerts: int | None = None
    async for change in backend.changes(caller):
        # Made before anything is waited for: what was taken may be old afterwards, and each feed tells all clients.
        match change:
            case FleetChanged():
                frames = feeds.fleet.messages(fleet, change.fleet)
                fleet = feeds.fleet.step
            case OperationsChanged():
                frames = [*feeds.operations.messages(operations, change.operations)]
                operations = feeds.operations.step
            case AlertsChanged():
                frames = [*feeds.alerts.messages(alerts, change.alerts)]
                alerts = feeds.alerts.step
            case _:
                frames = []
        # Who came or left is told with the next news: an operator wants to know that he is not alone.
        told, consoles = consoles, (await backend.status(caller)).consoles
        if consoles != told:
            await socket.send_text(_hello(consoles))
        for frame in frames:
            await (socket.send_text(frame) if isinstance(frame, str) else socket.send_bytes(frame))
            # A send to a client that keeps up does not wait: let the hosts have their turn.
            await asyncio.sleep(0)


def _hello(consoles: int) -> str:
    return to_json(Hello(version=__version__, consoles=consoles))


async def _until_asked_again(socket: WebSocket, sending: Coroutine[Any, Any, None]) -> bool:
    """Send until the client asks for everything anew (True) or is gone (False).

    A send to a client that never reads would wait for ever.
    """
    sender = asyncio.ensure_future(sending)
    listener = asyncio.ensure_future(_listen(socket))
    try:
        await asyncio.wait({sender, listener}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sender, listener):
            task.cancel()
        outcomes = await asyncio.gather(sender, listener, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect | RuntimeError):
                raise outcome
    return outcomes[1] is True


async def _listen(socket: WebSocket) -> bool:
    """Wait until the client asks for everything anew (True) or is gone (False); whatever else it says is not for us."""
    while (said := await socket.receive())["type"] != "websocket.disconnect":
        if said.get("text") == RESYNC:
            return True
    return False
