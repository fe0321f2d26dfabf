"""What an operator wants done. One class per verb; `kind` is its name on the wire and in the journal.

Every intent names the VM by UUID and the host on which the operator saw it: a VM that has moved since is a
refusal, never a surprise.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

from novacron.model.ids import HostId, VmId


class MigrationMode(StrEnum):
    """Who carries a migration."""

    PEER_TO_PEER = "p2p"
    """The source's libvirtd drives it: it goes on when the backend dies. The default."""
    DIRECT = "direct"
    """The backend drives both ends; the hosts' QEMUs talk to each other."""
    RELAYED = "relayed"
    """As direct, but the data too goes through the backend's SSH connections.

    For hosts that cannot reach each other.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class StartVm:
    """Power on."""

    vm: VmId
    host: HostId
    vouched: tuple[HostId, ...] = ()
    """Hosts that do not answer, of which a person vouches that they do not have or need it."""
    kind: Literal["start"] = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownVm:
    """Ask the guest to power off (ACPI), and wait for it."""

    vm: VmId
    host: HostId
    timeout_s: float = 120.0
    kind: Literal["shutdown"] = "shutdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RebootVm:
    """Ask the guest to restart (ACPI)."""

    vm: VmId
    host: HostId
    kind: Literal["reboot"] = "reboot"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceOffVm:
    """Pull the plug: the guest loses what it had not written."""

    vm: VmId
    host: HostId
    kind: Literal["force-off"] = "force-off"


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseVm:
    """Stop its CPUs; memory stays."""

    vm: VmId
    host: HostId
    kind: Literal["pause"] = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeVm:
    """Let its CPUs go on."""

    vm: VmId
    host: HostId
    vouched: tuple[HostId, ...] = ()
    """Hosts that do not answer, of which a person vouches that they do not have or need it."""
    kind: Literal["resume"] = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameVm:
    """Give it another name; it must be shut off."""

    vm: VmId
    host: HostId
    new_name: str
    kind: Literal["rename"] = "rename"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAutostart:
    """Start it with its host, or not."""

    vm: VmId
    host: HostId
    enabled: bool
    kind: Literal["autostart"] = "autostart"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizeVm:
    """Set vCPUs and memory. Live within its maxima where it runs; beyond them at its next start."""

    vm: VmId
    host: HostId
    vcpus: int | None = None
    memory_mib: int | None = None
    kind: Literal["resize"] = "resize"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVm:
    """Remove its definition, with its disks or without."""

    vm: VmId
    host: HostId
    with_disks: bool = False
    vouched: tuple[HostId, ...] = ()
    """Hosts that do not answer, of which a person vouches that they do not have or need it."""
    kind: Literal["delete"] = "delete"


NEW_VM_VCPUS: Final = 1
NEW_VM_MEMORY_MIB: Final = 512
NEW_VM_CMDLINE: Final = "console=ttyS0"
"""Of a kernel that is booted directly, so that the serial console shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVm:
    """Define a new VM from a form. The UUID is chosen by who asks, so that asking twice makes one."""

    vm: VmId
    host: HostId
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
class MigrateVm:
    """Move to another host: live while it runs, cold (definition only) while it is shut off."""

    vm: VmId
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPoolActive:
    """Start or stop a storage pool."""

    host: HostId
    pool: str
    active: bool
    kind: Literal["pool-active"] = "pool-active"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVolume:
    """Delete one volume that no VM uses."""

    host: HostId
    pool: str
    volume: str
    vouched: tuple[HostId, ...] = ()
    """Hosts that do not answer, of which a person vouches that they do not have or need it."""
    kind: Literal["delete-volume"] = "delete-volume"


VmIntent = (
    StartVm
    | ShutdownVm
    | RebootVm
    | ForceOffVm
    | PauseVm
    | ResumeVm
    | RenameVm
    | SetAutostart
    | ResizeVm
    | DeleteVm
    | CreateVm
    | MigrateVm
)
Intent = VmIntent | SetPoolActive | DeleteVolume


def with_word_for(intent: Intent, hosts: tuple[HostId, ...]) -> Intent:
    """Return the intent with a person's word for hosts that cannot be asked; as it is where it takes none."""
    if isinstance(intent, StartVm | ResumeVm | DeleteVm | DeleteVolume | MigrateVm):
        return replace(intent, vouched=(*intent.vouched, *(host for host in hosts if host not in intent.vouched)))
    return intent


def hosts_of(intent: Intent) -> tuple[HostId, ...]:
    """Return every host it works on."""
    return (intent.host, intent.destination) if isinstance(intent, MigrateVm) else (intent.host,)
