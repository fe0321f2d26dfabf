"""The stream: a snapshot of everything, then what differs from what this client was last sent."""

import asyncio
from collections.abc import Coroutine, Iterator
from itertools import islice
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from novacron import __version__
from novacron.api.caller import caller_of
from novacron.api.codec import AlertList, FleetPart, Hello, OperationList, to_json
from novacron.model.fleet import Fleet, Host
from novacron.model.ids import HostId
from novacron.ports.backend import AlertsChanged, Backend, FleetChanged, OperationsChanged

_HOSTS_A_PART = 50
"""Hosts in one message: reading them takes a client some 30 ms, in which it cannot take a key."""


def stream_routes(backend: Backend) -> APIRouter:
    """Return the WebSocket endpoint of the stream."""
    routes = APIRouter(prefix="/v1")

    @routes.websocket("/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await _until_gone(socket, _send_changes(socket, backend))

    return routes


class Delta:
    """What one client was last sent, host by host: an unchanged host is the same object in the next fleet."""

    def __init__(self) -> None:
        self._sent: dict[HostId, Host] = {}

    def parts(self, fleet: Fleet) -> Iterator[FleetPart]:
        """Yield what brings the client to this fleet; at least one part, of which the last one says so."""
        changed = iter([host for host in fleet.hosts.values() if self._sent.get(host.id) is not host])
        self._sent = dict(fleet.hosts)
        part = list(islice(changed, _HOSTS_A_PART))
        while following := list(islice(changed, _HOSTS_A_PART)):
            yield FleetPart(revision=fleet.revision, order=[], changed=part, last=False)
            part = following
        yield FleetPart(revision=fleet.revision, order=list(fleet.hosts), changed=part, last=True)


async def _send_changes(socket: WebSocket, backend: Backend) -> None:
    """Send what changes. While a send waits for a slow client, the hub keeps only the newest of each kind."""
    caller = caller_of(socket)
    consoles = (await backend.status(caller)).consoles + 1
    await socket.send_text(to_json(Hello(version=__version__, consoles=consoles)))
    delta = Delta()
    async for change in backend.changes(caller):
        # Who came or left is told with the next news: an operator wants to know that he is not alone.
        told, consoles = consoles, (await backend.status(caller)).consoles
        if consoles != told:
            await socket.send_text(to_json(Hello(version=__version__, consoles=consoles)))
        match change:
            case FleetChanged():
                for part in delta.parts(change.fleet):
                    await socket.send_text(to_json(part))
                    # A send to a client that keeps up does not wait: let the hosts have their turn.
                    await asyncio.sleep(0)
            case OperationsChanged():
                await socket.send_text(to_json(OperationList(operations=change.operations)))
            case AlertsChanged():
                await socket.send_text(to_json(AlertList(alerts=change.alerts)))


async def _until_gone(socket: WebSocket, sending: Coroutine[Any, Any, None]) -> None:
    """Send until the client is gone: a send to a client that never reads would wait for ever."""
    sender = asyncio.ensure_future(sending)
    listener = asyncio.ensure_future(_listen(socket))
    try:
        await asyncio.wait({sender, listener}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sender, listener):
            task.cancel()
        for outcome in await asyncio.gather(sender, listener, return_exceptions=True):
            if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect | RuntimeError):
                raise outcome


async def _listen(socket: WebSocket) -> None:
    """Wait for the client's end; whatever else it says is not for us."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
