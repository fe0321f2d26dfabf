"""Storage pools and their volumes as one hypervisor tells them."""

from dataclasses import dataclass, replace

from novacron.model.files import FileIdentity, FileUse
from novacron.model.ids import PoolId
from novacron.model.size import MOST_MIB


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
    file: FileIdentity | None = None
    """Which file `path` is; None while it is not known, and for what is no path."""
    uses: tuple[FileUse, ...] = ()
    """The whole chain below it: its base image, that one's base, and so on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSize:
    """How large a pool is, in MiB; None: not known."""

    capacity_mib: int | None = None
    allocation_mib: int | None = None
    available_mib: int | None = None


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
    capacity_mib: int | None = None
    """None, like the two below: not known, as of an inactive pool, or impossible, as `plausible_size` says."""
    allocation_mib: int | None = None
    available_mib: int | None = None
    volumes: tuple[Volume, ...] = ()
    """Filled by the slow part of a reading; see HostReading.inventory_at."""
    shared: bool = False
    """On a file system or service that other hosts reach too."""
    folders: tuple[FileIdentity, ...] = ()
    """Which folder it is, and the folders above it; empty for what is no folder, and while it is not known."""
    trouble: str = ""
    """Why its folder cannot be read now, which libvirt may not have noticed; foreign text. Empty when it can."""

    @property
    def used_fraction(self) -> float | None:
        """0.0 to 1.0; None when its size is not known."""
        if not self.active or not self.capacity_mib or self.available_mib is None:
            return None
        return 1 - self.available_mib / self.capacity_mib

    def of_size(self, size: PoolSize) -> "Pool":
        """Return the pool with these figures."""
        return replace(
            self,
            capacity_mib=size.capacity_mib,
            allocation_mib=size.allocation_mib,
            available_mib=size.available_mib,
        )


def plausible_size(*, capacity_mib: int, allocation_mib: int, available_mib: int) -> PoolSize:
    """Return what can be true of a pool's figures.

    Hypervisors tell of 0 where they do not know, of file systems that shrank while they were read, and of numbers
    that went through a signed type. Of a capacity that cannot be, nothing follows; a part that is larger than the
    whole, or negative, is not known.
    """
    if not 0 < capacity_mib <= MOST_MIB:
        return PoolSize()
    return PoolSize(
        capacity_mib=capacity_mib,
        allocation_mib=allocation_mib if 0 <= allocation_mib <= capacity_mib else None,
        available_mib=available_mib if 0 <= available_mib <= capacity_mib else None,
    )
