"""A virtual machine as one hypervisor tells it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from novacron.model.files import FileIdentity, FileUse
from novacron.model.ids import PoolId, VmId

ADD_SERIAL = "add <serial type='pty'/> to <devices> while it is off (virsh edit), and a login on ttyS0 in the guest"
"""What to do about a VM without a serial console."""


class VmState(StrEnum):
    """Power state, in libvirt's terms. There is no "unknown": that is a property of the link to the host."""

    RUNNING = "running"
    PAUSED = "paused"
    SHUTTING_DOWN = "shutting down"
    SHUT_OFF = "shut off"
    CRASHED = "crashed"
    SUSPENDED = "suspended"
    """Asleep by the guest's own wish (ACPI S3)."""


ACTIVE_STATES = frozenset({VmState.RUNNING, VmState.PAUSED, VmState.SHUTTING_DOWN, VmState.SUSPENDED})
"""States in which a QEMU process exists and may hold the disks."""


class StateReason(StrEnum):
    """Why a VM is in its state, where libvirt says and we act on it."""

    NONE = ""
    BOOTED = "booted"
    MIGRATED = "migrated"
    RESTORED = "restored"
    UNPAUSED = "unpaused"
    MIGRATION_CANCELED = "migration canceled"
    WAKEUP = "wakeup"
    CRASHED = "crashed"
    POSTCOPY = "post-copy"
    POSTCOPY_FAILED = "post-copy failed"
    USER = "user"
    MIGRATING = "migrating"
    SAVING = "saving"
    DUMPING = "dumping"
    IO_ERROR = "I/O error"
    WATCHDOG = "watchdog"
    API_ERROR = "API error"
    """libvirt paused it for a job of its own, such as a migration, and could not resume it afterwards."""
    FROM_SNAPSHOT = "from snapshot"
    SNAPSHOT = "snapshot"
    SHUTTING_DOWN = "shutting down"
    STARTING_UP = "starting up"
    SHUTDOWN = "shutdown"
    DESTROYED = "destroyed"
    SAVED = "saved"
    FAILED = "failed"
    DAEMON = "daemon"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class VmUsage:
    """Rates over the time between the last two readings. None: not known (yet, or not while shut off)."""

    cpu_percent: float | None = None
    """Of one host core: 200.0 is two cores busy."""
    memory_rss_mib: int | None = None
    """What QEMU holds on the host."""
    memory_used_mib: int | None = None
    """What the guest uses by its balloon's word; None without a balloon driver."""
    disk_read_b_s: float | None = None
    disk_write_b_s: float | None = None
    net_rx_b_s: float | None = None
    net_tx_b_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VmDisk:
    """One disk as the VM sees it."""

    target: str
    """Device name in the guest's definition, such as vda."""
    source: str
    """File, block device or the name of what is reached otherwise; empty for an empty drive alone."""
    format: str = "raw"
    capacity_mib: int | None = None
    allocation_mib: int | None = None
    readonly: bool = False
    shareable: bool = False
    """Marked as shareable between VMs: QEMU then takes no exclusive lock on it."""
    pool_id: PoolId | None = None
    kind: str = "disk"
    """disk, cdrom, floppy or lun."""
    storage: str = "file"
    """libvirt's source type: file, block, network, volume, dir, nvme, vhostuser, vhostvdpa."""
    protocol: str = ""
    """By which QEMU reaches a network disk: rbd, nbd, iscsi, https, …; empty for others."""
    volume: str = ""
    """Pool and volume, "pool/volume", where the definition names it so and its pool told the source."""
    served_by_host: bool = False
    """Whether its server is on the VM's own host: by the same name another host reaches another one, or none."""
    file: FileIdentity | None = None
    """Which file `source` is; None while it is not known, and for what is no path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmNic:
    """One network interface."""

    mac: str
    network: str
    """What it is plugged into, in the terms of its kind: a network, a bridge, a device of the host, a socket, an
    address. Empty where there is nothing to name."""
    kind: str = "network"
    """libvirt's interface type: network, bridge, direct (macvtap), user, ethernet, hostdev, vhostuser, vdpa, …"""
    model: str = ""
    link: str = ""
    """The host's end of it, such as vnet3; empty while shut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmSize:
    """vCPUs and memory, and how far both can be changed while the VM runs."""

    vcpus: int
    vcpus_max: int
    memory_mib: int
    """What the balloon leaves to the guest."""
    memory_max_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VmSizing:
    """What its definition allows of another size: the stored definition, or a transient VM's only one."""

    at_next_start: VmSize | None = None
    """What the stored definition says. None: it is transient and has none, or it was not read."""
    has_balloon: bool = True
    """Whether its memory can be changed while it runs."""
    numa_cells: int = 0
    """How many NUMA cells its memory is divided into; 0 without NUMA."""
    topology_vcpus: int | None = None
    """How many vCPUs its CPU topology is made for; None without one."""
    has_saved_memory: bool = False
    """Whether its next start restores memory that was saved (managed save), and with it the size of that time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """What a hypervisor says of a job that moves or saves a VM, at one instant."""

    elapsed_s: float
    memory_total_mib: float | None = None
    memory_remaining_mib: float | None = None
    rate_mib_s: float | None = None
    dirty_rate_mib_s: float | None = None
    iteration: int | None = None
    disk_total_mib: float | None = None
    disk_remaining_mib: float | None = None
    downtime_ms: int | None = None
    """Predicted pause while running; the real one when the job has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmReading:
    """One VM on one host at one instant."""

    id: VmId
    name: str
    """Foreign text: paint it as SafeText only."""
    state: VmState
    reason: StateReason = StateReason.NONE
    state_since: datetime | None = None
    """The first reading that showed it in this state, which may be later than the change; None: it was in this state
    when this backend saw it first."""
    persistent: bool = True
    autostart: bool = False
    vcpus: int = 1
    vcpus_max: int | None = None
    """How many it can have without a restart; None: not known."""
    memory_mib: int = 0
    """The balloon's current size: what the guest may use."""
    memory_max_mib: int = 0
    sizing: VmSizing = VmSizing()
    usage: VmUsage = VmUsage()
    disks: tuple[VmDisk, ...] = ()
    uses: tuple[FileUse, ...] = ()
    """Every other file it needs, running or stored: base images, kernel, firmware, media, folders, snapshots."""
    nics: tuple[VmNic, ...] = ()
    stored_disks: tuple[VmDisk, ...] | None = None
    """Its disks at its next start, where they are others than now; None: the same, or it is transient."""
    stored_nics: tuple[VmNic, ...] | None = None
    """Its network interfaces at its next start; None as for `stored_disks`."""
    host_devices: tuple[str, ...] = ()
    """Devices of its host that were given to it, in words: it cannot leave that host with them."""
    on_poweroff: str = "destroy"
    """What libvirt makes of the guest's power-off: destroy, or by its definition restart or preserve."""
    on_reboot: str = "restart"
    """What libvirt makes of the guest's restart: restart, or by its definition destroy or preserve."""
    job_active: bool = False
    """A migration, save or dump is under way on it."""
    description: str = ""
    other_devices: tuple[str, ...] = ()
    """What else holds data or ties it to its host, in words: shared folders, a TPM, memory modules. Foreign text."""
    serial_problem: str = ""
    """Why it has no serial console to open; foreign text in parts. Empty: it has one."""
    is_read: bool = True
    """Whether its definition was read. Until then what it has is unknown, not absent, and nothing is done to it."""

    @property
    def is_active(self) -> bool:
        """Whether a QEMU process exists for it."""
        return self.state in ACTIVE_STATES

    @property
    def has_serial(self) -> bool:
        """Whether it has a serial console to open."""
        return not self.serial_problem

    @property
    def live_disks(self) -> tuple[VmDisk, ...]:
        """The disks that its process has; none where it does not run."""
        return self.disks if self.is_active else ()

    @property
    def live_nics(self) -> tuple[VmNic, ...]:
        """The network interfaces that its process has; none where it does not run."""
        return self.nics if self.is_active else ()

    @property
    def disks_at_next_start(self) -> tuple[VmDisk, ...]:
        """The disks of its stored definition; none where it is transient."""
        return () if not self.persistent else self.disks if self.stored_disks is None else self.stored_disks

    @property
    def nics_at_next_start(self) -> tuple[VmNic, ...]:
        """The network interfaces of its stored definition; none where it is transient."""
        return () if not self.persistent else self.nics if self.stored_nics is None else self.stored_nics

    @property
    def pending_vcpus(self) -> int | None:
        """How many vCPUs it gets at its next start; None when it has them now, or that is not known."""
        stored = self.sizing.at_next_start
        return stored.vcpus if self.is_active and stored and stored.vcpus != self.vcpus else None

    @property
    def pending_memory_mib(self) -> int | None:
        """How much memory it gets at its next start; None when it has it now, or that is not known."""
        stored = self.sizing.at_next_start
        return stored.memory_mib if self.is_active and stored and stored.memory_mib != self.memory_mib else None
