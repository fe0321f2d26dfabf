"""Which facts of one moment call for an alert. What is not known is no fact, and calls for none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from novacron.model.alert.alert import Alert, AlertRule, Severity
from novacron.model.alert.candidates import Candidates
from novacron.model.fleet import Fleet, FleetVm, Host, Sighting
from novacron.model.fleet_index import place_of_pool
from novacron.model.ids import VmId
from novacron.model.link import LinkStatus
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.migration import MigrateVm
from novacron.model.vm import StateReason, VmState


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When a condition becomes an alert."""

    unreachable_after_s: float = 5.0
    nearly_full: float = 0.90
    full: float = 0.95
    clear_below: float = 0.02
    """How far below its threshold a raised fullness must fall to be cleared: no flapping at the edge."""
    settling_after_s: float = 60.0
    """How long an outcome may be unknown before somebody has to hear of it."""
    stuck_after_s: float = 60.0
    """How long a migration may not converge before somebody has to hear of it."""
    operation_shown_s: float = 3600.0
    """How long a failed operation is an alert if nothing else settles it; one that needs a person stays."""
    cleared_shown_s: float = 900.0
    """How long an alert is still listed after it was cleared."""

    @property
    def may_be_full(self) -> float:
        """From where on, 0.0 to 1.0, something full may be an alert or go on being one."""
        return min(self.nearly_full, self.full) - self.clear_below


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFault:
    """What one of the backend's own tasks failed of."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendFaults:
    """What is wrong with the backend itself; empty texts when nothing is."""

    journal: str = ""
    archive: str = ""
    """Why operations that ended long ago are not moved to the journal's archive."""
    fleet_file: str = ""
    polling: str = ""
    tasks: tuple[TaskFault, ...] = ()


NO_FAULTS = BackendFaults()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Everything the conditions are judged by."""

    fleet: Fleet
    operations: Sequence[Operation]
    now: datetime
    thresholds: Thresholds
    held: Mapping[str, Alert]
    """Alerts that held before, by key."""
    candidates: Sequence[Candidates] = ()
    """Which hosts, pools and VMs are judged; all others call for nothing."""
    faults: BackendFaults = NO_FAULTS

    @property
    def migrating(self) -> frozenset[VmId]:
        """VMs that an operation is moving: what their two ends show is its business."""
        return frozenset(
            one.intent.vm for one in self.operations if isinstance(one.intent, MigrateVm) and not one.has_ended
        )


def runs_twice(fleet: Fleet) -> Iterator[tuple[FleetVm, tuple[Sighting, ...]]]:
    """Yield every VM that executes on more than one host by their last words.

    Two readings are never of the same instant: one such look is a suspicion, not a fact.
    """
    for vm_id in sorted(fleet.index.vms.several):
        vm = fleet.vms[vm_id]
        if len(running := vm.running_copies) > 1:
            yield vm, running


def twice_alert(vm: FleetVm, running: Sequence[Sighting], now: datetime) -> Alert:
    """Return the worst alert there is."""
    places = " and ".join(seen.host.id for seen in running)
    return Alert(
        key=f"{AlertRule.VM_RUNS_TWICE}:{vm.id}",
        rule=AlertRule.VM_RUNS_TWICE,
        severity=Severity.CRITICAL,
        subject=vm.home.vm.name,
        text=f"runs on {places} at once: both write to its disks",
        remedy="pause both, find out which one wrote last, force the other off, check the disks",
        raised_at=now,
        host=running[0].host.id,
        vm=vm.id,
    )


def host_conditions(moment: Moment) -> Iterator[Alert]:
    """Yield hosts that do not answer, and hosts whose file system is nearly full."""
    for host in (one.host for one in moment.candidates if one.itself):
        yield from _unreachable(host, moment)
        load = host.reading.load if host.reading and host.is_current else None
        if load is None or load.root_used_fraction is None:
            continue
        key = f"{AlertRule.FILE_SYSTEM_NEARLY_FULL}:{host.id}:{load.root_path}"
        severity = _fullness(load.root_used_fraction, moment, key)
        if severity is not None:
            yield Alert(
                key=key,
                rule=AlertRule.FILE_SYSTEM_NEARLY_FULL,
                severity=severity,
                subject=host.id,
                text=f"{load.root_path or 'a file system'} is {load.root_used_fraction:.0%} full",
                remedy="free room there: guests are paused at their next write when it is full",
                raised_at=moment.now,
                host=host.id,
            )


def pool_conditions(moment: Moment) -> Iterator[Alert]:
    """Yield pools that are nearly full: one alert for a pool that several hosts reach."""
    told: set[str] = set()
    for host, pools in ((one.host, one.pools) for one in moment.candidates if one.host.is_current):
        for pool in pools:
            key = f"{AlertRule.POOL_NEARLY_FULL}:{place_of_pool(host, pool)}"
            used = pool.used_fraction
            severity = None if used is None or key in told else _fullness(used, moment, key)
            if used is None or severity is None:
                continue
            told.add(key)
            where = "shared" if pool.shared else f"on {host.id}"
            yield Alert(
                key=key,
                rule=AlertRule.POOL_NEARLY_FULL,
                severity=severity,
                subject=pool.name,
                text=f"{used:.0%} full, {pool.available_mib} MiB left ({where})",
                remedy="delete or move volumes: guests are paused at their next write when it is full",
                raised_at=moment.now,
                host=host.id,
            )


def vm_conditions(moment: Moment) -> Iterator[Alert]:
    """Yield VMs that crashed or were paused by an I/O error.

    A source can show "crashed" after a migration that succeeded: nothing is said of a VM that runs elsewhere,
    is being moved, or is known on a host that does not answer.
    """
    migrating = moment.migrating
    for vm_id in dict.fromkeys(vm for one in moment.candidates for vm in one.vms):
        vm = moment.fleet.vms[vm_id]
        home = vm.home
        if vm.id in migrating or not all(seen.is_current for seen in vm.sightings):
            continue
        # A guest that panicked may be kept, paused, for whoever wants to look into it.
        if home.vm.state is VmState.CRASHED or home.vm.reason is StateReason.CRASHED:
            text = f"crashed on {home.host.id}"
            again = "force it off, then start it" if home.vm.is_active else "then start it"
            remedy = f"read /var/log/libvirt/qemu on {home.host.id}, {again}"
            yield _vm_alert(AlertRule.VM_CRASHED, vm, text, remedy, moment.now)
        elif home.vm.state is VmState.PAUSED and home.vm.reason is StateReason.IO_ERROR:
            text = f"paused on {home.host.id}: a disk could not be read or written"
            remedy = "make room or bring its storage back, then resume it"
            yield _vm_alert(AlertRule.VM_IO_ERROR, vm, text, remedy, moment.now)


def operation_conditions(moment: Moment) -> Iterator[Alert]:
    """Yield operations that failed, until a later one on the same subject succeeds, and those that need a person."""
    succeeded: set[str] = set()
    for operation in sorted(moment.operations, key=lambda one: one.sequence, reverse=True):
        subject = _subject(operation)
        if operation.state is OperationState.DONE:
            succeeded.add(subject)
        elif subject not in succeeded or operation.needs_person:
            yield from _operation_alert(operation, moment)
        if not operation.has_ended:
            yield from _stuck(operation, moment)


def backend_conditions(moment: Moment) -> Iterator[Alert]:
    """Yield what keeps the backend itself from doing its work."""
    faults = moment.faults
    if faults.journal:
        yield _backend_alert(
            AlertRule.JOURNAL_FAILED,
            f"new operations are refused: {faults.journal}",
            "mend it; it is tried again by itself, and what runs goes on",
            moment.now,
        )
    if faults.archive:
        remedy = "mend it; it is tried again within the hour, and nothing is lost until then"
        text = f"operations that ended long ago are not archived: {faults.archive}"
        warning = _backend_alert(AlertRule.JOURNAL_NOT_ARCHIVED, text, remedy, moment.now)
        yield replace(warning, severity=Severity.WARNING)
    if faults.fleet_file:
        remedy = "mend the file; the hosts of before are watched as before"
        warning = _backend_alert(AlertRule.FLEET_FILE_BROKEN, faults.fleet_file, remedy, moment.now)
        yield replace(warning, severity=Severity.WARNING)
    if faults.polling:
        remedy = "it goes back by itself; see what else runs here, or give the backend a faster machine"
        warning = _backend_alert(AlertRule.POLLING_SLOWED, faults.polling, remedy, moment.now)
        yield replace(warning, severity=Severity.WARNING)
    for fault in faults.tasks:
        told = _backend_alert(
            AlertRule.TASK_FAILED,
            f"{fault.name} failed: {fault.text}",
            "it is started again by itself; the backend's log has the traceback: report it",
            moment.now,
        )
        yield replace(told, key=f"{AlertRule.TASK_FAILED}:{fault.name}")


def _backend_alert(rule: AlertRule, text: str, remedy: str, now: datetime) -> Alert:
    return Alert(
        key=rule, rule=rule, severity=Severity.CRITICAL, subject="backend", text=text, remedy=remedy, raised_at=now
    )


def _unreachable(host: Host, moment: Moment) -> Iterator[Alert]:
    if host.link.is_up:
        return
    # Counted from its last word, so that a row which changes its complaint is not forgiven each time.
    since = min(host.reading.observed_at, host.link.since) if host.reading else host.link.since
    never_tried = host.link.status is LinkStatus.CONNECTING and host.link.attempts == 0
    if never_tried or (moment.now - since).total_seconds() < moment.thresholds.unreachable_after_s:
        return
    yield Alert(
        key=f"{AlertRule.HOST_UNREACHABLE}:{host.id}",
        rule=AlertRule.HOST_UNREACHABLE,
        severity=Severity.CRITICAL,
        subject=host.id,
        text=f"{host.link.status}: {host.link.cause or 'no answer'}",
        remedy=host.link.remedy,
        raised_at=moment.now,
        host=host.id,
    )


def _stuck(operation: Operation, moment: Moment) -> Iterator[Alert]:
    since = operation.progress.stuck_since
    if since is None or (moment.now - since).total_seconds() < moment.thresholds.stuck_after_s:
        return
    yield Alert(
        key=f"{AlertRule.MIGRATION_STUCK}:{operation.id}",
        rule=AlertRule.MIGRATION_STUCK,
        severity=Severity.WARNING,
        subject=operation.subject,
        text=f"{operation.title}: {operation.progress.note}",
        remedy="pause the VM until it has moved, or cancel the migration",
        raised_at=moment.now,
        operation=operation.id,
        host=operation.intent.host,
        vm=operation.intent.about_vm,
    )


def _operation_alert(operation: Operation, moment: Moment) -> Iterator[Alert]:
    thresholds = moment.thresholds
    needs_person = operation.needs_person
    if needs_person or operation.state is OperationState.FAILED:
        ended_at = operation.ended_at or operation.accepted_at
        # What only a person can settle is not settled by waiting.
        if not needs_person and (moment.now - ended_at).total_seconds() > thresholds.operation_shown_s:
            return
        text = f"{operation.title}: {operation.outcome or operation.state}"
    elif operation.state is OperationState.SETTLING:
        since = max((s.started_at for s in operation.steps if s.started_at), default=operation.accepted_at)
        if (moment.now - since).total_seconds() < thresholds.settling_after_s:
            return
        text = f"{operation.title}: its outcome is not known yet: {operation.progress.note or 'still looking'}"
    else:
        return
    yield Alert(
        key=f"{AlertRule.OPERATION_FAILED}:{operation.id}",
        rule=AlertRule.OPERATION_FAILED,
        severity=Severity.CRITICAL if needs_person else Severity.WARNING,
        subject=operation.subject,
        text=text,
        remedy="see its steps and outcome" + (", then acknowledge it" if needs_person else ""),
        raised_at=moment.now,
        operation=operation.id,
        host=operation.intent.host,
        vm=operation.intent.about_vm,
    )


def _vm_alert(rule: AlertRule, vm: FleetVm, text: str, remedy: str, now: datetime) -> Alert:
    return Alert(
        key=f"{rule}:{vm.id}",
        rule=rule,
        severity=Severity.CRITICAL,
        subject=vm.home.vm.name,
        text=text,
        remedy=remedy,
        raised_at=now,
        host=vm.home.host.id,
        vm=vm.id,
    )


def _fullness(used: float, moment: Moment, key: str) -> Severity | None:
    thresholds = moment.thresholds
    held = moment.held.get(key)
    slack = thresholds.clear_below if held is not None else 0.0
    if used >= thresholds.full - (slack if held and held.severity is Severity.CRITICAL else 0.0):
        return Severity.CRITICAL
    return Severity.WARNING if used >= thresholds.nearly_full - slack else None


def _subject(operation: Operation) -> str:
    vm = operation.intent.about_vm
    return f"vm:{vm}" if vm else f"{operation.intent.host}:{operation.subject}"
