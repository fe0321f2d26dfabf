"""The backend, as its clients see it: console, command line and API are given one port, in process or over the socket.

Each method takes the Caller who asks. `queries` read, `commands` act, `sessions` stay open: the stream of changes and
serial consoles. Backend is all three.
"""

from novacron.ports.backend.backend import Backend
from novacron.ports.backend.changes import (
    AlertsChanged,
    BackendChange,
    BackendFound,
    BackendLost,
    FleetChanged,
    OperationsChanged,
)
from novacron.ports.backend.commands import Commands
from novacron.ports.backend.queries import Queries
from novacron.ports.backend.sessions import Sessions
from novacron.ports.backend.status import BackendStatus

__all__ = [
    "AlertsChanged",
    "Backend",
    "BackendChange",
    "BackendFound",
    "BackendLost",
    "BackendStatus",
    "Commands",
    "FleetChanged",
    "OperationsChanged",
    "Queries",
    "Sessions",
]
