"""What the engine asks of one hypervisor, by role.

Every call takes as long as it takes but no longer than its deadline: at the deadline the adapter
aborts the channel under the call and raises DeadlineExceeded. No call may block the event loop. All raise

    LinkError         the host cannot be asked (the poller will reconnect)
    OperationError    the hypervisor said no; NotFound when the VM, pool or volume is not there
    OutcomeUnknown    the link broke after the request was sent: the effect is not known

Success of a call is a hint; the engine reads the post-condition from the hypervisor afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from novacron.model.host import HostFacts, HostReading, HostSpec
from novacron.model.ids import VmId
from novacron.model.migration import Belongings, DiskProbe, GuestFit, MigrationMode
from novacron.model.operations.creation import CreateVm
from novacron.model.vm import JobProgress, VmReading


class HostEventKind(StrEnum):
    """What happened."""

    VM = "vm"
    POOL = "pool"
    LINK_CLOSED = "link closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEvent:
    """Something changed on the host: a reason to read it again, never itself the truth."""

    kind: HostEventKind
    vm: VmId | None = None
    detail: str = ""


class HostReader(Protocol):
    """Reads what is there."""

    async def read(self, *, inventory: bool, deadline_s: float) -> HostReading:
        """Read everything in one bulk call; with `inventory` also definitions, pools and volumes.

        Without `inventory` those parts are repeated from the last reading that had them. A VM that is
        new since then has its definition read at once.
        """

    async def facts(self, *, deadline_s: float) -> HostFacts:
        """Read what the host says of itself."""

    async def look(self, vm: VmId, *, deadline_s: float) -> VmReading | None:
        """Read one VM afresh, never from a cache; None when this host does not know it."""

    async def definition(self, vm: VmId, *, with_secrets: bool = False, deadline_s: float) -> str:
        """Return its XML as libvirt would take it back; `with_secrets` is for another host, never for eyes."""

    async def belongings(self, vm: VmId, *, deadline_s: float) -> Belongings:
        """Tell what this host keeps beside the VM's definition, and a move would leave behind or lose."""

    def watch(self, on_event: Callable[[HostEvent], None]) -> None:
        """Call `on_event` on the event loop for every change, until closed."""


class VmPower(Protocol):
    """Changes power states. Each returns once the hypervisor accepted it."""

    async def start(self, vm: VmId, *, deadline_s: float) -> None:
        """Power on."""

    async def shutdown(self, vm: VmId, *, deadline_s: float) -> None:
        """Press the power button; the guest decides when."""

    async def reboot(self, vm: VmId, *, deadline_s: float) -> None:
        """Ask the guest to restart."""

    async def force_off(self, vm: VmId, *, deadline_s: float) -> None:
        """Pull the plug."""

    async def pause(self, vm: VmId, *, deadline_s: float) -> None:
        """Stop its CPUs."""

    async def resume(self, vm: VmId, *, deadline_s: float) -> None:
        """Let its CPUs go on."""


class VmDefiner(Protocol):
    """Creates, changes and removes definitions and the disks that belong to them."""

    async def create_disk(self, intent: CreateVm, *, anew: bool = False, deadline_s: float) -> str:
        """Create the VM's disk and return its path.

        With `anew` one made for this VM's UUID before is deleted first: whether it was finished shows nowhere.

        Raises Conflict when the volume exists, or one of that name that was not made for this VM, or when a VM or
        another volume of this host needs the one to be made anew; Busy when the one made before is still being made.
        """

    async def find_disk(self, intent: CreateVm, *, deadline_s: float) -> str:
        """Return the path of the volume that `create_disk` makes; empty when it is not there."""

    async def define(self, intent: CreateVm, disk_path: str, *, deadline_s: float) -> None:
        """Define the VM; the same UUID defined already by this intent is success."""

    async def define_xml(self, xml: str, *, deadline_s: float) -> None:
        """Define a VM from another host's definition (cold migration)."""

    async def rename(self, vm: VmId, new_name: str, *, deadline_s: float) -> None:
        """Rename; the VM is shut off."""

    async def set_autostart(self, vm: VmId, enabled: bool, *, deadline_s: float) -> None:
        """Start it with the host, or not."""

    async def resize_stored(self, vm: VmId, vcpus: int | None, memory_mib: int | None, *, deadline_s: float) -> None:
        """Set vCPUs and memory in the stored definition, from which its next start takes them.

        A maximum stays where the new figure fits below it, and is raised where it does not. None: as it is.

        Raises:
            OperationError: it is transient, its saved memory would bring the old size back, or the hypervisor
                refuses the figure; vCPUs may then be set already.
        """

    async def resize_live(self, vm: VmId, vcpus: int | None, memory_mib: int | None, *, deadline_s: float) -> None:
        """Set vCPUs and memory of its process, and nothing in its stored definition. None: as it is.

        A balloon gives memory back in its own time, if the guest has a driver for it.

        Raises:
            OperationError: it does not run, or its process has no room for the figure.
        """

    async def undefine(self, vm: VmId, *, deadline_s: float) -> None:
        """Remove its definition (with NVRAM and managed save); not being there is success."""

    async def delete_disk(self, path: str, *, deadline_s: float) -> None:
        """Delete the volume at `path`; not being there is success."""


class VmMigrator(Protocol):
    """Moves running VMs away from this host, and judges whether it could take one."""

    async def fit(self, definition: str, *, deadline_s: float) -> GuestFit:
        """Judge, as a destination, whether this host could run that definition."""

    async def probe_disks(self, paths: tuple[str, ...], *, deadline_s: float) -> tuple[DiskProbe, ...]:
        """Tell whether each path is there, which file it is, and whether a lock held elsewhere is seen."""

    async def migrate(self, request: "MigrationRequest", destination: "Hypervisor", *, deadline_s: float) -> None:
        """Move a running VM and return when the hypervisor says it ended.

        Its return proves nothing: the caller reads both hosts. Raises OutcomeUnknown when a link broke
        meanwhile.
        """

    async def job(self, vm: VmId, *, deadline_s: float) -> JobProgress | None:
        """Return the figures of the job on it, or None when there is none."""

    async def abort_job(self, vm: VmId, *, deadline_s: float) -> None:
        """Ask for the job on it to stop; the VM then runs on here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationRequest:
    """How to move one running VM."""

    vm: VmId
    mode: MigrationMode
    copy_storage: bool
    bandwidth_mib_s: int | None = None
    max_downtime_ms: int | None = None
    auto_converge: bool = False


class StoragePools(Protocol):
    """Acts on storage pools, by name as the operator sees them."""

    async def set_pool_active(self, pool: str, active: bool, *, deadline_s: float) -> None:
        """Start or stop a pool."""

    async def delete_volume(self, pool: str, volume: str, *, deadline_s: float) -> None:
        """Delete a volume; not being there is success."""


class SerialLink(Protocol):
    """A VM's serial console, open."""

    async def read(self) -> bytes:
        """Return the next bytes of at most 4 KiB; empty when it was closed by the far side."""

    async def write(self, data: bytes) -> None:
        """Send keystrokes."""

    async def close(self) -> None:
        """Close it; reading ends with empty bytes."""


class SerialConsoles(Protocol):
    """Opens serial consoles."""

    async def open_serial(self, vm: VmId, *, force: bool, deadline_s: float) -> SerialLink:
        """Open it; Conflict when somebody else has it, unless `force` takes it away."""


class Hypervisor(HostReader, VmPower, VmDefiner, VmMigrator, StoragePools, SerialConsoles, Protocol):
    """All roles of one connected hypervisor."""

    @property
    def spec(self) -> HostSpec:
        """What fleet.toml says of it."""

    async def close(self) -> None:
        """Let go at once: pending calls end with LinkLost; never waits for the far side."""


class HypervisorGateway(Protocol):
    """Connects to hypervisors."""

    async def connect(self, spec: HostSpec, *, deadline_s: float) -> Hypervisor:
        """Connect and check that it can be worked with.

        Raises LinkError with the status, cause and remedy for the host's row.
        """
