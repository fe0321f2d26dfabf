"""Reading one connection of the stream: what came is taken into the mirror, and what is missing is asked for again."""

import asyncio
from collections.abc import AsyncIterator

from websockets.asyncio.client import ClientConnection

from novacron.api.codec import RESYNC
from novacron.api.fleet_mirror import FleetMirror, OutOfStep, messages_of
from novacron.ports.backend import BackendChange, BackendFound


class StreamReader:
    """What one connection has told; asks for everything anew where a message is missing."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._mirror = FleetMirror()
        self._asked_again = False

    async def take(self, received: str | bytes) -> AsyncIterator[BackendChange]:
        """Yield what changed with what was received.

        Raises:
            BackendError: the backend speaks another protocol, or what it says makes no sense.
        """
        for text in messages_of(received):
            change = await self._take_one(text)
            if change is not None:
                yield change
            else:
                # Parts that are here already are read without a pause: let the console take its keys.
                await asyncio.sleep(0)

    async def _take_one(self, text: str | bytes) -> BackendChange | None:
        try:
            change = self._mirror.take(text)
        except OutOfStep:
            # What is on its way already is passed over until everything comes anew, hello first.
            if not self._asked_again:
                self._mirror, self._asked_again = FleetMirror(), True
                await self._connection.send(RESYNC)
            return None
        self._asked_again = self._asked_again and not isinstance(change, BackendFound)
        return change
