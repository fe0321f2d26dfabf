"""Which alerts hold, by the facts of one moment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from novacron.model.alert.alert import Alert, AlertRule, Severity
from novacron.model.fleet import Fleet, FleetVm, Host
from novacron.model.link import LinkStatus
from novacron.model.operation import Operation, OperationState
from novacron.model.storage import Pool
from novacron.model.vm import StateReason, VmState


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When a condition becomes an alert."""

    unreachable_after_s: float = 5.0
    nearly_full: float = 0.90
    full: float = 0.95
    operation_shown_s: float = 3600.0
    """How long a failed operation is an alert if nothing else settles it."""
    cleared_shown_s: float = 600.0
    """How long an alert is still listed after it was cleared."""


def evaluate(
    fleet: Fleet,
    operations: Sequence[Operation],
    previous: Sequence[Alert],
    now: datetime,
    thresholds: Thresholds,
) -> tuple[Alert, ...]:
    """Return the alerts that hold, worst and newest first, then those cleared lately.

    One that held before keeps the time it was raised. While a host does not answer, its VMs raise nothing new and
    clear nothing: what is not known is no fact.
    """
    holding = {alert.key: alert for alert in _conditions(fleet, operations, now, thresholds)}
    before = {alert.key: alert for alert in previous if alert.cleared_at is None}
    silent = {host.id for host in fleet.hosts.values() if not host.link.is_up}
    for key, alert in before.items():
        if key in holding:
            holding[key] = replace(holding[key], raised_at=alert.raised_at)
        elif alert.host in silent and alert.rule is not AlertRule.HOST_UNREACHABLE:
            holding[key] = alert
    cleared = [replace(alert, cleared_at=now) for key, alert in before.items() if key not in holding]
    keep_until = timedelta(seconds=thresholds.cleared_shown_s)
    cleared += [alert for alert in previous if alert.cleared_at is not None and now - alert.cleared_at < keep_until]
    return (
        *sorted(holding.values(), key=lambda alert: (_RANK[alert.severity], -alert.raised_at.timestamp())),
        *cleared,
    )


_RANK: Mapping[Severity, int] = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


def _conditions(
    fleet: Fleet, operations: Sequence[Operation], now: datetime, thresholds: Thresholds
) -> Iterator[Alert]:
    moving = {
        getattr(operation.intent, "vm", None)
        for operation in operations
        if operation.intent.kind == "migrate" and not operation.has_ended
    }
    for host in fleet.hosts.values():
        yield from _host_conditions(host, now, thresholds)
    yield from _pool_conditions(fleet, now, thresholds)
    for vm in fleet.vms.values():
        yield from _vm_conditions(vm, vm.id in moving, now)
    yield from _operation_conditions(operations, now, thresholds)


def _host_conditions(host: Host, now: datetime, thresholds: Thresholds) -> Iterator[Alert]:
    down_s = (now - host.link.since).total_seconds()
    never_answered = host.link.status is LinkStatus.CONNECTING and host.link.attempts == 0
    if not host.link.is_up and not never_answered and down_s >= thresholds.unreachable_after_s:
        yield Alert(
            key=f"{AlertRule.HOST_UNREACHABLE}:{host.id}",
            rule=AlertRule.HOST_UNREACHABLE,
            severity=Severity.CRITICAL,
            subject=host.id,
            text=f"{host.link.status}: {host.link.cause}",
            remedy=host.link.remedy,
            raised_at=host.link.since,
            host=host.id,
        )
    load = host.reading.load if host.reading and host.link.is_up else None
    if load is not None and (load.root_used_fraction or 0) >= thresholds.nearly_full:
        yield Alert(
            key=f"{AlertRule.FILE_SYSTEM_NEARLY_FULL}:{host.id}:{load.root_path}",
            rule=AlertRule.FILE_SYSTEM_NEARLY_FULL,
            severity=_fullness(load.root_used_fraction or 0, thresholds),
            subject=host.id,
            text=f"{load.root_path or 'a file system'} is {load.root_used_fraction or 0:.0%} full",
            remedy="free room there: guests pause on their next write when it is full",
            raised_at=now,
            host=host.id,
        )


def _pool_conditions(fleet: Fleet, now: datetime, thresholds: Thresholds) -> Iterator[Alert]:
    told: set[str] = set()
    for host in fleet.hosts.values():
        for pool in host.reading.pools if host.reading and host.link.is_up else ():
            used = pool.used_fraction
            place = _pool_place(host, pool)
            if used is None or used < thresholds.nearly_full or place in told:
                continue
            told.add(place)
            yield Alert(
                key=f"{AlertRule.POOL_NEARLY_FULL}:{place}",
                rule=AlertRule.POOL_NEARLY_FULL,
                severity=_fullness(used, thresholds),
                subject=pool.name,
                text=f"{used:.0%} full, {pool.available_mib} MiB left on {'all hosts' if pool.shared else host.id}",
                remedy="delete or move volumes: guests pause on their next write when it is full",
                raised_at=now,
                host=host.id,
            )


def _pool_place(host: Host, pool: Pool) -> str:
    """A pool that several hosts reach is one pool, and one alert."""
    return f"{pool.name}:{pool.path}" if pool.shared else f"{host.id}:{pool.id}"


def _fullness(used: float, thresholds: Thresholds) -> Severity:
    return Severity.CRITICAL if used >= thresholds.full else Severity.WARNING


def _vm_conditions(vm: FleetVm, is_moving: bool, now: datetime) -> Iterator[Alert]:
    running = [seen for seen in vm.sightings if seen.is_current and seen.vm.state is VmState.RUNNING]
    if len(running) > 1 and not is_moving and not any(seen.vm.job_active for seen in running):
        places = " and ".join(seen.host.id for seen in running)
        yield Alert(
            key=f"{AlertRule.VM_RUNS_TWICE}:{vm.id}",
            rule=AlertRule.VM_RUNS_TWICE,
            severity=Severity.CRITICAL,
            subject=vm.home.vm.name,
            text=f"it runs on {places} at once: both write its disks",
            remedy="pause both, find out which one wrote last, force the other off",
            raised_at=now,
            host=vm.home.host.id,
            vm=vm.id,
        )
    home = vm.home
    if not home.is_current or is_moving or any(not other.is_current for other in vm.others):
        return
    if home.vm.state is VmState.CRASHED or (
        home.vm.state is VmState.SHUT_OFF and home.vm.reason in (StateReason.CRASHED, StateReason.FAILED)
    ):
        yield Alert(
            key=f"{AlertRule.VM_CRASHED}:{vm.id}",
            rule=AlertRule.VM_CRASHED,
            severity=Severity.CRITICAL,
            subject=home.vm.name,
            text=f"it crashed on {home.host.id}",
            remedy="read its log in /var/log/libvirt/qemu, then start it",
            raised_at=now,
            host=home.host.id,
            vm=vm.id,
        )
    if home.vm.state is VmState.PAUSED and home.vm.reason is StateReason.IO_ERROR:
        yield Alert(
            key=f"{AlertRule.VM_IO_ERROR}:{vm.id}",
            rule=AlertRule.VM_IO_ERROR,
            severity=Severity.CRITICAL,
            subject=home.vm.name,
            text=f"paused on {home.host.id}: a disk could not be read or written",
            remedy="make room or bring its storage back, then resume it",
            raised_at=now,
            host=home.host.id,
            vm=vm.id,
        )


_BAD_ENDS = (OperationState.FAILED, OperationState.NEEDS_ATTENTION)


def _operation_conditions(operations: Sequence[Operation], now: datetime, thresholds: Thresholds) -> Iterator[Alert]:
    """The newest word on each subject counts: a later success clears an earlier failure."""
    settled: set[str] = set()
    for operation in sorted(operations, key=lambda one: one.accepted_at, reverse=True):
        if operation.state is OperationState.DONE:
            settled.add(_operation_subject(operation))
        if operation.state not in _BAD_ENDS or operation.ended_at is None:
            continue
        age_s = (now - operation.ended_at).total_seconds()
        if _operation_subject(operation) in settled or age_s > thresholds.operation_shown_s:
            continue
        needs_person = operation.state is OperationState.NEEDS_ATTENTION
        yield Alert(
            key=f"{AlertRule.OPERATION_FAILED}:{operation.id}",
            rule=AlertRule.OPERATION_FAILED,
            severity=Severity.CRITICAL if needs_person else Severity.WARNING,
            subject=operation.subject,
            text=f"{operation.title}: {operation.outcome or operation.state}",
            remedy="see the operation's steps",
            raised_at=operation.ended_at,
            operation=operation.id,
            vm=getattr(operation.intent, "vm", None),
        )


def _operation_subject(operation: Operation) -> str:
    return str(getattr(operation.intent, "vm", "")) or operation.subject
