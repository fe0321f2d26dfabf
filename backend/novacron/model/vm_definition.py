"""A new VM and its disk, as a hypervisor is asked for them."""

from dataclasses import dataclass

from novacron.model.ids import VmId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDisk:
    """A disk to be made for a VM."""

    vm: VmId
    vm_name: str
    """From which, with its UUID, the volume's name is made."""
    pool: str
    """Name of the pool that it is made in."""
    size_mib: int = 0
    """Its size; with a base volume, its size when larger than that one."""
    base_volume: str = ""
    """Volume of the same pool that it is copied from; empty: a blank disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelBoot:
    """A kernel on the host that is booted directly."""

    kernel: str
    initrd: str = ""
    cmdline: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VmDefinition:
    """A VM to be defined."""

    id: VmId
    name: str
    vcpus: int
    memory_mib: int
    disk_path: str = ""
    """Path of the volume that is its disk; empty: it has none."""
    network: str = ""
    """libvirt network of its NIC; empty: no NIC."""
    boot: KernelBoot | None = None
    """None: its firmware boots from its disk."""
    description: str = ""
