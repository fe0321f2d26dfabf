"""Devices that a VM can be given and that can be taken from it, while it runs and in its stored definition."""

from dataclasses import dataclass
from enum import StrEnum


class DiskBus(StrEnum):
    """By which bus a guest sees a disk."""

    VIRTIO = "virtio"
    """vda, vdb, …; takes a PCIe port of its own."""
    SCSI = "scsi"
    """sda, sdb, … at a SCSI controller, which the VM must have."""
    SATA = "sata"
    """sda, sdb, …; cannot be attached to a VM that runs."""
    USB = "usb"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskAttachment:
    """A disk to be attached."""

    path: str
    """Path of its volume, or of a block device, on the host."""
    target: str
    """Device name in the definition, such as vdb."""
    format: str = "qcow2"
    bus: DiskBus = DiskBus.VIRTIO
    readonly: bool = False
    shareable: bool = False
    """Shared with other VMs: QEMU then takes no exclusive lock on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NicAttachment:
    """A network interface to be attached."""

    mac: str
    """Chosen by who asks, so that asking twice makes one."""
    network: str
    """libvirt network."""
    model: str = "virtio"
