"""A VM's serial console over the backend's socket."""

from typing import Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from novacron.api.codec import SERIAL_OPENED
from novacron.api.problems import error_of
from novacron.model.errors import BackendError


class RemoteSerial:
    """ports.hypervisor.SerialLink over a WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    @classmethod
    async def opened(cls, connection: ClientConnection) -> Self:
        """Take over a connection once the backend says that the console is open; raises what it says otherwise."""
        try:
            first = await connection.recv()
        except ConnectionClosed as error:
            raise BackendError("backend", "it went away", "novacron status tells more") from error
        except BaseException:
            # Whoever wanted it has left. Kept open it would hold the console, and nobody else could open it.
            connection.transport.abort()
            raise
        if first != SERIAL_OPENED:
            await connection.close()
            raise error_of(first)
        return cls(connection)

    async def read(self) -> bytes:
        """Return the next bytes; empty when it was closed. Raises why it ended, when the backend says so."""
        try:
            data = await self._connection.recv()
        except ConnectionClosed:
            return b""
        if isinstance(data, str):
            raise error_of(data)
        return data

    async def write(self, data: bytes) -> None:
        """Send keystrokes; those after the end are lost."""
        try:
            await self._connection.send(data)
        except ConnectionClosed:
            return

    async def close(self) -> None:
        """Close it."""
        await self._connection.close()
