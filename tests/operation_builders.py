"""Intents, operations, alerts and samples for tests; fleet values are in tests/builders.py."""

from datetime import datetime, timedelta

from novacron.model.alert.alert import Alert, AlertRule, Severity
from novacron.model.ids import HostId, OperationId
from novacron.model.operation import Operation, OperationState, Progress, StepRecord, StepState
from novacron.model.operations.creation import CreateVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.power import StartVm
from novacron.model.operations.power_steps import SetRunningArgs
from novacron.model.plan.plan import Danger, Plan, PlannedStep, Undo
from novacron.model.sample import VmSample
from novacron.model.vm import JobProgress
from tests.builders import NOW, an_id


def a_create(
    name: str = "web-1",
    *,
    host: str = "kvm-fra-01",
    vcpus: int = 1,
    memory_mib: int = 512,
    pool: str = "vm",
    disk_mib: int = 1024,
    base_volume: str = "",
    network: str = "default",
    start: bool = False,
) -> CreateVm:
    """Return the intent to create a small VM."""
    return CreateVm(
        vm=an_id(name),
        host=HostId(host),
        name=name,
        vcpus=vcpus,
        memory_mib=memory_mib,
        pool=pool,
        disk_mib=disk_mib,
        base_volume=base_volume,
        network=network,
        start=start,
    )


def a_job(
    *,
    elapsed_s: float = 3.0,
    memory_total_mib: float | None = 1024.0,
    memory_remaining_mib: float | None = 512.0,
    rate_mib_s: float | None = 170.0,
    dirty_rate_mib_s: float | None = 12.0,
    iteration: int | None = 1,
) -> JobProgress:
    """Return the figures of a migration that is half way."""
    return JobProgress(
        elapsed_s=elapsed_s,
        memory_total_mib=memory_total_mib,
        memory_remaining_mib=memory_remaining_mib,
        rate_mib_s=rate_mib_s,
        dirty_rate_mib_s=dirty_rate_mib_s,
        iteration=iteration,
        downtime_ms=300,
    )


def a_step(name: str = "web-1", *, host: str = "kvm-fra-01") -> SetRunningArgs:
    """Return what a step is told that starts a VM."""
    return SetRunningArgs(host=HostId(host), vm=an_id(name))


def an_operation(
    number: int = 1,
    *,
    intent: Intent | None = None,
    state: OperationState = OperationState.RUNNING,
    title: str = "start web-1 on kvm-fra-01",
    subject: str = "web-1",
    progress: Progress | None = None,
    outcome: str = "",
    steps: tuple[StepRecord, ...] | None = None,
    can_cancel: bool = False,
) -> Operation:
    """Return an operation, running unless told otherwise."""
    ended = state in {OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED}
    return Operation(
        id=OperationId(f"op-{number:06d}"),
        intent=intent or StartVm(vm=an_id("web-1"), host=HostId("kvm-fra-01")),
        title=title,
        subject=subject,
        actor="root",
        state=state,
        steps=(
            (StepRecord(id="start", args=a_step(), title=title, state=StepState.STARTED, started_at=NOW),)
            if steps is None
            else steps
        ),
        progress=progress or Progress(),
        outcome=outcome,
        accepted_at=NOW,
        started_at=NOW,
        ended_at=NOW + timedelta(seconds=5) if ended else None,
        idempotency_key=f"key-{number}",
        can_cancel=can_cancel,
        sequence=number,
    )


def a_plan(
    *,
    intent: Intent | None = None,
    title: str = "start web-1 on kvm-fra-01",
    danger: Danger = Danger.CONFIRM,
    warnings: tuple[str, ...] = (),
) -> Plan:
    """Return a plan of one step that asks for one key."""
    return Plan(
        intent=intent or StartVm(vm=an_id("web-1"), host=HostId("kvm-fra-01")),
        title=title,
        subject="web-1",
        steps=(PlannedStep(id="start", args=a_step(), title=title),),
        touches=("VM web-1 on kvm-fra-01",),
        warnings=warnings,
        danger=danger,
        undo=Undo.REVERSIBLE,
        undo_how="shut it down again",
        digest="a-digest",
    )


def an_alert(
    rule: AlertRule = AlertRule.HOST_UNREACHABLE,
    *,
    severity: Severity = Severity.CRITICAL,
    subject: str = "kvm-fra-01",
    text: str = "does not answer",
    raised_at: datetime = NOW,
    cleared_at: datetime | None = None,
) -> Alert:
    """Return an alert that holds."""
    return Alert(
        key=f"{rule}:{subject}",
        rule=rule,
        severity=severity,
        subject=subject,
        text=text,
        remedy="look at it",
        raised_at=raised_at,
        cleared_at=cleared_at,
        host=HostId(subject),
    )


def some_samples(minutes: int = 5, *, until: datetime = NOW) -> tuple[VmSample, ...]:
    """Return one sample each ten seconds, rising, oldest first."""
    total = minutes * 6
    return tuple(
        VmSample(
            observed_at=until - timedelta(seconds=10 * (total - 1 - index)),
            cpu_percent=index * 100.0 / total,
            memory_mib=512.0 + index,
            disk_b_s=1000.0 * index,
            net_b_s=2000.0 * index,
        )
        for index in range(total)
    )
