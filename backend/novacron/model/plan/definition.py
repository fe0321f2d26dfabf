"""Plans for what a VM's definition says: rename, autostart, resize."""

from novacron.model.fleet import Fleet, Sighting
from novacron.model.intent import RenameVm, ResizeVm, SetAutostart
from novacron.model.plan.guards import find_vm, refuse_elsewhere, refuse_job, refuse_state, vm_basis, vm_line
from novacron.model.plan.names import refuse_memory, refuse_name, refuse_vcpus
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


def plan_resize(intent: ResizeVm, fleet: Fleet) -> Plan | Refusal:
    """Plan to set vCPUs and memory."""
    seen = find_vm(fleet, intent.vm, intent.host)
    if isinstance(seen, Refusal):
        return seen
    refusal = refuse_job(seen) or _bad_size(intent, seen)
    if refusal is not None:
        return refusal
    sizes = [f"{intent.vcpus} vCPUs"] if intent.vcpus is not None else []
    sizes += [f"{intent.memory_mib} MiB"] if intent.memory_mib is not None else []
    title = f"resize {seen.vm.name} on {intent.host} to {' and '.join(sizes)}"
    live = "what its running guest cannot take takes effect at its next start"
    return Plan(
        intent=intent,
        title=title,
        subject=seen.vm.name,
        steps=(PlannedStep(name="resize", title=title),),
        touches=(vm_line(seen),),
        warnings=(live,) if seen.vm.is_active else (),
        danger=Danger.CONFIRM,
        undo_how=f"set {seen.vm.vcpus} vCPUs and {seen.vm.memory_max_mib} MiB again",
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


def _bad_size(intent: ResizeVm, seen: Sighting) -> Refusal | None:
    if intent.vcpus is None and intent.memory_mib is None:
        return Refusal(code=RefusalCode.INVALID, subject=seen.vm.name, reason="no new size was given")
    if intent.vcpus is not None and (refusal := refuse_vcpus(intent.vcpus)):
        return refusal
    if intent.memory_mib is not None and (refusal := refuse_memory(intent.memory_mib)):
        return refusal
    facts = seen.host.reading.facts if seen.host.reading else None
    if facts and intent.memory_mib is not None and 0 < facts.memory_mib < intent.memory_mib:
        return Refusal(
            code=RefusalCode.NO_ROOM,
            subject=seen.vm.name,
            reason=f"{seen.host.id} has {facts.memory_mib} MiB in all",
            remedy="choose less, or move the VM to a larger host",
        )
    return None
