"""Storage pools and their volumes as one hypervisor tells them."""

from dataclasses import dataclass

from novacron.model.ids import PoolId


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """One volume of a pool."""

    name: str
    path: str
    """What libvirt calls it: a path for file pools; its key on the host."""
    capacity_mib: int
    allocation_mib: int
    format: str = "raw"
    backing_path: str = ""
    """The base image it depends on; empty when it stands alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One storage pool on one host."""

    id: PoolId
    name: str
    kind: str
    """libvirt's pool type: dir, fs, netfs, logical, rbd, …"""
    active: bool
    autostart: bool = False
    path: str = ""
    """Target path, or the source's name for network pools."""
    capacity_mib: int = 0
    allocation_mib: int = 0
    available_mib: int = 0
    volumes: tuple[Volume, ...] = ()
    """Filled by the slow part of a reading; see HostReading.inventory_at."""
    shared: bool = False
    """On a file system or service that other hosts reach too."""
    trouble: str = ""
    """Why its folder cannot be read now, which libvirt may not have noticed; foreign text. Empty when it can."""

    @property
    def used_fraction(self) -> float | None:
        """0.0 to 1.0; None when its size is not known."""
        if not self.active or self.capacity_mib <= 0:
            return None
        return 1 - self.available_mib / self.capacity_mib
