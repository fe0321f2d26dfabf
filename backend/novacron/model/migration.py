"""What must be known before a VM is moved, as its two hosts tell it."""

from dataclasses import dataclass
from enum import StrEnum


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
class DiskProbe:
    """One disk path as a host sees it."""

    path: str
    visible: bool
    """Whether the path exists there; False for a disk that has to be copied."""
    lock_seen: bool | None = None
    """Whether an exclusive lock held by a QEMU is seen there: the proof that two cannot write.

    None: it could not be asked, or nobody held one.
    """
    file_system: str = ""
    """Type of the file system under it, as the kernel there calls it."""
    free_mib: int | None = None
    """Room on that file system."""
    identity: str = ""
    """What tells this file from every other one while nobody writes to it, on each host that sees it.

    Of a block device, the device's own name for itself. Empty when it could not be asked.
    """
    inode: str = ""
    """The file's number on its file system, which stays while the file is written to; empty when not known."""
    born: str = ""
    """When the file was made; empty where its file system does not tell."""
    file_system_id: str = ""
    """The file system's own identity; empty where it has none."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestFit:
    """Whether a host could run a definition. None: it could not be asked."""

    cpu_compatible: bool | None = None
    cpu_detail: str = ""
    domain_type_supported: bool | None = None
    missing_networks: tuple[str, ...] = ()
    memory_free_mib: int | None = None
    name_taken: bool = False
    """Another VM there has the same name."""
    machine_supported: bool | None = None
    machine: str = ""
    kernel_visible: bool | None = None
    """Whether its directly booted kernel and initrd are there; None when it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """What a host keeps beside a VM's definition and its disks."""

    snapshots: int = 0
    checkpoints: int = 0
    """From which incremental backups start."""
    saved_memory: bool = False
    """Managed save: it would start where it was saved."""
    uefi_variables: bool = False
    tpm: bool = False

    @property
    def named(self) -> tuple[str, ...]:
        """All of it, in words."""
        found = {
            "its snapshots": self.snapshots > 0,
            "its checkpoints": self.checkpoints > 0,
            "its saved memory": self.saved_memory,
            "its UEFI variables": self.uefi_variables,
            "its TPM": self.tpm,
        }
        return tuple(name for name, is_there in found.items() if is_there)
