"""The whole port."""

from typing import Protocol

from novacron.ports.backend.commands import Commands
from novacron.ports.backend.queries import Queries
from novacron.ports.backend.sessions import Sessions


class Backend(Queries, Commands, Sessions, Protocol):
    """The backend, as its clients see it.

    Every method may raise BackendError when the backend cannot be reached. Nothing here blocks on a host for
    longer than the deadline of the call underneath.

    Every method takes the Caller first. Over a socket it is not sent: the server takes the peer's own identity, as the
    kernel tells it, whatever a client says of itself.
    """

    async def close(self) -> None:
        """Let go of the backend; it goes on."""
