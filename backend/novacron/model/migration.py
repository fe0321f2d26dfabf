"""What must be known before a VM is moved, as its destination tells it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskProbe:
    """One disk path as a host sees it."""

    path: str
    visible: bool
    """Whether the path exists there; False for a disk that has to be copied."""
    lock_seen: bool | None = None
    """Whether an exclusive lock held by another QEMU is seen there: the proof that two cannot write.

    None: it could not be asked, or nobody held one.
    """
    file_system: str = ""
    """Type of the file system under it, as the kernel there calls it."""
    free_mib: int | None = None
    """Room on that file system."""
    identity: str = ""
    """What tells this file from every other one, on each host that sees it; empty when it could not be asked."""
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
