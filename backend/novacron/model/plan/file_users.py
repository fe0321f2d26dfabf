"""Who needs a file, and who may: what is not known counts as a possible user, never as none.

Two names are one file when a host says so: by device and inode on one host, by inode where a file system is shared
between hosts. Only where no host could tell are the names themselves compared.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from novacron.model.files import NODE, FileIdentity, FileUse, UseKind
from novacron.model.fleet import Fleet, Host
from novacron.model.host import HostReading
from novacron.model.ids import HostId, VmId
from novacron.model.shared_file_systems import is_local, numbers_files_alike
from novacron.model.storage import Pool
from novacron.model.vm import VmReading


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFile:
    """A file as one host names it."""

    host: HostId
    path: str
    file: FileIdentity | None = None

    @property
    def is_path(self) -> bool:
        """Whether the host's kernel has it; a network volume has a name only."""
        return self.path.startswith("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Why it cannot be said that a host has no user of a file."""

    host: HostId
    reason: str


def named_file(host: Host, path: str) -> NamedFile:
    """Return what the host's last reading says of a path."""
    return NamedFile(host=host.id, path=path, file=_identity(host.reading, path) if host.reading else None)


def is_gone(host: Host, path: str) -> bool:
    """Whether the host's last reading shows that there is no such file: it looked, or its pool lists it no more."""
    file = named_file(host, path).file
    if file is not None:
        return not file.is_there
    parent = path.rpartition("/")[0]
    pools = [pool for pool in (host.reading.pools if host.reading else ()) if pool.path.rstrip("/") == parent]
    listed = any(volume.path == path for pool in pools for volume in pool.volumes)
    return not listed and any(pool.active and not pool.trouble for pool in pools)


def users_of(
    fleet: Fleet, host: Host, path: str, *, besides: VmId | str = "", vouched: Collection[HostId] = ()
) -> tuple[str, ...]:
    """Name every VM that needs the file, or may as far as is known, other than the host's own VM `besides`, each once.

    A host that is vouched for and does not answer has none: what it said last is not counted.
    """
    wanted, pools = named_file(host, path), host.reading.pools if host.reading else ()
    found: dict[str, None] = {}
    for reading in _readings(fleet, vouched):
        for vm in reading.vms:
            if vm.id == besides and reading.host == host.id:
                continue
            what = next((use.what for use in uses_of(vm) if _is_needed(wanted, reading.host, use, pools)), None)
            if what is not None:
                found[f"{vm.name} on {reading.host}{'' if what == _DISK else f' ({what})'}"] = None
    return tuple(found)


def depends_on(fleet: Fleet, host: Host, path: str, *, vouched: Collection[HostId] = ()) -> tuple[str, ...]:
    """Name every volume that has the file below it, as base image or as a base's base."""
    wanted, pools = named_file(host, path), host.reading.pools if host.reading else ()
    return tuple(
        f"{volume.path} on {reading.host}"
        for reading in _readings(fleet, vouched)
        for pool in reading.pools
        for volume in pool.volumes
        if any(_is_needed(wanted, reading.host, use, pools) for use in volume.uses)
        or _names_as_base(wanted, reading, volume.backing_path)
    )


def doubts_about(fleet: Fleet, host: Host, path: str, *, vouched: Collection[HostId] = ()) -> tuple[Doubt, ...]:
    """Say of which hosts it is not known whether they need the file: at most one reason for each."""
    wanted = named_file(host, path)
    doubts = [Doubt(host=host.id, reason=reason) for reason in _own_doubt(host, wanted)]
    if others_reach(host, wanted):
        for other in fleet.hosts.values():
            if other.id != host.id and (reason := _doubt(other)):
                doubts.append(Doubt(host=other.id, reason=reason))
    return tuple(doubt for doubt in doubts if doubt.host not in vouched)


def others_reach(host: Host, wanted: NamedFile) -> bool:
    """Whether another host may have the file too, by storage that is not known to be the host's own."""
    if not wanted.is_path or wanted.file is None:
        return True
    pools = host.reading.pools if host.reading else ()
    if any(pool.shared and _lies_below(wanted.path, pool.path) for pool in pools):
        return True
    if wanted.file.device == NODE:
        # A volume of a local volume group is the host's own; any other device may be a LUN that others see.
        return not any(volume.path == wanted.path for pool in pools for volume in pool.volumes)
    return not is_local(wanted.file.file_system)


def hosts_in_reach(fleet: Fleet, host: Host, path: str) -> frozenset[HostId]:
    """Return every host that may have the file under some name: the host itself, and all when its storage is shared."""
    return frozenset(fleet.hosts) if others_reach(host, named_file(host, path)) else frozenset({host.id})


def uses_of(vm: VmReading) -> Iterator[FileUse]:
    """Yield every file the VM needs, its own disks first."""
    for disk in vm.disks:
        if disk.source:
            kind = _KINDS.get(disk.storage, UseKind.FILE)
            yield FileUse(path=disk.source, what=_DISK, kind=kind, file=disk.file)
    yield from vm.uses


_DISK = "disk"
_KINDS = {"volume": UseKind.VOLUME, "dir": UseKind.FOLDER}


def _readings(fleet: Fleet, vouched: Collection[HostId]) -> Iterator[HostReading]:
    """Yield the last reading of every host there is or was."""
    for other in fleet.hosts.values():
        if other.reading is not None and (other.is_current or other.id not in vouched):
            yield other.reading
    for former in fleet.former:
        if former.host not in vouched:
            yield former


def _is_needed(wanted: NamedFile, host: HostId, use: FileUse, pools: tuple[Pool, ...]) -> bool:
    if use.kind is UseKind.FOLDER and _is_below(wanted, host, use, pools):
        return True
    one = NamedFile(host=host, path=use.path, file=use.file)
    return may_be_one(wanted, one) or (use.kind is UseKind.VOLUME and _same_name(wanted, one))


def may_be_one(one: NamedFile, other: NamedFile) -> bool:
    """Whether the two names may mean one file."""
    if not (one.is_path and other.is_path):
        return one.path == other.path
    if one.host == other.host and one.path == other.path:
        return True
    if one.file is None or other.file is None:
        return _same_name(one, other)
    if not (one.file.is_there and other.file.is_there):
        # A share that is not mounted now, or a volume that is not active there, is not there and needed all the same.
        there = (name.file for name in (one, other) if name.file and name.file.is_there)
        return any(not is_local(file.file_system) for file in there) and _same_name(one, other)
    if one.host == other.host:
        return (one.file.device, one.file.inode) == (other.file.device, other.file.inode)
    if one.file.device == NODE or other.file.device == NODE:
        return one.file.device == other.file.device and _same_name(one, other)
    kinds = (one.file.file_system, other.file.file_system)
    if all(is_local(kind) for kind in kinds):
        return False
    if all(is_local(kind) or numbers_files_alike(kind) for kind in kinds):
        # One host may export what the other mounts: the number is then the same.
        return one.file.inode == other.file.inode
    return one.file.inode == other.file.inode or _same_name(one, other)


def _same_name(one: NamedFile, other: NamedFile) -> bool:
    return one.path.rpartition("/")[2] == other.path.rpartition("/")[2]


def _lies_below(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/") and folder != ""


def _is_below(wanted: NamedFile, host: HostId, use: FileUse, pools: tuple[Pool, ...]) -> bool:
    """Whether the file lies in a folder that is used whole."""
    if _lies_below(wanted.path, use.path):
        return True
    if use.file is None or not use.file.is_there:
        return False
    folder = NamedFile(host=host, path=use.path, file=use.file)
    above = (up for pool in pools if _lies_below(wanted.path, pool.path) for up in pool.folders if up.is_there)
    # What is above is known by what it is, not by its name; a host's own folder is no other host's.
    return any(
        may_be_one(NamedFile(host=wanted.host, path="/", file=up), folder)
        for up in above
        if host == wanted.host or not is_local(up.file_system)
    )


def _names_as_base(wanted: NamedFile, reading: HostReading, backing_path: str) -> bool:
    """Whether a volume's base is the file; what the host said of that base lies with the volume's other uses."""
    if not backing_path:
        return False
    return may_be_one(wanted, NamedFile(host=reading.host, path=backing_path, file=_identity(reading, backing_path)))


def _identity(reading: HostReading, path: str) -> FileIdentity | None:
    for pool in reading.pools:
        for volume in pool.volumes:
            if volume.path == path and volume.file is not None:
                return volume.file
            for use in volume.uses:
                if use.path == path and use.file is not None:
                    return use.file
    return next((use.file for vm in reading.vms for use in uses_of(vm) if use.path == path and use.file), None)


def _own_doubt(host: Host, wanted: NamedFile) -> tuple[str, ...]:
    if not wanted.is_path:
        return ()
    reason = _doubt(host)
    if not reason and wanted.file is None:
        reason = f"it could not be found out which file {wanted.path} is"
    return (reason,) if reason else ()


def _doubt(host: Host) -> str:
    """Say why what the host uses is not known now; empty when it is."""
    reading = host.reading
    if reading is None:
        return f"it was never read ({host.link.cause or host.link.status})"
    if not host.is_current:
        return f"it is {host.link.status}, and was last read {reading.observed_at:%Y-%m-%d %H:%M} UTC"
    if reading.inventory_at is None:
        return "its VMs' definitions were not read yet"
    if reading.files_trouble:
        return reading.files_trouble
    for vm in reading.vms:
        if not vm.is_read:
            return f"the definition of {vm.name} was not read yet"
        for use in uses_of(vm):
            if use.kind is UseKind.UNREAD:
                return f"what {use.path} of {vm.name} is based on could not be read"
    return ""
