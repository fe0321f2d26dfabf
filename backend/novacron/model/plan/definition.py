"""Plans for what a VM's definition says: rename, autostart."""

from novacron.model.fleet import Fleet, Sighting
from novacron.model.intent import RenameVm, SetAutostart
from novacron.model.plan.guards import find_vm, refuse_elsewhere, refuse_job, refuse_state, vm_basis, vm_line
from novacron.model.plan.names import refuse_name
from novacron.model.plan.plan import Danger, Plan, PlannedStep
from novacron.model.refusal import Refusal, RefusalCode


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
        steps=(PlannedStep(name="rename", title=title),),
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
        steps=(PlannedStep(name="autostart", title=title),),
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
