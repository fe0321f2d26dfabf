"""What one client has been told: fleet, operations and alerts, put together from the stream's messages.

What did not change stays the same object from one change to the next: a host, its VMs, an operation.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from novacron.api.codec import (
    PROTOCOL,
    AlertList,
    Hello,
    OperationList,
    Resync,
    kind_of,
    stream_message,
)
from novacron.api.fleet_wire import FleetMessage, diff_of, read_fleet_message, unbundled
from novacron.api.problems import other_version
from novacron.model.alert.alert import Alert
from novacron.model.errors import BackendError
from novacron.model.fleet import Fleet, Host, HostTable
from novacron.model.fleet_diff import UnknownPart, host_after
from novacron.model.ids import HostId
from novacron.model.operation import Operation
from novacron.ports.backend import AlertsChanged, BackendChange, BackendFound, FleetChanged, OperationsChanged

T = TypeVar("T")


class OutOfStep(Exception):
    """A message follows one that was not received: everything has to be asked for anew."""


def messages_of(received: str | bytes) -> list[str] | list[bytes]:
    """Return the messages of what was received: one, or those of a bundle.

    Raises:
        BackendError: it makes no sense.
    """
    try:
        return unbundled(received)
    except ValueError as error:
        raise _not_understood(error) from error


def _not_understood(error: Exception) -> BackendError:
    return BackendError("backend", f"its message was not understood: {str(error)[:200]}", "is it of another version?")


class FleetMirror:
    """What one stream has told so far."""

    def __init__(self) -> None:
        self._fleet: Fleet | None = None
        self._step: int | None = None
        self._changed: dict[HostId, Host] = {}
        """Of a step whose last part has not come yet."""
        self._next_part = 0
        self._under_way: int | None = None
        self._complete_at = 0
        """The step with which a fleet that was told anew is as it stands."""
        self._is_new = True
        """Whether the next fleet that is shown was told anew."""
        self._operations: _List[Operation] = _List(lambda one: one.id)
        self._alerts: _List[Alert] = _List(lambda one: one.key)

    def take(self, text: str | bytes) -> BackendChange | None:
        """Take the next message; returns what changed, or None while a fleet is not complete.

        Raises:
            BackendError: the backend speaks another protocol, or what it says makes no sense.
            OutOfStep: a message is missing. Those that follow raise it too, until everything comes anew.
        """
        try:
            if kind_of(text) == "fleet":
                return self._take_fleet(read_fleet_message(text))
            message = stream_message(text)
        except UnknownPart as error:
            self._step = None
            raise OutOfStep(str(error)) from error
        except ValueError as error:
            raise _not_understood(error) from error
        match message:
            case Hello():
                if message.protocol != PROTOCOL:
                    raise other_version(message.protocol, message.version)
                return BackendFound(version=message.version, consoles=message.consoles)
            case Resync():
                self._complete_at, self._is_new = message.step, True
                return None
            case OperationList():
                return OperationsChanged(operations=self._operations.take(message))
            case AlertList():
                return AlertsChanged(alerts=self._alerts.take(message))

    def _take_fleet(self, message: FleetMessage) -> FleetChanged | None:
        self._require_next(message)
        known = self._fleet.hosts if self._fleet is not None and message.since is not None else {}
        self._changed |= {host.id: host for host in message.whole}
        for patch in message.changed:
            before = known.get(patch.id)
            if before is None:
                raise UnknownPart(f"host {patch.id} is not known")
            self._changed[patch.id] = host_after(before, diff_of(patch))
        if not message.last:
            return None
        changed, self._changed = self._changed, {}
        self._fleet = self._fleet_of(message, changed)
        self._step, self._under_way = message.step, None
        self._is_new |= message.since is None
        if message.step < self._complete_at:
            return None
        changed_hosts, self._is_new = None if self._is_new else frozenset(changed), False
        return FleetChanged(fleet=self._fleet, changed_hosts=changed_hosts)

    def _require_next(self, message: FleetMessage) -> None:
        """Check that nothing is missing between what was told and this message."""
        if message.part == 0:
            self._changed, self._next_part, self._under_way = {}, 0, message.step
            follows = message.since is None or (message.since == self._step and self._fleet is not None)
        else:
            follows = message.step == self._under_way and message.part == self._next_part
        if not follows:
            self._under_way = None
            self._step = None
            raise OutOfStep(f"step {message.step}, part {message.part} follows one that did not come")
        self._next_part += 1

    def _fleet_of(self, message: FleetMessage, changed: dict[HostId, Host]) -> Fleet:
        before = self._fleet
        if message.since is not None and message.order is None and before is not None:
            return before.with_hosts(changed.values(), message.revision)
        known = {} if message.since is None or before is None else dict(before.hosts)
        known |= changed
        order = message.order if message.order is not None else list(known)
        if not known.keys() >= set(order):
            raise UnknownPart("hosts are named that were not told")
        return Fleet(revision=message.revision, hosts=HostTable({name: known[name] for name in order}))


class _List(Generic[T]):
    """A list of which differences are told."""

    def __init__(self, key: Callable[[T], str]) -> None:
        self._key = key
        self._items: dict[str, T] = {}
        self._step: int | None = None

    def take(self, message: OperationList | AlertList) -> tuple[T, ...]:
        """Return the list after this message.

        Raises:
            OutOfStep: a message is missing.
        """
        items: Sequence[T] = message.changed  # type: ignore[assignment]  # of the kind this list is made for
        if message.since is None:
            self._items = {}
        elif message.since != self._step:
            self._step = None
            raise OutOfStep(f"{message.kind} {message.step} follow what did not come")
        changed = {self._key(one): one for one in items}
        gone = frozenset(message.gone)
        new = [key for key in changed if key not in self._items]
        order = message.order or (*new, *(key for key in self._items if key not in gone))
        known = self._items | changed
        if not known.keys() >= set(order):
            self._step = None
            raise OutOfStep(f"{message.kind} {message.step} name what was not told")
        self._items = {key: known[key] for key in order}
        self._step = message.step
        return tuple(self._items.values())
