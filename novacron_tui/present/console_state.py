"""Everything the console shows, as one value: the latest snapshots, and the state of the connection to the backend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from novacron.model.alert.alert import Alert, AlertRule, Severity
from novacron.model.fleet import Fleet, FleetVm, Host
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.operation import Operation
from novacron.model.storage import Pool
from novacron.ports.backend import BackendLost
from novacron_tui.present.cells import Role, Span, span
from novacron_tui.present.fleet_history import FleetHistory, FleetSample
from novacron_tui.present.fleet_rows import FleetRows, Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleState:
    """The latest snapshots."""

    fleet: Fleet = field(default_factory=Fleet)
    has_fleet: bool = False
    """False until the backend has told the fleet once: an empty fleet is not the same as an unknown one."""
    operations: tuple[Operation, ...] = ()
    alerts: tuple[Alert, ...] = ()
    lost: BackendLost | None = None
    """Set while there is no line to the backend; all the rest is then old."""
    consoles: int = 0
    operations_run_by: str = ""
    """The other backend on the same journal that runs the operations; empty when this one does."""
    vms: Sequence[FleetVm] = ()
    """Every VM of the fleet; one that did not change is the same object as before."""
    history: Sequence[FleetSample] = ()
    """How much of the fleet was in use over the last minutes, oldest first."""
    tally: Tally = field(default_factory=Tally)
    busy: Mapping[VmId, Operation] = field(default_factory=dict)
    """The operation under way on each VM that has one."""

    @property
    def knows_any_host(self) -> bool:
        """Whether something is known of VMs and pools: none at all is not the same as none that is known."""
        return self.has_fleet and (self.tally.hosts_read > 0 or not self.tally.hosts)

    @property
    def critical(self) -> int:
        """How many critical alerts hold."""
        return sum(alert.cleared_at is None and alert.severity is Severity.CRITICAL for alert in self.alerts)

    @property
    def holding(self) -> int:
        """How many alerts hold."""
        return sum(alert.cleared_at is None for alert in self.alerts)

    @property
    def under_way(self) -> int:
        """How many operations are under way."""
        return sum(not operation.has_ended for operation in self.operations)

    @property
    def waiting(self) -> int:
        """How many of those under way have not begun: they wait for their turn or their time."""
        return sum(operation.is_waiting for operation in self.operations)

    def operation(self, wanted: OperationId) -> Operation | None:
        """Return an operation by its identifier, or None."""
        return next((operation for operation in self.operations if operation.id == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRow:
    """A pool on its host."""

    host: Host
    pool: Pool

    @property
    def key(self) -> str:
        """A pool is known by host and UUID: a shared one has the same name on each."""
        return f"{self.host.id}/{self.pool.id}"


@dataclass(frozen=True, slots=True)
class FleetFollower:
    """What is taken on from one fleet to the next."""

    rows: FleetRows = field(default_factory=FleetRows)
    history: FleetHistory = field(default_factory=FleetHistory)

    def with_fleet(self, state: ConsoleState, fleet: Fleet, now: datetime) -> ConsoleState:
        """Return the state with a newer fleet."""
        self.rows.take(fleet)
        self.history.take(fleet, now)
        return replace(
            state,
            fleet=fleet,
            has_fleet=True,
            vms=self.rows.vms,
            tally=self.rows.tally,
            history=tuple(self.history.samples),
        )


def absence(fleet: Fleet, host: HostId | None = None) -> Span:
    """Say what it means that something is not there, on a host or at all: it is gone, or nobody can tell yet."""
    silent = [one for one in fleet.hosts.values() if one.reading is None and host in {None, one.id}]
    if not silent:
        return span("  no longer known on any host" if host is None else "  it is gone ", Role.CRITICAL)
    who = silent[0].id if len(silent) == 1 else f"{len(silent)} hosts"
    return span(f"  not known: nothing was heard from {who} yet ", Role.UNKNOWN)


def busy_vms(operations: tuple[Operation, ...]) -> Mapping[VmId, Operation]:
    """Return the operation under way on each VM that has one."""
    busy: dict[VmId, Operation] = {}
    for operation in operations:
        vm = operation.intent.about_vm
        if vm is not None and not operation.has_ended:
            busy.setdefault(vm, operation)
    return busy


def pool_rows(fleet: Fleet) -> list[PoolRow]:
    """Return every pool of every host that ever told of one."""
    return [
        PoolRow(host=host, pool=pool)
        for host in fleet.hosts.values()
        if host.reading is not None
        for pool in host.reading.pools
    ]


def pool_of(fleet: Fleet, alert: Alert) -> PoolRow | None:
    """Return the pool an alert is about; None when it is about something else, or the pool is gone."""
    host = fleet.hosts.get(alert.host) if alert.host and alert.rule is AlertRule.POOL_NEARLY_FULL else None
    pools = host.reading.pools if host and host.reading else ()
    return next((PoolRow(host=host, pool=pool) for pool in pools if host and pool.name == alert.subject), None)


def vms_on(fleet: Fleet, host: HostId) -> list[FleetVm]:
    """Return the VMs whose home is that host."""
    there = fleet.hosts.get(host)
    readings = there.reading.vms if there is not None and there.reading is not None else ()
    found = (fleet.find_vm(reading.id) for reading in readings)
    return [vm for vm in found if vm is not None and vm.home.host.id == host]


def own_alerts_of(state: ConsoleState, host: Host) -> list[Alert]:
    """Return the alerts that hold on a host and say more than its link does."""
    return [alert for alert in alerts_of(state, host.id) if alert.remedy != host.link.remedy or host.link.is_up]


def alerts_of(state: ConsoleState, subject: VmId | HostId) -> list[Alert]:
    """Return the alerts that hold on a VM, or on a host itself."""
    return [
        alert
        for alert in state.alerts
        if alert.cleared_at is None and alert.operation is None and (alert.vm or alert.host) == subject
    ]


def operations_of(state: ConsoleState, vm: VmId) -> list[Operation]:
    """Return the operations on a VM, newest first."""
    return [operation for operation in state.operations if operation.intent.about_vm == vm]
