"""Disks of a VM that exists: attached and detached, while it runs and for its next start."""

from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any, Final, Literal

from novacron.model.device import DiskAttachment, DiskBus
from novacron.model.fleet import Fleet, Host, Sighting
from novacron.model.ids import HostId, VmId
from novacron.model.operation import Operation
from novacron.model.operations.intent import VmIntent
from novacron.model.operations.step import StepArgs
from novacron.model.operations.type import OperationType, Permission, Texts
from novacron.model.plan.device_scope import DeviceScope, DeviceSides, sides_of
from novacron.model.plan.disks import identity_text, refuse_unknown_users
from novacron.model.plan.file_users import depends_on, users_of
from novacron.model.plan.guards import find_vm, refuse_job, vm_basis, vm_line, vm_name, vouched_lines
from novacron.model.plan.plan import Danger, Plan, PlannedStep
from novacron.model.plan.resources import disk_key, pool_key, vm_with_files, volume_keys
from novacron.model.refusal import Refusal, RefusalCode, invalid
from novacron.model.storage import Volume
from novacron.model.vm import VmDisk, VmReading
from novacron.model.work.claim import Claim, exclusive, shared

_PREFIXES: Final = {DiskBus.VIRTIO: "vd", DiskBus.SCSI: "sd", DiskBus.SATA: "sd", DiskBus.USB: "sd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachDisk(VmIntent):
    """Give a VM a volume as a further disk."""

    pool: str
    volume: str
    target: str = ""
    """Device name in the definition, such as vdb; empty: the next that is free."""
    bus: DiskBus = DiskBus.VIRTIO
    readonly: bool = False
    scope: DeviceScope = DeviceScope.BOTH
    vouched: tuple[HostId, ...] = ()
    """Hosts that do not answer, of which a person vouches that they do not have or need the volume."""
    kind: Literal["attach-disk"] = "attach-disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachDisk(VmIntent):
    """Take a disk from a VM; what is on it stays."""

    target: str
    """Device name in the definition, such as vdb."""
    scope: DeviceScope = DeviceScope.BOTH
    kind: Literal["detach-disk"] = "detach-disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachDiskArgs(StepArgs):
    """Attach a disk, and see that it is there."""

    vm: VmId
    disk: DiskAttachment
    live: bool
    stored: bool
    expects: str = ""
    """Which file it is about, by its identity, as it was confirmed; empty when that was not known."""
    vouched: tuple[HostId, ...] = ()
    """Hosts that do not answer, of which a person vouches that they do not need it."""
    type: Literal["attach-disk"] = "attach-disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachDiskArgs(StepArgs):
    """Detach a disk, and see that it is gone."""

    vm: VmId
    target: str
    live: bool
    stored: bool
    type: Literal["detach-disk"] = "detach-disk"


def plan_attach_disk(intent: AttachDisk, fleet: Fleet) -> Plan | Refusal:
    """Plan to attach a volume that nothing else needs."""
    seen = find_vm(fleet, intent.vm, intent.host)
    if isinstance(seen, Refusal):
        return seen
    sides = sides_of(seen, intent.scope)
    if isinstance(sides, Refusal):
        return sides
    volume = _free_volume(intent, fleet, seen.host)
    target = _target(intent, seen.vm)
    for answer in (refuse_job(seen), volume, target, _refuse_bus(intent, seen, sides)):
        if isinstance(answer, Refusal):
            return answer
    assert isinstance(volume, Volume)  # noqa: S101 - the refusals were returned
    title = f"attach {volume.name} as {target} to {seen.vm.name} on {intent.host}"
    return Plan(
        intent=intent,
        title=title,
        subject=seen.vm.name,
        steps=(PlannedStep(id="attach-disk", args=_attachment(intent, volume, str(target), sides), title=title),),
        touches=(vm_line(seen), f"disk {volume.path} on {intent.host}: opened by {seen.vm.name}, {sides}"),
        warnings=vouched_lines(intent.vouched),
        danger=Danger.TYPE_NAME if intent.vouched else Danger.CONFIRM,
        undo_how="detach it",
        basis=(
            *vm_basis(fleet, intent.vm),
            f"volume {volume.path} ({identity_text(volume.file)}) becomes {target}, {sides}",
        ),
    )


def plan_detach_disk(intent: DetachDisk, fleet: Fleet) -> Plan | Refusal:
    """Plan to take a disk away."""
    seen = find_vm(fleet, intent.vm, intent.host)
    if isinstance(seen, Refusal):
        return seen
    sides = sides_of(seen, intent.scope)
    if isinstance(sides, Refusal):
        return sides
    disk = _disk_at(intent.target, seen.vm, sides)
    refusal = refuse_job(seen) or (_no_disk(intent, seen) if disk is None else None)
    if refusal is not None or disk is None:
        return refusal or _no_disk(intent, seen)
    is_first = bool(seen.vm.disks) and seen.vm.disks[0].target == intent.target
    warnings = ["its guest loses it at once: unmount it there first"] if sides.live else []
    if is_first:
        warnings.append("it is its first disk: it may not start without it")
    args = DetachDiskArgs(host=intent.host, vm=intent.vm, target=intent.target, live=sides.live, stored=sides.stored)
    title = f"detach {intent.target} from {seen.vm.name} on {intent.host}"
    return Plan(
        intent=intent,
        title=title,
        subject=seen.vm.name,
        steps=(PlannedStep(id="detach-disk", args=args, title=title),),
        touches=(vm_line(seen), f"disk {disk.source or intent.target}: taken from it {sides}; its data stays"),
        warnings=tuple(warnings),
        danger=Danger.TYPE_NAME if is_first and sides.live else Danger.CONFIRM,
        undo_how="attach it again",
        can_cancel=sides.live,
        basis=(*vm_basis(fleet, intent.vm), f"disk {intent.target} is {disk.source}, taken {sides}"),
    )


def _free_volume(intent: AttachDisk, fleet: Fleet, host: Host) -> Volume | Refusal:
    """Return the volume, or why it may not be attached."""
    pools = host.reading.pools if host.reading else ()
    pool = next((one for one in pools if one.name == intent.pool), None)
    volume = next((one for one in (pool.volumes if pool else ()) if one.name == intent.volume), None)
    if volume is None:
        what = f"no volume {intent.volume} in pool" if pool else "no pool"
        reason = f"{intent.host} has {what} {intent.pool}"
        return Refusal(code=RefusalCode.NOT_FOUND, subject=intent.volume, reason=reason, remedy="look again")
    besides = intent.vm if intent.scope is not DeviceScope.BOTH else ""
    users = users_of(fleet, host, volume.path, besides=besides, vouched=intent.vouched)
    dependants = depends_on(fleet, host, volume.path, vouched=intent.vouched)
    if users or dependants:
        reason = f"{', '.join(users)} uses it" if users else f"it is the base image of {', '.join(dependants)}"
        return Refusal(code=RefusalCode.IN_USE, subject=volume.name, reason=reason, remedy="choose another volume")
    return refuse_unknown_users(fleet, host, volume.path, intent.vouched) or volume


def _target(intent: AttachDisk, vm: VmReading) -> str | Refusal:
    """Return the device name, or why it cannot be that one."""
    taken = {disk.target for disk in (*vm.disks, *vm.disks_at_next_start)}
    prefix = _PREFIXES[intent.bus]
    names = [f"{prefix}{letter}" for letter in ascii_lowercase]
    if not intent.target:
        free = next((name for name in names if name not in taken), None)
        return free or invalid(intent.volume, f"{vm.name} has no free name at {intent.bus}", "detach one first")
    if intent.target not in names:
        return invalid(intent.volume, f"{intent.target!r} is no disk at {intent.bus}", f"say {prefix}a to {prefix}z")
    return (
        invalid(intent.volume, f"{vm.name} has {intent.target} already", "name another")
        if intent.target in taken
        else (intent.target)
    )


def _refuse_bus(intent: AttachDisk, seen: Sighting, sides: DeviceSides) -> Refusal | None:
    if intent.bus is not DiskBus.SATA or not sides.live:
        return None
    reason = f"{seen.vm.name} runs, and SATA takes no disk from a guest that runs"
    return invalid(intent.volume, reason, f"ask for {DeviceScope.NEXT_START} alone, or for virtio")


def _attachment(intent: AttachDisk, volume: Volume, target: str, sides: DeviceSides) -> AttachDiskArgs:
    disk = DiskAttachment(
        path=volume.path, target=target, format=volume.format, bus=intent.bus, readonly=intent.readonly
    )
    return AttachDiskArgs(
        host=intent.host,
        vm=intent.vm,
        disk=disk,
        live=sides.live,
        stored=sides.stored,
        expects=identity_text(volume.file),
        vouched=intent.vouched,
    )


def _disk_at(target: str, vm: VmReading, sides: DeviceSides) -> VmDisk | None:
    found = (*(vm.live_disks if sides.live else ()), *(vm.disks_at_next_start if sides.stored else ()))
    return next((disk for disk in found if disk.target == target), None)


def _no_disk(intent: DetachDisk, seen: Sighting) -> Refusal:
    has = ", ".join(sorted({disk.target for disk in (*seen.vm.disks, *seen.vm.disks_at_next_start)}))
    return Refusal(
        code=RefusalCode.NOT_FOUND,
        subject=seen.vm.name,
        reason=f"it has no disk {intent.target}",
        remedy=f"it has: {has}" if has else "",
    )


def _claims_of_attachment(intent: AttachDisk, fleet: Fleet) -> Iterator[Claim]:
    yield from vm_with_files(intent, fleet)
    yield shared(pool_key(intent.host, intent.pool))
    yield from map(exclusive, volume_keys(intent.host, intent.pool, intent.volume, fleet))


def _claims_unread(operation: Operation) -> Iterator[Claim]:
    paths = (step.args.disk.path for step in operation.steps if isinstance(step.args, AttachDiskArgs))
    yield from (exclusive(disk_key(path)) for path in paths)


TYPES: Final[tuple[OperationType[Any], ...]] = (
    OperationType(
        intent=AttachDisk,
        plan=plan_attach_disk,
        claims=_claims_of_attachment,
        claims_unread=_claims_unread,
        steps=(AttachDiskArgs,),
        texts=Texts(verb="attach a disk to", doing="attaching disk"),
        permission=Permission.VM_EDIT,
        danger=Danger.TYPE_NAME,
        subject=vm_name,
        needs_inventory=lambda _intent: True,
        files=lambda intent, fleet: tuple(
            key.removeprefix("disk:")
            for key in volume_keys(intent.host, intent.pool, intent.volume, fleet)
            if key.startswith("disk:")
        ),
    ),
    OperationType(
        intent=DetachDisk,
        plan=plan_detach_disk,
        claims=vm_with_files,
        steps=(DetachDiskArgs,),
        texts=Texts(verb="detach a disk from", doing="detaching disk"),
        permission=Permission.VM_EDIT,
        danger=Danger.TYPE_NAME,
        subject=vm_name,
    ),
)
