"""Power: start, shutdown, reboot, force off, pause, resume."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from novacron.model.fleet import Fleet, Sighting
from novacron.model.ids import HostId
from novacron.model.operations.intent import VmIntent
from novacron.model.operations.power_steps import (
    AwaitOffArgs,
    ForceOffArgs,
    PauseArgs,
    PressPowerButtonArgs,
    RebootArgs,
    SetRunningArgs,
)
from novacron.model.operations.step import StepArgs
from novacron.model.operations.type import OperationType, Permission, Texts
from novacron.model.plan.guards import (
    find_vm,
    refuse_elsewhere,
    refuse_job,
    refuse_started_elsewhere,
    refuse_state,
    refuse_too_large,
    vm_basis,
    vm_line,
    vm_name,
    vouched_lines,
)
from novacron.model.plan.input_limits import refuse_patience
from novacron.model.plan.plan import Danger, Plan, PlannedStep, Undo
from novacron.model.plan.resources import cpus_alone, memory_of, pools_below, vm_with_files
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import ACTIVE_STATES, StateReason, VmState
from novacron.model.work.claim import Capacity, Claim, amount_of

SHUTDOWN = "shutdown"
AWAIT_OFF = "wait-off"

_OFF_ACTIONS = frozenset({"destroy"})
"""What leaves a VM off when its guest powers off."""
_OFF = frozenset({VmState.SHUT_OFF, VmState.CRASHED})


@dataclass(frozen=True, slots=True, kw_only=True)
class StartVm(VmIntent):
    """Power on."""

    vouched: tuple[HostId, ...] = ()
    """Hosts that do not answer, of which a person vouches that they do not have or need it."""
    kind: Literal["start"] = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownVm(VmIntent):
    """Ask the guest to power off (ACPI), and wait for it."""

    timeout_s: float = 120.0
    kind: Literal["shutdown"] = "shutdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RebootVm(VmIntent):
    """Ask the guest to restart (ACPI)."""

    kind: Literal["reboot"] = "reboot"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceOffVm(VmIntent):
    """Pull the plug: the guest loses what it had not written."""

    kind: Literal["force-off"] = "force-off"


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseVm(VmIntent):
    """Stop its CPUs; memory stays."""

    kind: Literal["pause"] = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeVm(VmIntent):
    """Let its CPUs go on."""

    vouched: tuple[HostId, ...] = ()
    """Hosts that do not answer, of which a person vouches that they do not have or need it."""
    kind: Literal["resume"] = "resume"


def plan_start(intent: StartVm, fleet: Fleet) -> Plan | Refusal:
    """Plan to power on; refused while the VM is active or unknown on another host."""
    seen = find_vm(fleet, intent.vm, intent.host)
    if isinstance(seen, Refusal):
        return seen
    refusal = (
        refuse_elsewhere(fleet, seen, intent.vouched)
        or refuse_started_elsewhere(fleet, seen, intent.vouched)
        or refuse_job(seen)
    )
    if refusal is not None:
        return refusal
    if seen.vm.state not in _OFF:
        sleeps_or_paused = seen.vm.state in (VmState.PAUSED, VmState.SUSPENDED)
        remedy = "resume it" if sleeps_or_paused else "it runs already"
        return refuse_state(seen, "be started", remedy)
    refusal = refuse_too_large(seen.host, seen.vm.name, seen.vm.memory_mib)
    if refusal is not None:
        return refusal
    return Plan(
        intent=intent,
        title=f"start {seen.vm.name} on {intent.host}",
        subject=seen.vm.name,
        steps=(
            PlannedStep(
                id="start",
                args=SetRunningArgs(host=intent.host, vm=intent.vm, vouched=intent.vouched),
                title=f"start {seen.vm.name} on {intent.host}",
            ),
        ),
        touches=(vm_line(seen),),
        warnings=(*vouched_lines(intent.vouched), *_also_defined(fleet, seen)),
        danger=Danger.TYPE_NAME if intent.vouched else Danger.NONE,
        undo_how="shut it down again",
        basis=vm_basis(fleet, intent.vm),
    )


def plan_resume(intent: ResumeVm, fleet: Fleet) -> Plan | Refusal:
    """Plan to let a paused VM go on; refused while it is active or unknown on another host."""
    seen = find_vm(fleet, intent.vm, intent.host)
    if isinstance(seen, Refusal):
        return seen
    refusal = refuse_elsewhere(fleet, seen, intent.vouched) or refuse_job(seen)
    if refusal is not None:
        return refusal
    if seen.vm.state not in (VmState.PAUSED, VmState.SUSPENDED):
        return refuse_state(seen, "be resumed", "start it" if seen.vm.state in _OFF else "it runs already")
    verb = "wake" if seen.vm.state is VmState.SUSPENDED else "resume"
    if seen.vm.reason is StateReason.POSTCOPY_FAILED:
        return refuse_state(seen, "be resumed", "its memory is split over two hosts: resume the migration")
    warnings = ("it was paused by an I/O error: resuming retries the write",)
    return Plan(
        intent=intent,
        title=f"{verb} {seen.vm.name} on {intent.host}",
        subject=seen.vm.name,
        steps=(
            PlannedStep(
                id="resume",
                args=SetRunningArgs(host=intent.host, vm=intent.vm, resume=True, vouched=intent.vouched),
                title=f"{verb} {seen.vm.name} on {intent.host}",
            ),
        ),
        touches=(vm_line(seen),),
        warnings=(*vouched_lines(intent.vouched), *(warnings if seen.vm.reason is StateReason.IO_ERROR else ())),
        danger=Danger.TYPE_NAME if intent.vouched else Danger.NONE,
        undo_how="pause it" if verb == "wake" else "pause it again",
        basis=vm_basis(fleet, intent.vm),
    )


def plan_shutdown(intent: ShutdownVm, fleet: Fleet) -> Plan | Refusal:
    """Plan to ask the guest to power off."""
    seen = _active(fleet, intent, "be shut down")
    if isinstance(seen, Refusal):
        return seen
    if seen.vm.state in (VmState.PAUSED, VmState.SUSPENDED):
        return refuse_state(seen, "answer the power button", "resume it first, or force it off")
    if seen.vm.on_poweroff not in _OFF_ACTIONS:
        return Refusal(
            code=RefusalCode.WRONG_STATE,
            subject=seen.vm.name,
            reason=f"its definition makes a {seen.vm.on_poweroff} of a power-off (on_poweroff), so it would not be off",
            remedy=f"force it off, or on {intent.host}: virsh set-lifecycle-action {seen.vm.name} poweroff destroy",
        )
    refusal = refuse_patience(intent.timeout_s)
    if refusal is not None:
        return refusal
    name = seen.vm.name
    return Plan(
        intent=intent,
        title=f"shut down {name} on {intent.host}",
        subject=name,
        steps=(
            PlannedStep(
                id=SHUTDOWN,
                args=PressPowerButtonArgs(host=intent.host, vm=intent.vm),
                title=f"press {name}'s power button",
            ),
            PlannedStep(
                id=AWAIT_OFF,
                args=AwaitOffArgs(host=intent.host, vm=intent.vm, timeout_s=intent.timeout_s),
                title=f"wait up to {intent.timeout_s:g} s until {name} is off",
            ),
        ),
        touches=(vm_line(seen),),
        danger=Danger.CONFIRM,
        undo_how="start it again",
        can_cancel=True,
        basis=vm_basis(fleet, intent.vm),
    )


def plan_reboot(intent: RebootVm, fleet: Fleet) -> Plan | Refusal:
    """Plan to ask the guest to restart."""
    seen = _active(fleet, intent, "be rebooted")
    if isinstance(seen, Refusal):
        return seen
    if seen.vm.state in (VmState.PAUSED, VmState.SUSPENDED):
        return refuse_state(seen, "take the request to restart", "resume it first")
    step = RebootArgs(host=intent.host, vm=intent.vm)
    action = seen.vm.on_reboot
    warnings = (
        () if action == "restart" else (f"its definition makes a {action} of a restart (on_reboot): it will be off",)
    )
    return _one_step(intent, fleet, seen, step, "reboot", Undo.NEVER, "", warnings)


def plan_force_off(intent: ForceOffVm, fleet: Fleet) -> Plan | Refusal:
    """Plan to pull the plug; a job that holds the VM does not stand in the way."""
    seen = find_vm(fleet, intent.vm, intent.host)
    if isinstance(seen, Refusal):
        return seen
    if seen.vm.state not in ACTIVE_STATES:
        return refuse_state(seen, "be forced off", "it is off already")
    step = ForceOffArgs(host=intent.host, vm=intent.vm)
    warnings = ["the guest loses what it has not written to disk"]
    if seen.vm.job_active:
        warnings.append("a migration, save or dump is under way on it and will fail")
    return _one_step(intent, fleet, seen, step, "force off", Undo.NEVER, "", tuple(warnings))


def plan_pause(intent: PauseVm, fleet: Fleet) -> Plan | Refusal:
    """Plan to stop its CPUs; also while a migration is under way, which then has nothing more to catch up with."""
    seen = find_vm(fleet, intent.vm, intent.host)
    if isinstance(seen, Refusal):
        return seen
    if seen.vm.state is not VmState.RUNNING:
        return refuse_state(seen, "be paused", "only a running VM can")
    step = PauseArgs(host=intent.host, vm=intent.vm)
    if not seen.vm.job_active:
        return _one_step(intent, fleet, seen, step, "pause", Undo.REVERSIBLE, "resume it")
    # The one verb that libvirt takes from others while it migrates: a paused guest dirties nothing, so that it ends.
    warnings = ("a migration, save or dump is under way on it: it goes on by itself when that has ended",)
    return _one_step(
        intent,
        fleet,
        seen,
        step,
        "pause",
        Undo.REVERSIBLE,
        "wait until it has moved",
        warnings,
    )


def _active(fleet: Fleet, intent: ShutdownVm | RebootVm, what: str) -> Sighting | Refusal:
    seen = find_vm(fleet, intent.vm, intent.host)
    if isinstance(seen, Refusal):
        return seen
    if seen.vm.state not in ACTIVE_STATES:
        return refuse_state(seen, what, "start it")
    return refuse_job(seen) or seen


def _one_step(
    intent: RebootVm | ForceOffVm | PauseVm,
    fleet: Fleet,
    seen: Sighting,
    step: StepArgs,
    verb: str,
    undo: Undo,
    undo_how: str,
    warnings: tuple[str, ...] = (),
) -> Plan:
    title = f"{verb} {seen.vm.name} on {intent.host}"
    return Plan(
        intent=intent,
        title=title,
        subject=seen.vm.name,
        steps=(PlannedStep(id=step.type, args=step, title=title),),
        touches=(vm_line(seen),),
        warnings=warnings,
        danger=Danger.CONFIRM,
        undo=undo,
        undo_how=undo_how,
        basis=vm_basis(fleet, intent.vm),
    )


def _also_defined(fleet: Fleet, seen: Sighting) -> tuple[str, ...]:
    found = fleet.find_vm(seen.vm.id)
    return tuple(
        f"it is also defined on {other.host.id}; only one may ever run"
        for other in (found.sightings if found else ())
        if other.host.id != seen.host.id
    )


def _claims_of_start(intent: StartVm, fleet: Fleet) -> Iterator[Claim]:
    yield from vm_with_files(intent, fleet)
    seen = fleet.sighting(intent.vm, intent.host)
    yield amount_of(intent.host, Capacity.STARTS)
    if seen is not None:
        yield from pools_below(seen.host, seen.vm.disks)
        yield from memory_of(intent.host, seen.vm.memory_mib)


TYPES: Final[tuple[OperationType[Any], ...]] = (
    OperationType(
        intent=StartVm,
        plan=plan_start,
        claims=_claims_of_start,
        steps=(SetRunningArgs,),
        texts=Texts(verb="start", doing="starting"),
        permission=Permission.VM_POWER,
        subject=vm_name,
        danger=Danger.TYPE_NAME,
    ),
    OperationType(
        intent=ShutdownVm,
        plan=plan_shutdown,
        claims=vm_with_files,
        steps=(PressPowerButtonArgs, AwaitOffArgs),
        texts=Texts(verb="shut down", doing="shutting down"),
        permission=Permission.VM_POWER,
        subject=vm_name,
        danger=Danger.CONFIRM,
    ),
    OperationType(
        intent=RebootVm,
        plan=plan_reboot,
        claims=vm_with_files,
        steps=(RebootArgs,),
        texts=Texts(verb="reboot", doing="rebooting"),
        permission=Permission.VM_POWER,
        subject=vm_name,
        danger=Danger.CONFIRM,
        undo=Undo.NEVER,
    ),
    OperationType(
        intent=ForceOffVm,
        plan=plan_force_off,
        claims=vm_with_files,
        steps=(ForceOffArgs,),
        texts=Texts(verb="force off", doing="forcing off"),
        permission=Permission.VM_POWER,
        subject=vm_name,
        danger=Danger.CONFIRM,
        undo=Undo.NEVER,
    ),
    OperationType(
        intent=PauseVm,
        plan=plan_pause,
        claims=lambda intent, _fleet: [cpus_alone(intent.vm)],
        steps=(PauseArgs,),
        texts=Texts(verb="pause", doing="pausing"),
        permission=Permission.VM_POWER,
        subject=vm_name,
        danger=Danger.CONFIRM,
    ),
    OperationType(
        intent=ResumeVm,
        plan=plan_resume,
        claims=vm_with_files,
        steps=(SetRunningArgs,),
        texts=Texts(verb="resume", doing="resuming"),
        permission=Permission.VM_POWER,
        subject=vm_name,
        danger=Danger.TYPE_NAME,
    ),
)
