"""Deleting a VM: its definition, and its disks if asked. It cannot be undone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from novacron.model.fleet import Fleet
from novacron.model.ids import HostId, VmId
from novacron.model.operation import Operation
from novacron.model.operations.intent import VmIntent
from novacron.model.operations.step import StepArgs
from novacron.model.operations.type import OperationType, Permission, Texts
from novacron.model.plan.disks import DiskFate, disk_fates, fate_line, identity_text, refuse_unknown_users
from novacron.model.plan.guards import (
    find_vm,
    refuse_elsewhere,
    refuse_job,
    refuse_state,
    vm_basis,
    vm_line,
    vm_name,
    vouched_lines,
)
from novacron.model.plan.plan import Danger, Plan, PlannedStep, Undo
from novacron.model.plan.resources import disk_key, file_keys, pools_below, vm_alone, vm_with_files
from novacron.model.refusal import Refusal
from novacron.model.work.claim import Claim, exclusive, shared

DELETE_DISK: Final = "delete-disk:"
"""Begins the id of a step that deletes one disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVm(VmIntent):
    """Remove its definition, with its disks or without."""

    with_disks: bool = False
    vouched: tuple[HostId, ...] = ()
    """Hosts that do not answer, of which a person vouches that they do not have or need it."""
    kind: Literal["delete"] = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class UndefineArgs(StepArgs):
    """Remove a definition."""

    vm: VmId
    type: Literal["undefine"] = "undefine"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDiskArgs(StepArgs):
    """Delete one disk of a deleted VM: once the definition is gone, nothing else knows it."""

    path: str
    expects: str = ""
    """Which file it is about, by its identity, as it was confirmed; empty when that was not known."""
    vouched: tuple[HostId, ...] = ()
    """Hosts that do not answer, of which a person vouches that they do not need it."""
    type: Literal["delete-disk"] = "delete-disk"


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
    undefine = UndefineArgs(host=intent.host, vm=intent.vm)
    steps = [PlannedStep(id="undefine", args=undefine, title=f"remove the definition of {name} from {intent.host}")]
    touches, warnings = [vm_line(seen)], []
    fates = disk_fates(fleet, seen, intent.vouched) if intent.with_disks else ()
    for fate in fates:
        path = fate.disk.source
        if fate.keep_because:
            warnings.append(f"keeps {path}: {fate.keep_because}")
        elif refusal := refuse_unknown_users(fleet, seen.host, path, intent.vouched):
            return refusal
        else:
            steps.append(_delete_disk(intent, fate))
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


def _delete_disk(intent: DeleteVm, fate: DiskFate) -> PlannedStep:
    path = fate.disk.source
    args = DeleteDiskArgs(host=intent.host, path=path, expects=identity_text(fate.disk.file), vouched=intent.vouched)
    return PlannedStep(id=f"{DELETE_DISK}{path}", args=args, title=f"delete {path} on {intent.host}")


def _files(intent: DeleteVm, fleet: Fleet) -> tuple[str, ...]:
    seen = fleet.sighting(intent.vm, intent.host) if intent.with_disks else None
    return tuple(disk.source for disk in seen.vm.disks if disk.source) if seen else ()


def _claims(intent: DeleteVm, fleet: Fleet) -> Iterator[Claim]:
    if not intent.with_disks:
        yield from vm_with_files(intent, fleet)
        return
    yield from vm_alone(intent.vm)
    seen = fleet.sighting(intent.vm, intent.host)
    if seen is None:
        return
    for fate in disk_fates(fleet, seen, intent.vouched):
        keys = file_keys([(intent.host, fate.disk.source, fate.disk.file)])
        yield from map(shared if fate.keep_because else exclusive, keys)
    yield from pools_below(seen.host, seen.vm.disks)


def _claims_unread(operation: Operation) -> Iterator[Claim]:
    paths = (step.args.path for step in operation.steps if isinstance(step.args, DeleteDiskArgs))
    yield from (exclusive(disk_key(path)) for path in paths)


TYPES: Final[tuple[OperationType[Any], ...]] = (
    OperationType(
        intent=DeleteVm,
        plan=plan_delete,
        claims=_claims,
        claims_unread=_claims_unread,
        steps=(UndefineArgs, DeleteDiskArgs),
        texts=Texts(verb="delete", doing="deleting"),
        permission=Permission.VM_DELETE,
        danger=Danger.TYPE_NAME,
        undo=Undo.NEVER,
        subject=vm_name,
        needs_inventory=lambda intent: intent.with_disks,
        files=_files,
    ),
)
