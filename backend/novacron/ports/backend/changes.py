"""What the stream of changes tells: whole snapshots, each of which may replace an older one of its kind."""

from dataclasses import dataclass, field
from datetime import datetime

from novacron.model.alert.alert import Alert
from novacron.model.fleet import Fleet
from novacron.model.ids import HostId
from novacron.model.operation import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetChanged:
    """The whole fleet at a newer revision: may replace an older one that was not looked at yet."""

    fleet: Fleet
    changed_hosts: frozenset[HostId] | None = field(default=None, compare=False)
    """Hosts that are new or changed since the FleetChanged before this one of the same stream; None: any may be.

    Who drops one unread has to add its hosts to the next one's. Which hosts are gone, the fleet says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsChanged:
    """All operations worth showing, newest first: may replace an older one."""

    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsChanged:
    """All alerts that hold, worst and newest first, then those cleared lately: may replace an older one."""

    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendLost:
    """The line to the backend broke; what is shown is as of `since`. Reconnecting goes on for ever."""

    since: datetime
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendFound:
    """The connection to the backend is up (again); full snapshots follow."""

    version: str
    consoles: int
    """How many consoles are attached, this one included."""


BackendChange = FleetChanged | OperationsChanged | AlertsChanged | BackendLost | BackendFound
