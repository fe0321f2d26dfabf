"""Words and shapes for states: how a VM, a link, an operation and an alert call themselves, in which role."""

from typing import Final

from novacron.model.alert.alert import Severity
from novacron.model.fleet import FleetVm
from novacron.model.link import NEEDS_PERSON, Link, LinkStatus
from novacron.model.operation import Operation, OperationState, StepState
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.registry import texts_of
from novacron.model.operations.unknown import UnknownIntent
from novacron.model.vm import StateReason, VmState
from novacron_tui.present.cells import Role
from novacron_tui.present.glyphs import Glyphs
from novacron_tui.present.quantity import fraction

_VM_ROLES: Final = {
    VmState.RUNNING: Role.RUNNING,
    VmState.PAUSED: Role.PAUSED,
    VmState.SHUTTING_DOWN: Role.MIGRATING,
    VmState.SHUT_OFF: Role.OFF,
    VmState.CRASHED: Role.CRASHED,
    VmState.SUSPENDED: Role.PAUSED,
}
_BAD_REASONS: Final = frozenset(
    {StateReason.IO_ERROR, StateReason.CRASHED, StateReason.POSTCOPY_FAILED, StateReason.API_ERROR}
)


def vm_glyph(state: VmState, glyphs: Glyphs) -> str:
    """Return the shape of a power state."""
    return {
        VmState.RUNNING: glyphs.running,
        VmState.PAUSED: glyphs.paused,
        VmState.SHUTTING_DOWN: glyphs.busy,
        VmState.SHUT_OFF: glyphs.off,
        VmState.CRASHED: glyphs.crashed,
        VmState.SUSPENDED: glyphs.suspended,
    }[state]


def vm_role(state: VmState, reason: StateReason = StateReason.NONE) -> Role:
    """Return the role of a power state; a pause nobody wished for is as bad as a crash."""
    return Role.CRASHED if reason in _BAD_REASONS else _VM_ROLES[state]


def vm_word(vm: FleetVm) -> str:
    """Return what a filter calls the VM's state: "unknown" when its host does not answer.

    One that crashed is off to its hypervisor; nobody who looks for trouble may find it among those shut down.
    """
    if not vm.home.is_current:
        return "unknown"
    return "crashed" if vm.home.vm.reason is StateReason.CRASHED else vm.home.vm.state.value


def runs_twice(vm: FleetVm) -> bool:
    """Tell whether two hosts say, now, that they run it."""
    return bool(vm.others) and len(vm.running_copies) > 1


def kind_name(intent: Intent) -> str:
    """Return what its kind is called, also of a kind that this version does not know."""
    return intent.named if isinstance(intent, UnknownIntent) else intent.kind


def doing(operation: Operation) -> str:
    """Return what is being done, with how far it is: "migrating 43%"; "waiting" before anything was done."""
    if operation.is_waiting:
        return "waiting"
    if operation.state is OperationState.CANCELLING:
        return "cancelling"
    if operation.state is OperationState.SETTLING:
        return "settling"
    word = texts_of(operation.intent).doing
    far = operation.progress.fraction
    return word if far is None else f"{word} {fraction(far)}"


def doing_glyph(operation: Operation, glyphs: Glyphs) -> str:
    """Return the shape of work under way."""
    if operation.is_waiting:
        return glyphs.suspended
    return glyphs.migrating if isinstance(operation.intent, MigrateVm) else glyphs.busy


def operation_word(operation: Operation) -> str:
    """Return what its state is called: "waiting" while it is accepted and has not begun."""
    return "waiting" if operation.is_waiting else operation.state.value


def operation_sign(operation: Operation, glyphs: Glyphs) -> tuple[str, Role]:
    """Return shape and role of an operation by its state; one that waits has one of its own."""
    return (glyphs.suspended, Role.PAUSED) if operation.is_waiting else state_sign(operation.state, glyphs)


def state_sign(state: OperationState, glyphs: Glyphs) -> tuple[str, Role]:
    """Return shape and role of an operation's state."""
    return {
        OperationState.ACCEPTED: (glyphs.busy, Role.MIGRATING),
        OperationState.RUNNING: (glyphs.busy, Role.MIGRATING),
        OperationState.CANCELLING: (glyphs.busy, Role.WARNING),
        OperationState.SETTLING: (glyphs.unknown, Role.WARNING),
        OperationState.DONE: (glyphs.done, Role.GOOD),
        OperationState.FAILED: (glyphs.failed, Role.CRITICAL),
        OperationState.CANCELLED: (glyphs.off, Role.OFF),
        OperationState.NEEDS_ATTENTION: (glyphs.attention, Role.CRITICAL),
    }[state]


def step_sign(state: StepState, glyphs: Glyphs) -> tuple[str, Role]:
    """Return shape and role of a step's state."""
    return {
        StepState.PENDING: (glyphs.off, Role.DIM),
        StepState.STARTED: (glyphs.busy, Role.MIGRATING),
        StepState.FINISHED: (glyphs.done, Role.GOOD),
        StepState.FAILED: (glyphs.failed, Role.CRITICAL),
    }[state]


def link_sign(link: Link, glyphs: Glyphs) -> tuple[str, Role]:
    """Return shape and role of the link to a host."""
    if link.status is LinkStatus.UP:
        return glyphs.running, Role.RUNNING
    if link.status is LinkStatus.CONNECTING:
        return glyphs.busy, Role.MIGRATING
    if link.status is LinkStatus.STALE:
        return glyphs.unknown, Role.WARNING
    return (glyphs.attention if link.status in NEEDS_PERSON else glyphs.crashed), Role.CRITICAL


def severity_sign(severity: Severity, glyphs: Glyphs) -> tuple[str, Role]:
    """Return shape and role of a severity."""
    return {
        Severity.CRITICAL: (glyphs.crashed, Role.CRITICAL),
        Severity.WARNING: (glyphs.attention, Role.WARNING),
    }[severity]
