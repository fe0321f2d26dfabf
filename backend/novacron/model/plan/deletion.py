"""Plans for what cannot be undone: deleting a VM or a volume."""

from novacron.model.fleet import Fleet
from novacron.model.intent import DeleteVm, DeleteVolume
from novacron.model.plan.disks import disk_fates, fate_line, identity_text, refuse_unknown_users
from novacron.model.plan.file_users import depends_on, users_of
from novacron.model.plan.guards import (
    find_host,
    find_vm,
    refuse_elsewhere,
    refuse_job,
    refuse_state,
    vm_basis,
    vm_line,
    vouched_lines,
)
from novacron.model.plan.plan import Danger, Plan, PlannedStep, Undo
from novacron.model.refusal import Refusal, RefusalCode

DELETE_DISK = "delete-disk:"
"""Begins the name of a step that deletes one disk; its path follows, so that the journal knows it for good:
once the definition is gone nothing else does."""


def plan_delete(intent: DeleteVm, fleet: Fleet) -> Plan | Refusal:
    """Plan to remove a definition, with its disks or without.

    A left-over definition may go while the VM runs on another host; its disks may not.
    """
    seen = find_vm(fleet, intent.vm, intent.host)
    if isinstance(seen, Refusal):
        return seen
    if seen.vm.is_active:
        return refuse_state(seen, "be deleted", "shut it down or force it off first")
    refusal = refuse_job(seen) or (refuse_elsewhere(fleet, seen, intent.vouched) if intent.with_disks else None)
    if refusal is not None:
        return refusal
    name = seen.vm.name
    steps = [PlannedStep(name="undefine", title=f"remove the definition of {name} from {intent.host}")]
    touches, warnings = [vm_line(seen)], []
    fates = disk_fates(fleet, seen, intent.vouched) if intent.with_disks else ()
    for fate in fates:
        path = fate.disk.source
        if fate.keep_because:
            warnings.append(f"keeps {path}: {fate.keep_because}")
        elif refusal := refuse_unknown_users(fleet, seen.host, path, intent.vouched):
            return refusal
        else:
            title = f"delete {path} on {intent.host}"
            steps.append(PlannedStep(name=f"{DELETE_DISK}{path}", title=title, expects=identity_text(fate.disk.file)))
            touches.append(f"disk {path} on {intent.host}: its data is lost")
    if not intent.with_disks:
        warnings += [f"keeps {disk.source}" for disk in seen.vm.disks if disk.source]
    basis = [*vm_basis(fleet, intent.vm), *(fate_line(fate) for fate in fates)]
    return Plan(
        intent=intent,
        title=f"delete {name} on {intent.host}{' with its disks' if intent.with_disks else ''}",
        subject=name,
        steps=tuple(steps),
        touches=tuple(touches),
        warnings=(*vouched_lines(intent.vouched), *warnings),
        danger=Danger.TYPE_NAME,
        undo=Undo.NEVER,
        basis=tuple(basis),
    )


def plan_delete_volume(intent: DeleteVolume, fleet: Fleet) -> Plan | Refusal:
    """Plan to delete one volume that nothing uses."""
    host = find_host(fleet, intent.host)
    if isinstance(host, Refusal):
        return host
    pools = host.reading.pools if host.reading else ()
    pool = next((pool for pool in pools if pool.name == intent.pool), None)
    volume = next((v for v in (pool.volumes if pool else ()) if v.name == intent.volume), None)
    if pool is None or volume is None:
        what = f"no volume {intent.volume} in pool" if pool else "no pool"
        return _refusal(RefusalCode.NOT_FOUND, intent, f"{intent.host} has {what} {intent.pool}", "look again")
    users = users_of(fleet, host, volume.path, vouched=intent.vouched)
    if users:
        return _refusal(RefusalCode.IN_USE, intent, f"{', '.join(users)} uses it", "delete that VM first")
    dependants = depends_on(fleet, host, volume.path, vouched=intent.vouched)
    if dependants:
        reason = f"it is the base image of {', '.join(dependants)}"
        return _refusal(RefusalCode.IN_USE, intent, reason, "delete those first")
    unknown = refuse_unknown_users(fleet, host, volume.path, intent.vouched)
    if unknown is not None:
        return unknown
    title = f"delete volume {volume.name} in {pool.name} on {intent.host}"
    return Plan(
        intent=intent,
        title=title,
        subject=volume.name,
        steps=(PlannedStep(name="delete-volume", title=title, expects=identity_text(volume.file)),),
        touches=(f"volume {volume.path} on {intent.host}: {volume.allocation_mib} MiB of data are lost",),
        warnings=vouched_lines(intent.vouched),
        danger=Danger.TYPE_NAME,
        undo=Undo.NEVER,
        basis=(f"volume {volume.path} ({identity_text(volume.file)}) of pool {pool.name} ({pool.id})",),
    )


def _refusal(code: RefusalCode, intent: DeleteVolume, reason: str, remedy: str) -> Refusal:
    return Refusal(code=code, subject=intent.volume, reason=reason, remedy=remedy)
