"""One simulated VM as a value, and the moves it can make.

Pure: every function takes a Machine and returns the next one, or raises what libvirt would say. Who else sees
the VM, its disks' locks and the time a move takes are the world's business, not this module's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from novacron.model.errors import OperationError
from novacron.model.files import FileUse
from novacron.model.ids import VmId
from novacron.model.vm import ACTIVE_STATES, StateReason, VmDisk, VmNic, VmSize, VmSizing, VmState


class Job(StrEnum):
    """What holds a VM besides its operator."""

    NONE = ""
    MIGRATING_OUT = "migrating out"
    MIGRATING_IN = "migrating in"


class Verb(StrEnum):
    """What may be asked of a VM's power."""

    START = "start"
    SHUTDOWN = "shutdown"
    REBOOT = "reboot"
    FORCE_OFF = "force off"
    PAUSE = "pause"
    RESUME = "resume"


class Workload(StrEnum):
    """What the guest does all day; its usage follows from it."""

    WEB = "web"
    DATABASE = "db"
    CACHE = "cache"
    BUILD = "build"
    IDLE = "idle"


SPARE_PORTS = 4
"""PCIe ports without a device, after a start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A VM: its definition and its state."""

    id: VmId
    name: str
    state: VmState = VmState.SHUT_OFF
    reason: StateReason = StateReason.NONE
    persistent: bool = True
    autostart: bool = False
    vcpus: int = 1
    vcpus_max: int = 1
    memory_mib: int = 512
    memory_max_mib: int = 512
    next_vcpus: int | None = None
    """What the definition says beyond what it runs with: taken at the next start."""
    next_memory_mib: int | None = None
    has_balloon: bool = True
    has_saved_memory: bool = False
    """Whether its next start restores memory that was saved."""
    serial_problem: str = ""
    """Why it has no serial console to open; empty: it has one."""
    refuses_size: str = ""
    """What its host says to another stored size; empty: it takes it."""
    disks: tuple[VmDisk, ...] = ()
    nics: tuple[VmNic, ...] = ()
    next_disks: tuple[VmDisk, ...] | None = None
    """What the definition says beyond the disks that its process has; None: the same."""
    next_nics: tuple[VmNic, ...] | None = None
    """As `next_disks`, of its network interfaces."""
    unplugging: frozenset[str] = frozenset()
    """Targets and MAC addresses of devices that its guest was asked to let go of."""
    obeys_unplugging: bool = True
    """Whether its guest lets go of devices when it is asked to."""
    spare_ports: int = SPARE_PORTS
    """How many more devices can be attached while it runs."""
    description: str = ""
    domain_type: str = "kvm"
    cpu: str = "EPYC"
    machine_type: str = "pc-q35-7.2"
    kernel: str = ""
    initrd: str = ""
    cmdline: str = ""
    files: tuple[FileUse, ...] = ()
    """What else its definition names: firmware, media, shared folders."""
    workload: Workload = Workload.IDLE
    dirty_mib_s: float = 0.5
    """How fast its guest dirties memory: what a live migration has to outrun."""
    working_set_mib: float = 16.0
    """How much of its memory the guest keeps writing to."""
    obeys_power_button: bool = True
    on_poweroff: str = "destroy"
    on_reboot: str = "restart"
    snapshots: int = 0
    """How many there are; where they are kept, and what of, is not simulated."""
    started_at: float | None = None
    """On the world's monotonic clock; None while it has no process."""
    job: Job = Job.NONE

    @property
    def is_active(self) -> bool:
        """Whether a process exists for it."""
        return self.state in ACTIVE_STATES

    @property
    def stored_vcpus(self) -> int:
        """How many its definition says."""
        return self.next_vcpus or self.vcpus

    @property
    def stored_memory_mib(self) -> int:
        """How much its definition says."""
        return self.next_memory_mib or self.memory_mib

    @property
    def stored_disks(self) -> tuple[VmDisk, ...]:
        """The disks that its definition says."""
        return self.disks if self.next_disks is None else self.next_disks

    @property
    def stored_nics(self) -> tuple[VmNic, ...]:
        """The network interfaces that its definition says."""
        nics = self.nics if self.next_nics is None else self.next_nics
        return tuple(replace(nic, link="") for nic in nics)

    @property
    def holds_disks(self) -> bool:
        """Whether its process has its disks open for writing.

        One that waits for its memory, or has given it away, has let go of them.
        """
        return self.is_active and not (
            self.state is VmState.PAUSED and self.reason in {StateReason.MIGRATING, StateReason.STARTING_UP}
        )


_ALLOWED: Mapping[Verb, frozenset[VmState]] = {
    Verb.START: frozenset({VmState.SHUT_OFF, VmState.CRASHED}),
    Verb.SHUTDOWN: frozenset({VmState.RUNNING, VmState.PAUSED, VmState.SHUTTING_DOWN, VmState.SUSPENDED}),
    Verb.REBOOT: frozenset({VmState.RUNNING, VmState.PAUSED, VmState.SHUTTING_DOWN}),
    Verb.FORCE_OFF: frozenset(ACTIVE_STATES | {VmState.CRASHED}),
    Verb.PAUSE: frozenset({VmState.RUNNING, VmState.PAUSED, VmState.SHUTTING_DOWN}),
    Verb.RESUME: frozenset({VmState.RUNNING, VmState.PAUSED, VmState.SUSPENDED}),
}
"""Which state allows which verb. Pausing the paused and resuming the running do nothing, as with libvirt."""


def require(machine: Machine, verb: Verb) -> None:
    """Check that the VM's state and its job allow `verb`.

    Raises:
        OperationError: with libvirt's words.
    """
    if machine.state not in _ALLOWED[verb]:
        detail = "domain is already running" if verb is Verb.START else "domain is not running"
        raise _invalid(machine, detail)
    may_while_leaving = verb is Verb.PAUSE and machine.job is Job.MIGRATING_OUT
    if verb is not Verb.FORCE_OFF and not may_while_leaving:
        require_no_job(machine)


def require_no_job(machine: Machine) -> None:
    """Check that no migration holds the VM.

    Raises:
        OperationError: a migration holds it.
    """
    if machine.job is not Job.NONE:
        raise OperationError(
            machine.name,
            "Timed out during operation: cannot acquire state change lock (held by migration)",
            "wait for the migration to end, or cancel it",
        )


def started(machine: Machine, *, at: float) -> Machine:
    """Power on: its definition takes effect."""
    require(machine, Verb.START)
    vcpus, memory_mib = machine.stored_vcpus, machine.stored_memory_mib
    return replace(
        machine,
        state=VmState.RUNNING,
        reason=StateReason.BOOTED,
        vcpus=vcpus,
        vcpus_max=max(vcpus, machine.vcpus_max),
        memory_mib=memory_mib,
        memory_max_mib=max(memory_mib, machine.memory_max_mib),
        next_vcpus=None,
        next_memory_mib=None,
        has_saved_memory=False,
        started_at=at,
        nics=tuple(replace(nic, link=f"vnet{number}") for number, nic in enumerate(machine.nics)),
    )


def rebooted(machine: Machine, *, at: float) -> Machine:
    """Start the guest anew in the same process."""
    require(machine, Verb.REBOOT)
    return replace(machine, started_at=at)


def paused(machine: Machine, reason: StateReason = StateReason.USER) -> Machine:
    """Stop its CPUs."""
    if machine.state is VmState.PAUSED:
        return machine
    if machine.job is Job.MIGRATING_OUT and reason is StateReason.USER:
        reason = StateReason.MIGRATING  # libvirt resumes what was paused while it migrated
    return replace(machine, state=VmState.PAUSED, reason=reason)


def resumed(machine: Machine) -> Machine:
    """Let its CPUs go on."""
    require(machine, Verb.RESUME)
    if machine.state is VmState.RUNNING:
        return machine
    if machine.obeys_unplugging:
        machine = unplugged(machine)
    reason = StateReason.WAKEUP if machine.state is VmState.SUSPENDED else StateReason.UNPAUSED
    return replace(machine, state=VmState.RUNNING, reason=reason)


def stopped(machine: Machine, reason: StateReason) -> Machine:
    """End its process, for whatever reason."""
    return replace(
        machine,
        state=VmState.SHUT_OFF,
        reason=reason,
        job=Job.NONE,
        started_at=None,
        disks=machine.stored_disks,
        nics=machine.stored_nics,
        next_disks=None,
        next_nics=None,
        unplugging=frozenset(),
        spare_ports=SPARE_PORTS,
    )


def unplugged(machine: Machine) -> Machine:
    """Let its process be without the devices that its guest was asked to let go of."""
    if not machine.unplugging:
        return machine
    disks = tuple(disk for disk in machine.disks if disk.target not in machine.unplugging)
    nics = tuple(nic for nic in machine.nics if nic.mac not in machine.unplugging)
    unlinked = tuple(replace(nic, link="") for nic in nics)
    return replace(
        machine,
        disks=disks,
        nics=nics,
        next_disks=machine.stored_disks if machine.persistent and machine.stored_disks != disks else None,
        next_nics=machine.stored_nics if machine.persistent and machine.stored_nics != unlinked else None,
        unplugging=frozenset(),
        spare_ports=machine.spare_ports + len(machine.unplugging),
    )


def renamed(machine: Machine, new_name: str) -> Machine:
    """Give it another name."""
    require_no_job(machine)
    if machine.is_active:
        raise _invalid(machine, "cannot rename active domain")
    if not new_name or "/" in new_name or "\n" in new_name:
        raise OperationError(machine.name, f"invalid argument: name {new_name!r} is not allowed")
    return replace(machine, name=new_name)


def resized_stored(machine: Machine, *, vcpus: int | None, memory_mib: int | None) -> Machine:
    """Set what its next start gives it; a maximum is raised where the new figure does not fit below it."""
    require_no_job(machine)
    if not machine.persistent:
        raise _invalid(machine, "cannot change persistent config of a transient domain")
    if machine.refuses_size:
        raise OperationError(machine.name, machine.refuses_size)
    if machine.is_active:
        return replace(
            machine,
            next_vcpus=_unless(vcpus or machine.stored_vcpus, machine.vcpus),
            next_memory_mib=_unless(memory_mib or machine.stored_memory_mib, machine.memory_mib),
        )
    if machine.has_saved_memory:
        raise OperationError(
            machine.name,
            "its memory was saved, and its next start restores the size of that time",
            "start it, and resize it while it runs",
        )
    return replace(
        machine,
        vcpus=vcpus or machine.vcpus,
        vcpus_max=max(vcpus or 0, machine.vcpus_max),
        memory_mib=memory_mib or machine.memory_mib,
        memory_max_mib=max(memory_mib or 0, machine.memory_max_mib),
    )


def resized_live(machine: Machine, *, vcpus: int | None, memory_mib: int | None) -> Machine:
    """Set what its process has, within the maxima it was started with."""
    require_no_job(machine)
    if not machine.is_active:
        raise _invalid(machine, "domain is not running")
    if vcpus is not None and vcpus > machine.vcpus_max:
        raise OperationError(
            machine.name,
            f"invalid argument: requested vcpus is greater than max allowable vcpus for the live domain: "
            f"{vcpus} > {machine.vcpus_max}",
        )
    if memory_mib is not None and not machine.has_balloon:
        raise _invalid(machine, "Unable to change memory of active domain without the balloon device")
    if memory_mib is not None and memory_mib > machine.memory_max_mib:
        raise OperationError(machine.name, "invalid argument: cannot set memory higher than max memory")
    stored_vcpus, stored_memory_mib = machine.stored_vcpus, machine.stored_memory_mib
    now = replace(machine, vcpus=vcpus or machine.vcpus, memory_mib=memory_mib or machine.memory_mib)
    return replace(
        now,
        next_vcpus=_unless(stored_vcpus, now.vcpus) if machine.persistent else None,
        next_memory_mib=_unless(stored_memory_mib, now.memory_mib) if machine.persistent else None,
    )


def sizing_of(machine: Machine) -> VmSizing:
    """Return what its definition says of its next start."""
    vcpus, memory_mib = machine.stored_vcpus, machine.stored_memory_mib
    stored = VmSize(
        vcpus=vcpus,
        vcpus_max=max(vcpus, machine.vcpus_max),
        memory_mib=memory_mib,
        memory_max_mib=max(memory_mib, machine.memory_max_mib),
    )
    return VmSizing(
        at_next_start=stored if machine.persistent else None,
        has_balloon=machine.has_balloon,
        has_saved_memory=machine.has_saved_memory,
    )


def _unless(value: int, same: int) -> int | None:
    return None if value == same else value


def _invalid(machine: Machine, detail: str) -> OperationError:
    return OperationError(machine.name, f"Requested operation is not valid: {detail}")
