"""Plans for moving a VM to another host: live while it runs, cold while it is shut off."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from novacron.model.capability import Capability
from novacron.model.fleet import Fleet, Host, Sighting
from novacron.model.ids import HostId, VmId
from novacron.model.migration import MigrationMode
from novacron.model.operation import Operation, StepState
from novacron.model.operations.intent import VmIntent
from novacron.model.operations.step import StepArgs
from novacron.model.operations.type import OperationType, Permission, Texts
from novacron.model.plan.compatibility import MigrationFacts, assess
from novacron.model.plan.guards import (
    find_host,
    find_vm,
    refuse_elsewhere,
    refuse_incapable,
    refuse_job,
    refuse_state,
    vm_basis,
    vm_name,
    vouched_lines,
)
from novacron.model.plan.input_limits import refuse_bandwidth, refuse_downtime
from novacron.model.plan.plan import Danger, Plan, PlannedStep, Undo
from novacron.model.plan.resources import files_of_vm, memory_of, name_alone, pools_below, vm_but_cpus
from novacron.model.refusal import Refusal, RefusalCode, invalid
from novacron.model.vm import VmState
from novacron.model.work.claim import Capacity, Claim, amount_of

MIGRATE = "migrate"
SETTLE = "settle"
DEFINE_THERE = "define-there"
UNDEFINE_HERE = "undefine-here"
AUTOSTART = "autostart-there"


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateVm(VmIntent):
    """Move to another host: live while it runs, cold (definition only) while it is shut off."""

    host: HostId
    """The source."""
    destination: HostId
    mode: MigrationMode = MigrationMode.PEER_TO_PEER
    copy_storage: bool = False
    """Copy the disks along instead of relying on shared storage."""
    bandwidth_mib_s: int | None = None
    max_downtime_ms: int | None = None
    auto_converge: bool = False
    vouched: tuple[HostId, ...] = ()
    """Hosts that do not answer, of which a person vouches that they do not have or need it."""
    kind: Literal["migrate"] = "migrate"

    @property
    def hosts(self) -> tuple[HostId, ...]:
        """Source and destination."""
        return (self.host, self.destination)


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRunningArgs(StepArgs):
    """Have a running VM moved, and follow it."""

    vm: VmId
    destination: HostId
    mode: MigrationMode
    copy_storage: bool = False
    bandwidth_mib_s: int | None = None
    max_downtime_ms: int | None = None
    auto_converge: bool = False
    type: Literal["migrate"] = "migrate"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOutcomeArgs(StepArgs):
    """Read from both hosts what a live migration came to, and mend what was left half-way."""

    vm: VmId
    destination: HostId
    move_step: str
    """Id of the step that had it moved."""
    auto_converge: bool = False
    type: Literal["read-migration"] = "read-migration"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyDefinitionArgs(StepArgs):
    """Define a VM that is off at its destination, as the source has it."""

    vm: VmId
    destination: HostId
    type: Literal["copy-definition"] = "copy-definition"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropDefinitionArgs(StepArgs):
    """Remove the definition at the source, once the destination has it."""

    vm: VmId
    destination: HostId
    type: Literal["drop-definition"] = "drop-definition"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAutostartArgs(StepArgs):
    """Have a VM that moved start with its new host."""

    vm: VmId
    type: Literal["keep-autostart"] = "keep-autostart"


def is_carried(operation: Operation) -> bool:
    """Whether it is a migration that goes on for as long as the backend does, and is still to end."""
    intent = operation.intent
    if not isinstance(intent, MigrateVm) or intent.mode is MigrationMode.PEER_TO_PEER or operation.has_ended:
        return False
    state = {step.id: step.state for step in operation.steps}
    begun, read = state.get(MIGRATE, StepState.PENDING), state.get(SETTLE, StepState.PENDING)
    return begun is not StepState.PENDING and read in (StepState.PENDING, StepState.STARTED)


def refuse_migration(intent: MigrateVm, fleet: Fleet) -> Refusal | None:
    """Say what forbids the move before the destination has to be asked anything, or None."""
    seen = find_vm(fleet, intent.vm, intent.host)
    if isinstance(seen, Refusal):
        return seen
    if intent.destination == intent.host:
        return invalid(seen.vm.name, f"it is on {intent.host} already", "choose another host")
    destination = find_host(fleet, intent.destination)
    if isinstance(destination, Refusal):
        return destination
    refusal = refuse_elsewhere(fleet, seen, intent.vouched) or refuse_job(seen)
    if refusal is not None:
        return refusal
    if seen.vm.state is VmState.RUNNING:
        off = "shut it down and move it while it is off"
        incapable = (refuse_incapable(host, Capability.MIGRATE, off) for host in (seen.host, destination))
        return next(filter(None, incapable), None) or _bad_limits(intent) or _no_way(intent, destination)
    if seen.vm.is_active:
        return refuse_state(seen, "be migrated", "resume it first, or force it off")
    return None


def plan_migration(intent: MigrateVm, fleet: Fleet, facts: MigrationFacts) -> Plan | Refusal:
    """Plan to move the VM, by what its destination said of it."""
    refusal = refuse_migration(intent, fleet)
    if refusal is not None:
        return refusal
    seen, destination = fleet.sighting(intent.vm, intent.host), fleet.hosts[intent.destination]
    if seen is None:
        msg = "refuse_migration found the VM here"
        raise AssertionError(msg)
    live = seen.vm.state is VmState.RUNNING
    verdict = assess(seen, destination, facts, copy_storage=intent.copy_storage)
    if isinstance(verdict, Refusal):
        return verdict
    warnings = (*vouched_lines(intent.vouched), *verdict.warnings, *_left_over(fleet, intent.destination, seen))
    return _live(intent, fleet, seen, warnings) if live else _cold(intent, fleet, seen, destination, warnings)


def _live(intent: MigrateVm, fleet: Fleet, seen: Sighting, warnings: tuple[str, ...]) -> Plan:
    name, here, there = seen.vm.name, intent.host, intent.destination
    with_disks = " with its disks" if intent.copy_storage else ""
    disks = [
        f"disk {disk.source}: {'copied' if intent.copy_storage else 'opened'} on {there}"
        for disk in seen.vm.disks
        if disk.source and not disk.readonly
    ]
    if intent.copy_storage:
        warnings = (*warnings, f"the disks on {here} stay there: delete them when you are sure")
    return Plan(
        intent=intent,
        title=f"migrate {name} from {here} to {there} ({intent.mode}){with_disks}",
        subject=name,
        steps=(
            *live_steps(intent, f"move {name}'s memory{with_disks} to {there}"),
            *_autostart(seen, there),
        ),
        touches=(
            f"VM {name} ({intent.vm})",
            f"host {here}: loses it",
            f"host {there}: gets it, {seen.vm.memory_mib} MiB and {seen.vm.vcpus} vCPUs",
            *disks,
        ),
        warnings=warnings,
        danger=Danger.CONFIRM,
        undo_how=f"migrate it back to {here}",
        can_cancel=True,
        basis=_basis(fleet, seen, warnings),
    )


def _cold(intent: MigrateVm, fleet: Fleet, seen: Sighting, there: Host, warnings: tuple[str, ...]) -> Plan:
    name = seen.vm.name
    return Plan(
        intent=intent,
        title=f"migrate {name} from {intent.host} to {there.id} (shut off)",
        subject=name,
        steps=(
            *cold_steps(intent, name),
            *_autostart(seen, there.id),
        ),
        touches=(
            f"VM {name} ({intent.vm})",
            f"host {intent.host}: loses its definition",
            f"host {there.id}: gets its definition",
        ),
        warnings=warnings,
        danger=Danger.CONFIRM,
        undo_how=f"migrate it back to {intent.host}",
        basis=_basis(fleet, seen, warnings),
    )


def live_steps(intent: MigrateVm, move_title: str) -> tuple[PlannedStep, PlannedStep]:
    """Return the steps of a live migration."""
    move = MoveRunningArgs(
        host=intent.host,
        vm=intent.vm,
        destination=intent.destination,
        mode=intent.mode,
        copy_storage=intent.copy_storage,
        bandwidth_mib_s=intent.bandwidth_mib_s,
        max_downtime_ms=intent.max_downtime_ms,
        auto_converge=intent.auto_converge,
    )
    read = ReadOutcomeArgs(
        host=intent.host,
        vm=intent.vm,
        destination=intent.destination,
        move_step=MIGRATE,
        auto_converge=intent.auto_converge,
    )
    return (
        PlannedStep(id=MIGRATE, args=move, title=move_title),
        PlannedStep(id=SETTLE, args=read, title=f"read the outcome from {intent.host} and {intent.destination}"),
    )


def cold_steps(intent: MigrateVm, name: str) -> tuple[PlannedStep, PlannedStep]:
    """Return the steps that move a VM that is off."""
    there = CopyDefinitionArgs(host=intent.host, vm=intent.vm, destination=intent.destination)
    here = DropDefinitionArgs(host=intent.host, vm=intent.vm, destination=intent.destination)
    return (
        PlannedStep(id=DEFINE_THERE, args=there, title=f"define {name} on {intent.destination}"),
        PlannedStep(id=UNDEFINE_HERE, args=here, title=f"remove its definition from {intent.host}"),
    )


def _basis(fleet: Fleet, seen: Sighting, warnings: tuple[str, ...]) -> tuple[str, ...]:
    """Its warnings are part of it: they say what is overwritten or replaced."""
    disks = (f"disk {disk.target} is {disk.source}" for disk in seen.vm.disks if disk.source)
    return (*vm_basis(fleet, seen.vm.id), *disks, *warnings)


def _autostart(seen: Sighting, there: HostId) -> tuple[PlannedStep, ...]:
    """It is a host's setting, in no definition: without this step it would be lost on the way."""
    if not seen.vm.autostart:
        return ()
    return (
        PlannedStep(
            id=AUTOSTART,
            args=KeepAutostartArgs(host=there, vm=seen.vm.id),
            title=f"have it start with {there}, as it did with {seen.host.id}",
        ),
    )


def _left_over(fleet: Fleet, destination: HostId, seen: Sighting) -> tuple[str, ...]:
    there = fleet.sighting(seen.vm.id, destination)
    return (f"replaces the definition it already has on {destination}",) if there else ()


def _bad_limits(intent: MigrateVm) -> Refusal | None:
    if intent.bandwidth_mib_s is not None and (refusal := refuse_bandwidth(intent.bandwidth_mib_s)):
        return refusal
    return None if intent.max_downtime_ms is None else refuse_downtime(intent.max_downtime_ms)


def _no_way(intent: MigrateVm, destination: Host) -> Refusal | None:
    """Say that the source's libvirtd could not find the destination's, or None; simulated hosts find each other."""
    spec = destination.spec
    if intent.mode is not MigrationMode.PEER_TO_PEER or spec.peer_uri or spec.uri.startswith("simulated://"):
        return None
    return Refusal(
        code=RefusalCode.INCOMPATIBLE,
        subject=intent.destination,
        reason=f"it has no peer_uri, by which {intent.host}'s libvirtd would reach it",
        remedy="set peer_uri in fleet.toml, or migrate directly or relayed",
    )


def _plan_unasked(intent: MigrateVm, fleet: Fleet) -> Refusal:
    return refuse_migration(intent, fleet) or Refusal(
        code=RefusalCode.INCOMPATIBLE,
        subject=intent.destination,
        reason="it was not asked whether it could take the VM",
        remedy="ask again",
    )


def _claims(intent: MigrateVm, fleet: Fleet) -> Iterator[Claim]:
    """Claim the pools at both ends, the name at the destination and, of a live one, its share of both hosts."""
    yield vm_but_cpus(intent.vm)
    yield from files_of_vm(intent.vm, fleet)
    seen = fleet.sighting(intent.vm, intent.host)
    for end in (intent.host, intent.destination):
        yield from pools_below(fleet.hosts.get(end), seen.vm.disks if seen else ())
    if seen is not None:
        yield name_alone(intent.destination, seen.vm.name)
    if seen is not None and not seen.vm.is_active:
        return
    yield amount_of(intent.host, Capacity.MIGRATIONS_OUT)
    yield amount_of(intent.destination, Capacity.MIGRATIONS_IN)
    yield from memory_of(intent.destination, seen.vm.memory_mib if seen else 0)
    if intent.copy_storage:
        yield amount_of(intent.host, Capacity.DISK_COPIES)
        yield amount_of(intent.destination, Capacity.DISK_COPIES)


TYPES: Final[tuple[OperationType[Any], ...]] = (
    OperationType(
        intent=MigrateVm,
        plan=_plan_unasked,
        claims=_claims,
        steps=(MoveRunningArgs, ReadOutcomeArgs, CopyDefinitionArgs, DropDefinitionArgs, KeepAutostartArgs),
        texts=Texts(verb="migrate", doing="migrating"),
        permission=Permission.VM_MIGRATE,
        danger=Danger.TYPE_NAME,
        undo=Undo.REVERSIBLE,
        subject=vm_name,
        plan_with_facts=plan_migration,
    ),
)
