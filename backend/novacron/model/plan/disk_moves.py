"""What stands in a disk's way to another host, for each way a VM can be moved.

The rule that must never bend: no live migration unless each writable disk is provably exclusive, because the
disk lock is the only thing that keeps a failed migration from leaving two running copies. The proof is that the
source sees the lock its QEMU holds, that the destination sees one on the very same file, and that no VM there has
that file. Copied disks are exclusive by being other files.

QEMU locks files only. rbd hands its exclusive lock to whoever asks for it, iSCSI, NBD and the other protocols have
none that QEMU takes: libvirt calls a live migration on them safe, and means its caches. They are moved shut off.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from novacron.model.fleet import Host, Sighting
from novacron.model.migration import DiskProbe
from novacron.model.refusal import RefusalCode
from novacron.model.shared_file_systems import is_local, is_shared
from novacron.model.vm import VmDisk

_READ_ONLY_PROTOCOLS: Final = frozenset({"http", "https", "ftp", "ftps", "tftp"})
"""QEMU has no way to write by them. Source: QEMU's block/curl.c."""

_OF_ONE_HOST: Final = {
    "nvme": "an NVMe device that QEMU drives itself",
    "vhostuser": "served by a process",
    "vhostvdpa": "a vDPA device",
}
_SECTOR_STORAGE: Final = "block"
_WITH_PATH: Final = frozenset({"file", "block", "dir"})
_NO_PROOF: Final = "a failed migration could leave two copies writing to it"


class Way(StrEnum):
    """How a VM may be moved."""

    LIVE = "live"
    COPYING = "live with its storage"
    SHUT_OFF = "shut off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why a way is closed."""

    reason: str
    remedy: str = ""
    """What opens this very way; empty when nothing does."""
    code: RefusalCode = RefusalCode.INCOMPATIBLE
    subject: str = ""
    """Empty: the VM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskMove:
    """One disk of a VM that is to be moved, and how both hosts see it."""

    seen: Sighting
    destination: Host
    disk: VmDisk
    here: DiskProbe
    there: DiskProbe

    def obstacle(self, way: Way) -> Obstacle | None:
        """Return what closes that way to the disk, or None."""
        disk = self.disk
        if is_empty_drive(disk):
            return None
        if not disk.source:
            return Obstacle(reason=f"what its disk {disk.target} is cannot be told", remedy="detach it")
        if (tied := _tied(disk)) is not None:
            return Obstacle(reason=f"{disk.source} is {tied} on {self.seen.host.id}", remedy="detach it")
        if disk.volume and (elsewhere := self._volume_elsewhere()) is not None:
            return elsewhere
        if is_medium(disk):
            return self._medium()
        match way:
            case Way.LIVE:
                return self._live()
            case Way.COPYING:
                return self._copying()
            case Way.SHUT_OFF:
                return self._shut_off()

    def warning(self, way: Way) -> str:
        """Return what the operator should know of a disk that may go that way; empty when nothing."""
        disk, there = self.disk, self.destination.id
        if is_empty_drive(disk):
            return ""
        if _is_network(disk) and (way is Way.SHUT_OFF or is_medium(disk)):
            return f"make sure that {there} reaches {disk.source}"
        if disk.storage == _SECTOR_STORAGE and not is_medium(disk):
            if way is Way.COPYING:
                return f"overwrites the device {disk.source} on {there}"
            if way is Way.SHUT_OFF and not (self.here.identity and self.there.identity):
                return f"make sure that {disk.source} is the same device on {there}"
        return ""

    def _volume_elsewhere(self) -> Obstacle | None:
        """Say that the destination, which looks for a pool and a volume of these names, would find something else."""
        disk, there = self.disk, self.destination.id
        pool, _, name = disk.volume.partition("/")
        pools = self.destination.reading.pools if self.destination.reading else ()
        found = next((one for one in pools if one.name == pool), None)
        if found is None or not found.active:
            return Obstacle(
                reason=f"it has volume {disk.volume}, and {there} has no active pool {pool}",
                remedy=f"start a pool {pool} on {there}",
            )
        path = next((volume.path for volume in found.volumes if volume.name == name), "")
        if path == disk.source or (not path and disk.source.startswith(found.path.rstrip("/") + "/")):
            return None
        return Obstacle(reason=f"volume {disk.volume} is {disk.source}, and on {there} it is not")

    def _medium(self) -> Obstacle | None:
        if _is_network(self.disk) or self.there.visible:
            return None
        drop = "eject it" if self.disk.kind in _REMOVABLE else "detach it"
        return self._not_there(f"{drop}, or copy it to {self.destination.id}")

    def _live(self) -> Obstacle | None:
        disk, here, there = self.disk, self.seen.host.id, self.destination.id
        if not _has_path(disk):
            return self._not_exclusive(f"is {_kind(disk)} storage, on which QEMU takes no lock")
        if not self.there.visible:
            return self._not_there("")
        if disk.shareable:
            return self._not_exclusive("is marked as shareable, so QEMU takes no exclusive lock on it")
        if not same_file(self.here, self.there):
            detail = _detail(self.here) or _detail(self.there)
            return self._not_exclusive(
                f"is not provably the file of that path on {there}{detail}: a lock seen there may be on another one"
            )
        if users := self._users_there(active=True):
            return self._not_exclusive(f"is a disk of {users} on {there} too: a lock seen there may be its")
        if self.seen.vm.is_active and self.there.lock_seen is not True:
            where = f" ({self.there.file_system})" if self.there.file_system else ""
            reason = f"is not provably exclusive: {there}{where} does not see the lock {here} holds"
            return self._not_exclusive(
                f"{reason}{_detail(self.there)}", "put it on storage that carries locks between hosts"
            )
        if self.seen.vm.is_active and self.here.lock_seen is not True:
            return self._not_exclusive(f"is not locked by its own QEMU on {here}{_detail(self.here)}")
        return None

    def _copying(self) -> Obstacle | None:
        disk, there = self.disk, self.destination.id
        if disk.shareable:
            return self._not_exclusive("is shared between VMs, so a copy would divide them", "detach it")
        if disk.storage == _SECTOR_STORAGE:
            return self._copying_device()
        if disk.storage != "file":
            reason = f"{disk.source} is {_kind(disk)} storage, which {there} may reach too: a copy would overwrite it"
            return Obstacle(reason=reason)
        if self.there.visible:
            return self._copying_over()
        needed_mib = disk.allocation_mib or 0
        if self.there.free_mib is not None and self.there.free_mib < needed_mib:
            return Obstacle(
                code=RefusalCode.NO_ROOM,
                subject=disk.source,
                reason=f"it needs {needed_mib} MiB and {there} has {self.there.free_mib} MiB free there",
                remedy=f"make room on {there}",
            )
        return None

    def _copying_over(self) -> Obstacle:
        """A file of that name is never overwritten: it is the same one, another VM's, or a person's to judge."""
        disk, there = self.disk, self.destination.id
        if users := self._users_there(active=False):
            return Obstacle(reason=f"{disk.source} on {there} is a file of {users}, which a copy would overwrite")
        if same_file(self.here, self.there) or is_shared(self.there.file_system) or self._on_shared_pool():
            reason = f"{disk.source} is on storage that {there} reaches too: a copy would overwrite itself"
            return Obstacle(reason=reason)
        return self._not_exclusive(
            f"exists on {there}, and a copy would overwrite it", f"delete it on {there} if it is a left-over"
        )

    def _copying_device(self) -> Obstacle | None:
        disk, there = self.disk, self.destination.id
        if not self.there.visible:
            return self._not_there(f"make a device of that name and size on {there}")
        here_id, there_id = self.here.identity, self.there.identity
        if here_id and there_id and here_id != there_id:
            return None
        may_be = "is" if here_id and here_id == there_id else "may be"
        return Obstacle(reason=f"{disk.source} {may_be} the same device on {there}: a copy would overwrite itself")

    def _shut_off(self) -> Obstacle | None:
        disk, here, there = self.disk, self.seen.host.id, self.destination.id
        if _is_network(disk):
            return None  # its name says on which server it is, wherever it is opened
        if not _has_path(disk):
            return Obstacle(reason=f"whether {there} has {disk.source} cannot be told")
        if not self.there.visible:
            return self._not_there("")
        known = self.here.identity and self.there.identity
        if disk.storage == _SECTOR_STORAGE:
            if not known or self.here.identity == self.there.identity:
                return None
            return Obstacle(reason=f"{disk.source} is another device on {there} than on {here}")
        # While it runs, its file changes between two looks: what must be equal is compared once it is off.
        equal = self.seen.vm.is_active or (known and self.here.identity == self.there.identity)
        if equal and same_file(self.here, self.there):
            return None
        reason = f"{disk.source} on {there} is not provably the file that it is on {here}: it may be an old copy"
        return Obstacle(reason=reason)

    def _users_there(self, *, active: bool) -> str:
        """Name other VMs of the destination that have the path as a disk, or, unless `active`, build on it."""
        reading = self.destination.reading
        path = self.disk.source
        if reading is None:
            return ""
        names = [
            vm.name
            for vm in reading.vms
            if vm.id != self.seen.vm.id
            and (vm.is_active or not active)
            and any(disk.source == path and not (active and is_medium(disk)) for disk in vm.disks)
        ]
        if not active:
            names += [v.name for pool in reading.pools for v in pool.volumes if v.backing_path == path]
        return ", ".join(names)

    def _on_shared_pool(self) -> bool:
        pools = self.destination.reading.pools if self.destination.reading else ()
        path = self.disk.source
        return any(pool.shared and pool.path and path.startswith(pool.path.rstrip("/") + "/") for pool in pools)

    def _not_there(self, remedy: str) -> Obstacle:
        reason = f"{self.disk.source} is not on {self.destination.id}{_detail(self.there)}"
        return Obstacle(reason=reason, remedy=remedy)

    def _not_exclusive(self, reason: str, remedy: str = "") -> Obstacle:
        return Obstacle(
            code=RefusalCode.DISK_NOT_EXCLUSIVE, reason=f"{self.disk.source} {reason}; {_NO_PROOF}", remedy=remedy
        )


_REMOVABLE: Final = frozenset({"cdrom", "floppy"})


def is_empty_drive(disk: VmDisk) -> bool:
    """Return whether there is nothing in it: only a drive can be empty, never a disk."""
    return not disk.source and disk.kind in _REMOVABLE


def is_medium(disk: VmDisk) -> bool:
    """Return whether the guest cannot write to it."""
    return disk.readonly or disk.kind in _REMOVABLE or disk.protocol in _READ_ONLY_PROTOCOLS


def same_file(here: DiskProbe, there: DiskProbe) -> bool:
    """Return whether two hosts provably see one file, also while it is written to.

    One inode number is not enough: hosts made from one image number their own files alike.
    """
    if not here.inode or here.inode != there.inode:
        return False
    if is_local(here.file_system) and is_local(there.file_system):
        return False
    if here.born and there.born and here.born != there.born:
        return False
    both_tell = here.file_system_id and there.file_system_id and here.file_system == there.file_system
    return not both_tell or here.file_system_id == there.file_system_id


def probed_path(disk: VmDisk) -> str:
    """Return the path by which hosts can look at the disk; empty where there is none."""
    return disk.source if _has_path(disk) else ""


def _has_path(disk: VmDisk) -> bool:
    return disk.source.startswith("/") and disk.storage in _WITH_PATH


def _is_network(disk: VmDisk) -> bool:
    return disk.storage == "network"


def _tied(disk: VmDisk) -> str | None:
    """Say what keeps the disk on its host for good, or None."""
    if disk.served_by_host:
        return "served by a process"
    return _OF_ONE_HOST.get(disk.storage)


def _kind(disk: VmDisk) -> str:
    return disk.protocol or disk.storage


def _detail(probe: DiskProbe) -> str:
    return f": {probe.detail}" if probe.detail else ""
