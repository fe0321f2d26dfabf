"""A VM's serial console over a WebSocket: bytes both ways, and a Problem as text when it ends for a reason."""

import asyncio
from contextlib import suppress

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from novacron.api.caller import caller_of
from novacron.api.codec import ERROR_CODE, SERIAL_OPENED, to_json
from novacron.api.problems import problem_of
from novacron.api.requests import serial_parameters, vm_id
from novacron.model.errors import NovaCronError
from novacron.ports.backend import Backend
from novacron.ports.hypervisor import SerialLink


def serial_routes(backend: Backend) -> APIRouter:
    """Return the WebSocket endpoint of serial consoles."""
    routes = APIRouter(prefix="/v1")

    @routes.websocket("/vms/{vm}/serial")
    async def serial(socket: WebSocket, vm: str) -> None:
        await socket.accept()
        with suppress(WebSocketDisconnect, RuntimeError):
            try:
                wanted = vm_id(vm)
                host, force = serial_parameters(socket.query_params)
                link = await backend.open_serial(caller_of(socket), wanted, host, force=force)
                try:
                    await socket.send_text(SERIAL_OPENED)
                    await _join(socket, link)
                finally:
                    await link.close()
            except NovaCronError as error:
                await socket.send_text(to_json(problem_of(error)))
                await socket.close(code=ERROR_CODE)
            else:
                await socket.close()

    return routes


async def _join(socket: WebSocket, link: SerialLink) -> None:
    """Carry bytes until either side ends. Raises what ended the link, if it was an error."""
    tasks = [asyncio.ensure_future(_show(socket, link)), asyncio.ensure_future(_type(socket, link))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, NovaCronError):
            raise outcome


async def _show(socket: WebSocket, link: SerialLink) -> None:
    while data := await link.read():
        await socket.send_bytes(data)


async def _type(socket: WebSocket, link: SerialLink) -> None:
    while (message := await socket.receive())["type"] != "websocket.disconnect":
        if data := message.get("bytes"):
            await link.write(data)
