"""The WebSockets: everything that changes, and a VM's serial console."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from novacron import __version__
from novacron.api.codec import OPENED, AlertList, FleetPart, Hello, OperationList, to_json
from novacron.api.problems import problem_of
from novacron.model.errors import NovaCronError
from novacron.model.fleet import Fleet, Host
from novacron.model.ids import HostId, VmId
from novacron.ports.console import AlertsChanged, Console, FleetChanged, OperationsChanged
from novacron.ports.hypervisor import SerialLink


def stream_routes(console: Console) -> APIRouter:
    """Return the WebSocket endpoints."""
    routes = APIRouter(prefix="/v1")

    @routes.websocket("/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        status = await console.status()
        await socket.send_text(to_json(Hello(version=__version__, consoles=status.consoles + 1)))
        await _until_gone(socket, _send_changes(socket, console))

    @routes.websocket("/vms/{vm}/serial")
    async def serial(socket: WebSocket, vm: str, host: str, force: bool = False) -> None:
        await socket.accept()
        try:
            link = await console.open_serial(VmId(vm), HostId(host), force=force)
        except NovaCronError as error:
            await socket.send_text(to_json(problem_of(error)))
            await socket.close(code=4000)
            return
        await socket.send_text(OPENED)
        try:
            await _join(socket, link)
        finally:
            await link.close()

    return routes


class _Delta:
    """What one client was last sent, host by host: unchanged hosts are the same objects in the next fleet."""

    def __init__(self) -> None:
        self._sent: dict[HostId, Host] = {}

    def next(self, fleet: Fleet) -> FleetPart:
        changed = [host for host in fleet.hosts.values() if self._sent.get(host.id) is not host]
        self._sent = dict(fleet.hosts)
        return FleetPart(revision=fleet.revision, order=list(fleet.hosts), changed=changed)


async def _send_changes(socket: WebSocket, console: Console) -> None:
    """Send what changes. While a send waits for a slow client, the hub keeps only the newest of each kind."""
    delta = _Delta()
    async for change in console.changes():
        match change:
            case FleetChanged():
                await socket.send_text(to_json(delta.next(change.fleet)))
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
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()


async def _join(socket: WebSocket, link: SerialLink) -> None:
    async def show() -> None:
        while data := await link.read():
            await socket.send_bytes(data)

    async def typed() -> None:
        with suppress(WebSocketDisconnect):
            while True:
                await link.write(await socket.receive_bytes())

    tasks = {asyncio.ensure_future(show()), asyncio.ensure_future(typed())}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(RuntimeError, WebSocketDisconnect):
            await socket.close()
