"""The one subscriber to the backend port: turns its changes into messages, the latest winning over those before.

Nothing else in the console reads the stream. It runs on the app's own loop, so no thread has to call another.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from textual.message import Message

from novacron.model.caller import Caller
from novacron.model.errors import NovaCronError
from novacron.ports import backend as port
from novacron.ports.backend import Backend

_RETRY_S = 1.0
_STATUS_S = 5.0
"""Seconds between two questions to the backend about itself."""


class Changed(Message):
    """A snapshot that makes an older one of its kind superfluous."""

    def __init__(self, change: port.BackendChange) -> None:
        super().__init__()
        self.change = change

    def can_replace(self, message: Message) -> bool:
        """Tell whether an unhandled older message may be dropped for this one."""
        return type(message) is type(self)


class FleetChanged(Changed):
    """The fleet at a newer revision."""


class OperationsChanged(Changed):
    """The operations."""


class AlertsChanged(Changed):
    """The alerts."""


class StatusRead(Message):
    """What the backend says of itself."""

    def __init__(self, status: port.BackendStatus) -> None:
        super().__init__()
        self.status = status


class BackendLost(Changed):
    """The connection to the backend broke."""


class BackendFound(Changed):
    """The connection to the backend is up, for the first time or again."""


@dataclass(slots=True)
class Bridge:
    """Reads the stream for as long as the console runs."""

    backend: Backend
    caller: Caller
    post: Callable[[Message], object]
    now: Callable[[], datetime]
    _tasks: "tuple[asyncio.Task[None], ...]" = ()
    _connected: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while the backend is there."""

    def start(self) -> None:
        """Begin reading."""
        self._tasks = (
            asyncio.create_task(self._run(), name="bridge"),
            asyncio.create_task(self._follow_status(), name="status"),
        )

    async def stop(self) -> None:
        """Stop reading."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def read_status(self) -> None:
        """Ask the backend about itself; that it cannot be asked is told by the stream."""
        try:
            self.post(StatusRead(await self.backend.status(self.caller)))
        except Exception:  # noqa: BLE001 - a status that cannot be read must not end the console's only question for it
            return

    async def _follow_status(self) -> None:
        while True:
            await self._connected.wait()  # A backend that is lost is waited for by the stream alone.
            await self.read_status()
            await asyncio.sleep(_STATUS_S)

    async def _run(self) -> None:
        while True:
            cause = "the stream of changes ended"
            try:
                async for change in self.backend.changes(self.caller):
                    self.post(_message(change))
                    if isinstance(change, port.BackendFound):
                        self._connected.set()
                    elif isinstance(change, port.BackendLost):
                        self._connected.clear()
            except NovaCronError as error:
                cause = str(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the console must not stand still in silence
                cause = f"unforeseen: {type(error).__name__}: {error}"
            self._connected.clear()
            self.post(BackendLost(port.BackendLost(since=self.now(), cause=cause)))
            await asyncio.sleep(_RETRY_S)


def _message(change: port.BackendChange) -> Message:
    match change:
        case port.FleetChanged():
            return FleetChanged(change)
        case port.OperationsChanged():
            return OperationsChanged(change)
        case port.AlertsChanged():
            return AlertsChanged(change)
        case port.BackendLost():
            return BackendLost(change)
        case port.BackendFound():
            return BackendFound(change)
