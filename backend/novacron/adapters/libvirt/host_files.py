"""What a host's VMs and volumes name, joined with which files that are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from novacron.adapters.libvirt.access import HostAccess
from novacron.adapters.libvirt.file_table import FileQuestions, FileTable
from novacron.adapters.libvirt.named_files import NamedPath
from novacron.adapters.libvirt.pool_reader import PoolReader
from novacron.adapters.libvirt.vm_files import VmFiles
from novacron.model.files import FileUse, UseKind
from novacron.model.storage import Pool
from novacron.model.vm import VmDisk, VmReading
from novacron.ports.clock import Clock


class HostFiles:
    """Which files the VMs and volumes of one host need, as of its last inventory."""

    def __init__(self, access: HostAccess, clock: Clock, pools: PoolReader) -> None:
        self._table = FileTable(access, clock)
        self._pools = pools
        self._joined: dict[str, tuple[Pool, int, Pool]] = {}
        """By name: a pool as it was read, of which generation of the table, and what the two made together."""
        self._knew_pools = False

    @property
    def trouble(self) -> str:
        """Why it is not known; empty when it is."""
        return self._table.trouble or ("" if self._knew_pools else "which pools it has was not read yet")

    def read(self, named: Iterable[tuple[Sequence[VmDisk], VmFiles]]) -> None:
        """Start to find out, for what each VM names and what the pools list now."""
        self._knew_pools = self._pools.were_read
        self._table.read(self._questions(tuple(named)))

    async def wait(self, seconds: float) -> None:
        """Wait for what is under way, but no longer than that."""
        await self._table.wait(seconds)

    def close(self) -> None:
        """Let go at once."""
        self._table.close()

    def of_vm(self, vm: VmReading, files: VmFiles) -> VmReading:
        """Return the VM with the pools its disks are in, and every file that it needs."""
        table = self._table
        placed = (self._pools.placed(disk) for disk in vm.disks)
        disks = tuple(replace(disk, file=table.identity(disk.source)) for disk in placed)
        sources = {disk.source for disk in disks}
        uses = {
            named.path: FileUse(path=named.path, what=named.what, kind=named.kind, file=table.identity(named.path))
            for named in self._placed(files)
            if named.path not in sources
        }
        for image in (*sources, *tuple(uses)):
            for base in table.bases(image) if image not in files.chains else ():
                if base.kind is UseKind.UNREAD or base.path not in uses:
                    uses[base.path] = base
        if files.unread:
            uses[""] = FileUse(path="its definition", what=files.unread, kind=UseKind.UNREAD)
        return replace(vm, disks=disks, uses=tuple(uses.values()))

    def _placed(self, files: VmFiles) -> Iterator[NamedPath]:
        """Yield what a VM names, volumes by the paths that their pools tell."""
        for named in files.paths:
            path = self._pools.path_of(named.path) if named.kind is UseKind.VOLUME else ""
            yield replace(named, path=path, kind=UseKind.FILE) if path else named

    def of_pools(self) -> tuple[Pool, ...]:
        """Return the pools, each with which folder it is, and which file each volume is and has below it."""
        return tuple(self._of_pool(pool) for pool in self._pools.latest)

    def _of_pool(self, pool: Pool) -> Pool:
        """Return the pool with its files. Both change with inventories, and a pool may have thousands of volumes."""
        table = self._table
        known = self._joined.get(pool.name)
        if known is not None and known[0] is pool and known[1] == table.generation:
            return known[2]
        joined = self._join(pool)
        self._joined[pool.name] = (pool, table.generation, joined)
        return joined

    def _join(self, pool: Pool) -> Pool:
        table = self._table
        volumes = tuple(
            replace(volume, file=table.identity(volume.path), uses=tuple(table.bases(volume.path)))
            for volume in pool.volumes
        )
        return replace(pool, volumes=volumes, folders=table.folders(pool.path) if _is_path(pool.path) else ())

    def _questions(self, named: tuple[tuple[Sequence[VmDisk], VmFiles], ...]) -> FileQuestions:
        pools = self._pools.latest
        backing = {volume.path: volume.backing_path for pool in pools for volume in pool.volumes}
        disks = [self._pools.placed(disk) for of_vm, _ in named for disk in of_vm]
        paths = [path for _, files in named for path in self._placed(files)]
        told = {path for _, files in named for path in files.chains}
        raw = {disk.source for disk in disks if disk.format == "raw"}
        images = {path.path for path in paths if path.may_have_base} | {disk.source for disk in disks}
        everything = {path.path for path in paths} | images | backing.keys() | set(backing.values())
        everything |= {folder for pool in pools if _is_path(pool.path) for folder in _folders(pool.path)}
        return FileQuestions(
            paths=frozenset(filter(_is_path, everything)),
            images=frozenset(filter(_is_path, images - told - raw)),
            backing=backing,
        )


def _is_path(name: str) -> bool:
    return name.startswith("/")


def _folders(path: str) -> tuple[str, ...]:
    """Return a folder and those above it."""
    return (path.rstrip("/") or "/", *map(str, PurePosixPath(path).parents))
