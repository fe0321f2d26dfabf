"""The fleet as one client has been told: put together from the stream's parts."""

from types import MappingProxyType

from novacron.api.codec import PROTOCOL, AlertList, FleetPart, Hello, OperationList, stream_message
from novacron.api.problems import other_version
from novacron.model.errors import BackendError
from novacron.model.fleet import Fleet, Host
from novacron.model.ids import HostId
from novacron.ports.backend import AlertsChanged, BackendChange, BackendFound, FleetChanged, OperationsChanged


class FleetMirror:
    """What one stream has told so far. Hosts that did not change stay the same objects from fleet to fleet."""

    def __init__(self) -> None:
        self._hosts: dict[HostId, Host] = {}

    def take(self, text: str | bytes) -> BackendChange | None:
        """Take the next message; returns what changed, or None while a fleet is not complete.

        Raises:
            BackendError: the backend speaks another protocol, or what it says makes no sense.
        """
        try:
            message = stream_message(text)
        except ValueError as error:
            raise BackendError(
                "backend", f"its message was not understood: {str(error)[:200]}", "is it of another version?"
            ) from error
        match message:
            case Hello():
                if message.protocol != PROTOCOL:
                    raise other_version(message.protocol, message.version)
                return BackendFound(version=message.version, consoles=message.consoles)
            case FleetPart():
                return self._take_fleet(message)
            case OperationList():
                return OperationsChanged(operations=message.operations)
            case AlertList():
                return AlertsChanged(alerts=message.alerts)

    def _take_fleet(self, part: FleetPart) -> FleetChanged | None:
        known = self._hosts | {host.id: host for host in part.changed}
        if not part.last:
            self._hosts = known
            return None
        self._hosts = {host_id: known[host_id] for host_id in part.order}
        return FleetChanged(fleet=Fleet(revision=part.revision, hosts=MappingProxyType(self._hosts)))
