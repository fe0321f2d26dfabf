"""Who uses a disk image: what may be deleted with a VM, and what must be kept."""

from collections.abc import Iterator
from dataclasses import dataclass

from novacron.model.fleet import Fleet, Host, Sighting
from novacron.model.vm import VmDisk


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFate:
    """What becomes of one disk when its VM is deleted with its disks."""

    disk: VmDisk
    keep_because: str = ""
    """Why it stays; empty when it goes."""


def disk_fates(fleet: Fleet, seen: Sighting) -> tuple[DiskFate, ...]:
    """Judge every disk of a VM: never one that something else may need."""
    return tuple(
        DiskFate(disk=disk, keep_because=_keep_because(fleet, seen, disk)) for disk in seen.vm.disks if disk.source
    )


def users_of(fleet: Fleet, host: Host, path: str, *, besides: str = "") -> tuple[str, ...]:
    """Name every VM that has `path` as a disk where it may be the same file, other than VM `besides`.

    On the host itself a path is one file. On another host it may be the same one: counted when a shared pool
    covers it there, or when no pool tells.
    """
    users = []
    for other in fleet.hosts.values():
        if other.reading is None or (other.id != host.id and not _may_share(host, other, path)):
            continue
        users += [
            f"{vm.name} on {other.id}"
            for vm in other.reading.vms
            if vm.id != besides and any(disk.source == path for disk in vm.disks)
        ]
    return tuple(users)


def depends_on(fleet: Fleet, host: Host, path: str) -> tuple[str, ...]:
    """Name every volume that has `path` as its backing image where it may be the same file."""
    return tuple(
        f"{volume} on {other.id}"
        for other in fleet.hosts.values()
        if other.id == host.id or _may_share(host, other, path)
        for volume in _backed_by(other, path)
    )


def _keep_because(fleet: Fleet, seen: Sighting, disk: VmDisk) -> str:
    if disk.readonly or disk.kind in {"cdrom", "floppy"}:
        return "it is read-only media"
    if disk.shareable:
        return "it is marked as shared between VMs"
    if disk.storage in {"block", "network", "dir", "volume"} and disk.pool_id is None:
        return f"it is a {disk.storage} device outside any pool"
    users = users_of(fleet, seen.host, disk.source, besides=seen.vm.id)
    if users:
        return f"{', '.join(users)} uses it too"
    dependants = depends_on(fleet, seen.host, disk.source)
    return f"it is the base of {', '.join(dependants)}" if dependants else ""


def _backed_by(host: Host, path: str) -> Iterator[str]:
    for pool in host.reading.pools if host.reading else ():
        yield from (volume.path for volume in pool.volumes if volume.backing_path == path)


def _may_share(host: Host, other: Host, path: str) -> bool:
    here, there = _pool_shared(host, path), _pool_shared(other, path)
    if here is None and there is None:
        return True
    return bool(here) or bool(there)


def _pool_shared(host: Host, path: str) -> bool | None:
    """Whether the pool that covers `path` is shared; None when no pool covers it."""
    for pool in host.reading.pools if host.reading else ():
        if pool.path and path.startswith(pool.path.rstrip("/") + "/"):
            return pool.shared
    return None
