"""What a definition says of a VM: its name, and whether it starts with its host."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from novacron.model.fleet import Fleet, Sighting
from novacron.model.ids import VmId
from novacron.model.operations.intent import VmIntent
from novacron.model.operations.step import StepArgs
from novacron.model.operations.type import OperationType, Permission, Texts
from novacron.model.plan.guards import find_vm, refuse_elsewhere, refuse_job, refuse_state, vm_basis, vm_line, vm_name
from novacron.model.plan.input_limits import refuse_name
from novacron.model.plan.plan import Danger, Plan, PlannedStep, Undo
from novacron.model.plan.resources import name_alone, vm_with_files
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.work.claim import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameVm(VmIntent):
    """Give it another name; it must be shut off."""

    new_name: str
    kind: Literal["rename"] = "rename"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAutostart(VmIntent):
    """Start it with its host, or not."""

    enabled: bool
    kind: Literal["autostart"] = "autostart"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameArgs(StepArgs):
    """Give a VM another name."""

    vm: VmId
    new_name: str
    type: Literal["rename"] = "rename"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAutostartArgs(StepArgs):
    """Have a VM start with its host, or not."""

    vm: VmId
    enabled: bool
    type: Literal["set-autostart"] = "set-autostart"


def plan_rename(intent: RenameVm, fleet: Fleet) -> Plan | Refusal:
    """Plan to give a shut-off VM another name."""
    seen = find_vm(fleet, intent.vm, intent.host)
    if isinstance(seen, Refusal):
        return seen
    refusal = refuse_name(intent.new_name) or refuse_elsewhere(fleet, seen) or _taken(intent, seen)
    if refusal is not None:
        return refusal
    if seen.vm.is_active:
        return refuse_state(seen, "be renamed", "shut it down first")
    title = f"rename {seen.vm.name} to {intent.new_name} on {intent.host}"
    return Plan(
        intent=intent,
        title=title,
        subject=seen.vm.name,
        steps=(
            PlannedStep(
                id="rename",
                args=RenameArgs(host=intent.host, vm=intent.vm, new_name=intent.new_name),
                title=title,
            ),
        ),
        touches=(vm_line(seen),),
        danger=Danger.CONFIRM,
        undo_how="rename it back",
        basis=vm_basis(fleet, intent.vm),
    )


def plan_autostart(intent: SetAutostart, fleet: Fleet) -> Plan | Refusal:
    """Plan to start the VM with its host, or not."""
    seen = find_vm(fleet, intent.vm, intent.host)
    if isinstance(seen, Refusal):
        return seen
    if not seen.vm.persistent:
        return refuse_state(seen, "have autostart", "it is transient: it has no stored definition")
    if (refusal := refuse_job(seen)) is not None:
        return refusal
    if intent.enabled:
        # A host that boots starts it without asking us: two hosts must never both do that.
        refusal = _autostarts_elsewhere(fleet, seen)
        if refusal is not None:
            return refusal
    title = f"turn autostart {'on' if intent.enabled else 'off'} for {seen.vm.name} on {intent.host}"
    return Plan(
        intent=intent,
        title=title,
        subject=seen.vm.name,
        steps=(
            PlannedStep(
                id="autostart",
                args=SetAutostartArgs(host=intent.host, vm=intent.vm, enabled=intent.enabled),
                title=title,
            ),
        ),
        touches=(vm_line(seen),),
        undo_how=f"turn it {'off' if intent.enabled else 'on'} again",
        basis=vm_basis(fleet, intent.vm),
    )


def _taken(intent: RenameVm, seen: Sighting) -> Refusal | None:
    others = seen.host.reading.vms if seen.host.reading else ()
    if all(vm.name != intent.new_name for vm in others):
        return None
    return Refusal(
        code=RefusalCode.NAME_TAKEN,
        subject=intent.new_name,
        reason=f"{intent.host} already has a VM of this name",
        remedy="choose another name",
    )


def _autostarts_elsewhere(fleet: Fleet, seen: Sighting) -> Refusal | None:
    found = fleet.find_vm(seen.vm.id)
    for other in found.sightings if found else ():
        if other.host.id != seen.host.id and (other.vm.is_active or other.vm.autostart):
            return Refusal(
                code=RefusalCode.ACTIVE_ELSEWHERE,
                subject=seen.vm.name,
                reason=f"{other.host.id} has it too, {other.vm.state}",
                remedy=f"remove one of the two definitions; turn autostart off on {other.host.id}",
            )
    return None


def _claims_of_rename(intent: RenameVm, fleet: Fleet) -> Iterator[Claim]:
    yield from vm_with_files(intent, fleet)
    seen = fleet.sighting(intent.vm, intent.host)
    names = {intent.new_name, *((seen.vm.name,) if seen else ())}
    yield from (name_alone(intent.host, name) for name in sorted(names))


TYPES: Final[tuple[OperationType[Any], ...]] = (
    OperationType(
        intent=RenameVm,
        plan=plan_rename,
        claims=_claims_of_rename,
        steps=(RenameArgs,),
        texts=Texts(verb="rename", doing="renaming"),
        permission=Permission.VM_EDIT,
        danger=Danger.CONFIRM,
        undo=Undo.REVERSIBLE,
        subject=vm_name,
    ),
    OperationType(
        intent=SetAutostart,
        plan=plan_autostart,
        claims=vm_with_files,
        steps=(SetAutostartArgs,),
        texts=Texts(verb="set autostart of", doing="setting autostart"),
        permission=Permission.VM_EDIT,
        danger=Danger.NONE,
        undo=Undo.REVERSIBLE,
        subject=vm_name,
    ),
)
