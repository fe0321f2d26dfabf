"""What every client (console, command line, API) is given: one port, in process or over the socket."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from novacron.model.alert.alert import Alert
from novacron.model.fleet import Fleet
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.operation import Operation
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron.model.sample import VmSample
from novacron.model.work.schedule import AT_ONCE, Schedule
from novacron.ports.hypervisor import SerialLink


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetChanged:
    """The whole fleet at a newer revision: may replace an older one that was not looked at yet."""

    fleet: Fleet


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
    """The line to the backend stands (again); full snapshots follow."""

    version: str
    consoles: int
    """How many consoles are attached, this one included."""


ConsoleChange = FleetChanged | OperationsChanged | AlertsChanged | BackendLost | BackendFound


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendStatus:
    """What the backend says of itself."""

    version: str
    pid: int
    started_at: datetime
    fleet_source: str
    """Which fleet it watches: a file, or URIs, or a simulated one."""
    hosts: int
    consoles: int
    operations_running: int
    journal_path: str
    fleet_error: str = ""
    """Why the fleet file, as it is now, is not followed; empty when it is."""
    journal_error: str = ""
    """Why new operations are refused; empty when the journal can be written."""


class Console(Protocol):
    """The backend, as its clients see it.

    Every method may raise BackendError when the backend cannot be reached. Nothing here blocks on a host for
    longer than the deadline of the call underneath.
    """

    def changes(self) -> AsyncIterator[ConsoleChange]:
        """Yield full snapshots of fleet, operations and alerts first, then every change; never ends.

        A slow reader misses intermediate snapshots, never the last one.
        """

    async def fleet(self) -> Fleet:
        """Return the fleet as it stands."""

    async def operations(self) -> tuple[Operation, ...]:
        """Return recent operations, and older ones that have not ended or wait for a person; newest first."""

    async def find_operation(self, operation: OperationId) -> Operation:
        """Return one operation, also one that is too old to be among the recent ones.

        Raises:
            NotFound: there is none with this id.
        """

    async def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts that hold, then those cleared lately."""

    async def preview(self, intent: Intent) -> Plan | Refusal:
        """Say what it would do, after asking the hypervisors what only they know; changes nothing."""

    async def submit(
        self,
        intent: Intent,
        *,
        plan_digest: str,
        idempotency_key: str,
        actor: str = "",
        schedule: Schedule = AT_ONCE,
    ) -> Operation | Refusal:
        """Accept the intent, or refuse it; returns once it is in the journal.

        The same key gives the same operation.

        `plan_digest` is that of the plan that was previewed and confirmed: refused as changed, with the difference,
        when a plan made from a fresh look at the hypervisors is not that plan.
        `actor` is ignored over a socket, where the peer's own identity counts.
        `schedule` says when it may begin and before whom; a repetition with the same key does not change it.
        """

    async def cancel(self, operation: OperationId) -> Operation | Refusal:
        """Ask a running operation to stop."""

    async def acknowledge(self, operation: OperationId, *, note: str, actor: str = "") -> Operation | Refusal:
        """Write that a person has dealt with an operation that needs attention; its alert is cleared then.

        `note` says what was found or done. `actor` is ignored over a socket, as in `submit`.
        """

    async def definition(self, vm: VmId, host: HostId) -> str:
        """Return the VM's XML from that host."""

    async def samples(self, vm: VmId) -> tuple[VmSample, ...]:
        """Return its last minutes, oldest first."""

    async def reconnect(self, host: HostId) -> None:
        """Try that host again now instead of at its next turn."""

    async def open_serial(self, vm: VmId, host: HostId, *, force: bool = False) -> SerialLink:
        """Open the VM's serial console."""

    async def status(self) -> BackendStatus:
        """Return what the backend says of itself."""

    async def close(self) -> None:
        """Let go of the backend; it goes on."""
