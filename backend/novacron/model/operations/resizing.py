"""Plans for a VM's vCPUs and memory: what takes effect now, what at its next start, and what its definition forbids."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from novacron.model.fleet import Fleet, Sighting
from novacron.model.ids import VmId
from novacron.model.operations.intent import VmIntent
from novacron.model.operations.step import StepArgs
from novacron.model.operations.type import OperationType, Permission, Texts
from novacron.model.plan.guards import find_vm, refuse_job, vm_basis, vm_line, vm_name
from novacron.model.plan.input_limits import refuse_memory, refuse_vcpus
from novacron.model.plan.plan import Danger, Plan, PlannedStep, Undo
from novacron.model.plan.resources import vm_with_files
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmReading, VmSize

_EDIT = "change it in the definition: virsh edit"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizeVm(VmIntent):
    """Set vCPUs and memory. Live within its maxima where it runs; beyond them at its next start."""

    vcpus: int | None = None
    memory_mib: int | None = None
    kind: Literal["resize"] = "resize"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizeArgs(StepArgs):
    """Set vCPUs and memory, in the definition and in the process."""

    vm: VmId
    vcpus: int | None = None
    """None: as they are."""
    memory_mib: int | None = None
    """None: as it is."""
    type: Literal["resize"] = "resize"


def plan_resize(intent: ResizeVm, fleet: Fleet) -> Plan | Refusal:
    """Plan to set vCPUs and memory."""
    seen = find_vm(fleet, intent.vm, intent.host)
    if isinstance(seen, Refusal):
        return seen
    refusal = refuse_job(seen) or _bad_size(intent, seen) or _not_as_defined(intent, seen)
    if refusal is not None:
        return refusal
    vm = seen.vm
    sizes = [f"{intent.vcpus} vCPUs"] if intent.vcpus is not None else []
    sizes += [f"{intent.memory_mib} MiB"] if intent.memory_mib is not None else []
    title = f"resize {vm.name} on {intent.host} to {' and '.join(sizes)}"
    before = _stored(vm)
    return Plan(
        intent=intent,
        title=title,
        subject=vm.name,
        steps=(
            PlannedStep(
                id="resize",
                args=ResizeArgs(host=intent.host, vm=intent.vm, vcpus=intent.vcpus, memory_mib=intent.memory_mib),
                title=title,
            ),
        ),
        touches=(vm_line(seen),),
        warnings=tuple(_warnings(intent, vm)),
        danger=Danger.CONFIRM,
        undo_how=f"set {before.vcpus} vCPUs and {before.memory_mib} MiB again; a maximum that was raised stays",
        basis=vm_basis(fleet, intent.vm),
    )


def _stored(vm: VmReading) -> VmSize:
    """Return the size of its next start; of a VM that has none, or whose definition was not read, that of now."""
    return vm.sizing.at_next_start or VmSize(
        vcpus=vm.vcpus,
        vcpus_max=vm.vcpus if vm.vcpus_max is None else vm.vcpus_max,
        memory_mib=vm.memory_mib,
        memory_max_mib=vm.memory_max_mib,
    )


def _warnings(intent: ResizeVm, vm: VmReading) -> Iterator[str]:
    stored = _stored(vm)
    if not vm.persistent:
        yield "it is transient: its new size lasts until it is powered off"
    else:
        if intent.vcpus is not None and intent.vcpus > stored.vcpus_max:
            yield f"its maximum of {stored.vcpus_max} vCPUs is raised to {intent.vcpus}"
        if intent.memory_mib is not None and vm.sizing.has_balloon:
            yield from _memory_warnings(intent.memory_mib, stored)
    if vm.is_active:
        yield from _live_warnings(intent, vm)


def _memory_warnings(memory_mib: int, stored: VmSize) -> Iterator[str]:
    if memory_mib > stored.memory_max_mib:
        yield f"its maximum of {stored.memory_max_mib} MiB is raised to {memory_mib} MiB"
    elif memory_mib < stored.memory_max_mib:
        yield f"its maximum stays {stored.memory_max_mib} MiB: a guest without a balloon driver uses all of it"


def _live_warnings(intent: ResizeVm, vm: VmReading) -> Iterator[str]:
    """Say what a running guest cannot take."""
    later = "takes effect at its next start"
    most = vm.vcpus_max
    if intent.vcpus is not None and most is not None and intent.vcpus > most:
        yield f"it runs with room for {most} vCPUs: {intent.vcpus} {later}"
    elif intent.vcpus is not None and intent.vcpus != vm.vcpus and vm.persistent:
        yield f"if its guest cannot take {intent.vcpus} vCPUs now, that {later}"
    if intent.memory_mib is None:
        return
    if not vm.sizing.has_balloon:
        yield f"it has no balloon: {intent.memory_mib} MiB {later}"
    elif intent.memory_mib > vm.memory_max_mib:
        yield f"it runs with at most {vm.memory_max_mib} MiB: {intent.memory_mib} MiB {later}"


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


def _not_as_defined(intent: ResizeVm, seen: Sighting) -> Refusal | None:
    """Say what its definition, or the lack of a stored one, does not allow."""
    vm = seen.vm
    if vm.sizing.has_saved_memory and not vm.is_active:
        return Refusal(
            code=RefusalCode.WRONG_STATE,
            subject=vm.name,
            reason="its memory was saved, and its next start restores the size of that time",
            remedy=f"start it and resize it while it runs, or drop what was saved: virsh managedsave-remove {vm.name}",
        )
    if not vm.persistent:
        found = _no_room_in_process(intent, vm)
    else:
        found = _fixed_vcpus(intent, vm) or _fixed_memory(intent, vm)
    if found is None:
        return None
    return Refusal(code=RefusalCode.INVALID, subject=vm.name, reason=found[0], remedy=found[1])


def _no_room_in_process(intent: ResizeVm, vm: VmReading) -> tuple[str, str] | None:
    transient, again = "it is transient, so only what runs can change", "start it anew with another definition"
    if intent.vcpus is not None and vm.vcpus_max is not None and intent.vcpus > vm.vcpus_max:
        return f"{transient}: it was started with room for {vm.vcpus_max} vCPUs", f"choose no more, or {again}"
    if intent.memory_mib is not None and not vm.sizing.has_balloon:
        return f"{transient}: it has no balloon to change its memory by", again
    if intent.memory_mib is not None and intent.memory_mib > vm.memory_max_mib:
        return f"{transient}: it was started with at most {vm.memory_max_mib} MiB", f"choose no more, or {again}"
    return None


def _fixed_vcpus(intent: ResizeVm, vm: VmReading) -> tuple[str, str] | None:
    most, sizing = _stored(vm).vcpus_max, vm.sizing
    if intent.vcpus is None or intent.vcpus <= most:
        return None
    choose = f"choose at most {most}, or {_EDIT}"
    if sizing.topology_vcpus is not None and sizing.topology_vcpus != intent.vcpus:
        return f"its CPU topology is made for {sizing.topology_vcpus} vCPUs", choose
    if sizing.numa_cells:
        return f"its {most} vCPUs are divided among {_cells(sizing.numa_cells)}", choose
    return None


def _fixed_memory(intent: ResizeVm, vm: VmReading) -> tuple[str, str] | None:
    stored, sizing = _stored(vm), vm.sizing
    if intent.memory_mib is None or not sizing.numa_cells or intent.memory_mib == stored.memory_mib:
        return None
    divided = f"its {stored.memory_max_mib} MiB are divided among {_cells(sizing.numa_cells)}"
    if not sizing.has_balloon:
        return f"{divided}, and it has no balloon", _EDIT
    if intent.memory_mib > stored.memory_max_mib:
        return divided, f"choose at most {stored.memory_max_mib} MiB, or {_EDIT}"
    return None


def _cells(count: int) -> str:
    return f"{count} NUMA cell{'s' if count > 1 else ''}"


TYPES: Final[tuple[OperationType[Any], ...]] = (
    OperationType(
        intent=ResizeVm,
        plan=plan_resize,
        claims=vm_with_files,
        steps=(ResizeArgs,),
        texts=Texts(verb="resize", doing="resizing"),
        permission=Permission.VM_EDIT,
        danger=Danger.CONFIRM,
        undo=Undo.REVERSIBLE,
        subject=vm_name,
    ),
)
