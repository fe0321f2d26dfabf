"""Plans for a new VM from the template form."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from novacron.model.fleet import Fleet, Host
from novacron.model.operations.intent import VmIntent
from novacron.model.operations.power_steps import SetRunningArgs
from novacron.model.operations.step import StepArgs
from novacron.model.operations.type import OperationType, Permission, Texts
from novacron.model.plan.guards import find_host
from novacron.model.plan.input_limits import refuse_disk, refuse_memory, refuse_name, refuse_text, refuse_vcpus
from novacron.model.plan.plan import Danger, Plan, PlannedStep, Undo
from novacron.model.plan.resources import disk_key, memory_of, name_alone, pool_key, vm_alone, volume_keys
from novacron.model.refusal import Refusal, RefusalCode, invalid
from novacron.model.storage import Pool, Volume
from novacron.model.vm_definition import KernelBoot, NewDisk, VmDefinition
from novacron.model.work.claim import Capacity, Claim, amount_of, exclusive, shared

CREATE_DISK = "create-disk"
DEFINE = "define"
START = "start-new"


NEW_VM_VCPUS: Final = 1
NEW_VM_MEMORY_MIB: Final = 512
NEW_VM_CMDLINE: Final = "console=ttyS0"
"""Of a kernel that is booted directly, so that the serial console shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVm(VmIntent):
    """Define a new VM from a form. The UUID is chosen by who asks, so that asking twice makes one."""

    name: str
    vcpus: int = NEW_VM_VCPUS
    memory_mib: int = NEW_VM_MEMORY_MIB
    pool: str = ""
    """Name of the pool for its disk; empty: no disk."""
    disk_mib: int = 0
    """Size of a new disk; with a base image, its size when larger than the image."""
    base_volume: str = ""
    """Volume of the same pool to copy the disk from; empty: a blank disk."""
    network: str = ""
    """libvirt network; empty: no NIC."""
    kernel: str = ""
    """Path on the host for direct kernel boot, with `initrd` and `cmdline`; empty: firmware boot."""
    initrd: str = ""
    cmdline: str = ""
    start: bool = False
    description: str = ""
    kind: Literal["create"] = "create"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDiskArgs(StepArgs):
    """Make the disk of a new VM."""

    disk: NewDisk
    type: Literal["create-disk"] = "create-disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineArgs(StepArgs):
    """Define a new VM on the disk made before."""

    definition: VmDefinition
    """With no disk: where it is, is known when it is made."""
    disk_step: str = ""
    """Id of the step that makes its disk; empty: it has none."""
    type: Literal["define"] = "define"


def plan_create(intent: CreateVm, fleet: Fleet) -> Plan | Refusal:
    """Plan to make the disk, define the VM and, if asked, start it."""
    host = find_host(fleet, intent.host)
    if isinstance(host, Refusal):
        return host
    refusal = _bad_form(intent) or _taken(intent, fleet, host) or _no_network(intent, host)
    if refusal is not None:
        return refusal
    room = _room(intent, host)
    if isinstance(room, Refusal):
        return room
    where = f"on {intent.host}"
    steps = [_define(intent, f"define {intent.name} {where}")]
    touches = [f"VM {intent.name} {where}: {intent.vcpus} vCPUs, {intent.memory_mib} MiB"]
    if intent.pool:
        source = f"from {intent.base_volume}" if intent.base_volume else f"of {intent.disk_mib} MiB"
        least = f", {intent.disk_mib} MiB at least" if intent.base_volume and intent.disk_mib else ""
        title = f"make its disk {source} in pool {intent.pool} {where}"
        steps.insert(
            0, PlannedStep(id=CREATE_DISK, args=CreateDiskArgs(host=intent.host, disk=disk_of(intent)), title=title)
        )
        touches.append(f"pool {intent.pool} {where}: a new disk {source}{least}")
    if intent.start:
        started = SetRunningArgs(host=intent.host, vm=intent.vm)
        steps.append(PlannedStep(id=START, args=started, title=f"start {intent.name} {where}"))
    return Plan(
        intent=intent,
        title=f"create {intent.name} {where}",
        subject=intent.name,
        steps=tuple(steps),
        touches=tuple(touches),
        warnings=room,
        danger=Danger.CONFIRM,
        undo_how="delete it with its disks",
        can_cancel=True,
        basis=_basis(intent, host),
    )


def disk_of(intent: CreateVm) -> NewDisk:
    """Return the disk to be made for the VM."""
    return NewDisk(
        vm=intent.vm,
        vm_name=intent.name,
        pool=intent.pool,
        size_mib=intent.disk_mib,
        base_volume=intent.base_volume,
    )


def definition_of(intent: CreateVm, disk_path: str = "") -> VmDefinition:
    """Return the VM to be defined; `disk_path`: of the disk made before; empty for none."""
    boot = KernelBoot(kernel=intent.kernel, initrd=intent.initrd, cmdline=intent.cmdline) if intent.kernel else None
    return VmDefinition(
        id=intent.vm,
        name=intent.name,
        vcpus=intent.vcpus,
        memory_mib=intent.memory_mib,
        disk_path=disk_path,
        network=intent.network,
        boot=boot,
        description=intent.description,
    )


def _define(intent: CreateVm, title: str) -> PlannedStep:
    disk_step = CREATE_DISK if intent.pool else ""
    args = DefineArgs(host=intent.host, definition=definition_of(intent), disk_step=disk_step)
    return PlannedStep(id=DEFINE, args=args, title=title)


def _basis(intent: CreateVm, host: Host) -> tuple[str, ...]:
    pools = [pool for pool in (host.reading.pools if host.reading else ()) if pool.name == intent.pool]
    bases = [volume for pool in pools for volume in pool.volumes if volume.name == intent.base_volume]
    return (
        *(f"pool {pool.name} ({pool.id}) on {host.id} is at {pool.path}" for pool in pools),
        *(f"base image {volume.path}" for volume in bases),
    )


def _bad_form(intent: CreateVm) -> Refusal | None:
    refusal = refuse_name(intent.name) or refuse_vcpus(intent.vcpus) or refuse_memory(intent.memory_mib)
    for what in ("kernel", "initrd", "cmdline", "description"):
        refusal = refusal or refuse_text(what, getattr(intent, what))
    if refusal is not None:
        return refusal
    if not intent.pool and (intent.base_volume or intent.disk_mib):
        return invalid("pool", "a disk was asked for without a pool to make it in", "name a pool")
    if intent.pool and not intent.base_volume and intent.disk_mib <= 0:
        return invalid("disk", "a blank disk needs a size", "give its size in MiB, or a base image")
    if (intent.initrd or intent.cmdline) and not intent.kernel:
        return invalid("kernel", "an initrd or command line needs a kernel", "name the kernel too")
    return refuse_disk(intent.disk_mib)


def _taken(intent: CreateVm, fleet: Fleet, host: Host) -> Refusal | None:
    if any(vm.name == intent.name for vm in (host.reading.vms if host.reading else ())):
        return Refusal(
            code=RefusalCode.NAME_TAKEN,
            subject=intent.name,
            reason=f"{host.id} already has a VM of this name",
            remedy="choose another name",
        )
    known = fleet.find_vm(intent.vm)
    if known is not None:
        return Refusal(
            code=RefusalCode.IN_USE,
            subject=intent.name,
            reason=f"its UUID is {known.home.vm.name}'s on {known.home.host.id}",
            remedy="ask again with a new UUID",
        )
    return None


def _no_network(intent: CreateVm, host: Host) -> Refusal | None:
    networks = host.reading.facts.networks if host.reading else ()
    if not intent.network or intent.network in networks:
        return None
    known = f"choose one of: {', '.join(networks)}" if networks else "start one there"
    return invalid(intent.network, f"{host.id} has no active network of this name", known)


def _room(intent: CreateVm, host: Host) -> tuple[str, ...] | Refusal:
    warnings: list[str] = []
    facts = host.reading.facts if host.reading else None
    if facts and 0 < facts.memory_mib < intent.memory_mib:
        reason = f"it needs {intent.memory_mib} MiB and {host.id} has {facts.memory_mib} MiB in all"
        return Refusal(code=RefusalCode.NO_ROOM, subject=intent.name, reason=reason, remedy="choose less")
    if facts and 0 < facts.cores < intent.vcpus:
        warnings.append(f"{intent.vcpus} vCPUs on {facts.cores} cores")
    if not intent.pool:
        return tuple(warnings)
    pool = next((p for p in (host.reading.pools if host.reading else ()) if p.name == intent.pool), None)
    if pool is None:
        return invalid(intent.pool, f"{host.id} has no pool of this name", "see: novacron pools")
    if not pool.active:
        return invalid(intent.pool, f"it is not active on {host.id}", "start the pool")
    base = next((v for v in pool.volumes if v.name == intent.base_volume), None)
    if intent.base_volume and base is None:
        return invalid(intent.base_volume, f"pool {pool.name} has no such volume", "choose another base image")
    return _pool_room(intent, pool, base, warnings)


def _pool_room(intent: CreateVm, pool: Pool, base: Volume | None, warnings: list[str]) -> tuple[str, ...] | Refusal:
    if pool.available_mib is None:
        return (*warnings, f"how much is free in pool {pool.name} is not known")
    copied_mib = base.allocation_mib if base else 0
    if copied_mib > pool.available_mib:
        return Refusal(
            code=RefusalCode.NO_ROOM,
            subject=pool.name,
            reason=f"{base.name if base else ''} takes {copied_mib} MiB and {pool.available_mib} MiB are free",
            remedy="free space in the pool, or choose another",
        )
    if intent.disk_mib > pool.available_mib:
        warnings.append(f"the pool has {pool.available_mib} MiB free: the disk cannot grow to its full size")
    return tuple(warnings)


def _claims(intent: CreateVm, fleet: Fleet) -> Iterator[Claim]:
    yield from vm_alone(intent.vm)
    yield name_alone(intent.host, intent.name)
    yield from map(exclusive, _new_disk_keys(intent, fleet))
    yield from map(shared, volume_keys(intent.host, intent.pool, intent.base_volume, fleet))
    if intent.pool:
        yield shared(pool_key(intent.host, intent.pool))
    if intent.base_volume:
        yield amount_of(intent.host, Capacity.DISK_COPIES)
    if intent.start:
        yield amount_of(intent.host, Capacity.STARTS)
        yield from memory_of(intent.host, intent.memory_mib)


def _whole_pool(intent: CreateVm) -> Iterator[Claim]:
    if intent.pool:
        yield exclusive(pool_key(intent.host, intent.pool))


def _new_disk_keys(intent: CreateVm, fleet: Fleet) -> frozenset[str]:
    """Return the keys of the disk it will make: until the VM is defined, nothing else says that it is needed."""
    host = fleet.hosts.get(intent.host)
    pools = host.reading.pools if host and host.reading else ()
    folders = [pool.path.rstrip("/") for pool in pools if pool.name == intent.pool]
    names = (f"{intent.name}.qcow2", f"{intent.name}-{intent.vm[:8]}.qcow2")
    return frozenset(disk_key(f"{folder}/{name}") for folder in folders for name in names)


TYPES: Final[tuple[OperationType[Any], ...]] = (
    OperationType(
        intent=CreateVm,
        plan=plan_create,
        claims=_claims,
        claims_unread=lambda operation: _whole_pool(operation.intent),
        steps=(CreateDiskArgs, DefineArgs, SetRunningArgs),
        texts=Texts(verb="create", doing="creating"),
        permission=Permission.VM_CREATE,
        danger=Danger.CONFIRM,
        undo=Undo.REVERSIBLE,
        subject=lambda intent, _fleet: intent.name,
        needs_inventory=lambda _intent: True,
    ),
)
