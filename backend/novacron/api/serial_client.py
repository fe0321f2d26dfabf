"""A VM's serial console over the backend's socket."""

from typing import Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from novacron.api.codec import OPENED
from novacron.api.problems import error_of


class RemoteSerial:
    """ports.hypervisor.SerialLink over a WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @classmethod
    async def opened(cls, connection: ClientConnection) -> Self:
        """Take over a connection once the backend says that the console is open; raises what it says otherwise."""
        first = await connection.recv()
        if first != OPENED:
            await connection.close()
            raise error_of(first)
        return cls(connection)

    async def read(self) -> bytes:
        """Return the next bytes; empty when it was closed."""
        try:
            data = await self._connection.recv()
        except ConnectionClosed:
            return b""
        return data.encode() if isinstance(data, str) else data

    async def write(self, data: bytes) -> None:
        """Send keystrokes; those after the end are lost."""
        try:
            await self._connection.send(data)
        except ConnectionClosed:
            return

    async def close(self) -> None:
        """Close it."""
        await self._connection.close()
