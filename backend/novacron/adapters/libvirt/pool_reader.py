"""Storage pools, read beside everything else: a pool whose server is dead must hide no VM and no other pool.

Pools are refreshed over a connection of their own. A refresh that hangs costs that connection and that pool's new
figures; the old ones stay.
"""

import asyncio
from contextlib import suppress
from typing import Any

from novacron.adapters.libvirt import xml
from novacron.adapters.libvirt.access import HostAccess
from novacron.adapters.libvirt.binding import load_libvirt
from novacron.adapters.libvirt.channel import Channel, Connection
from novacron.adapters.libvirt.foreign_text import text_of
from novacron.model.errors import NovaCronError, OperationError
from novacron.model.ids import PoolId
from novacron.model.storage import Pool, Volume
from novacron.ports.clock import Clock

_POOL_DEADLINE_S = 8.0
_MIB = 1024 * 1024
_SHARED_KINDS = frozenset({"netfs", "rbd", "gluster", "iscsi", "iscsi-direct", "sheepdog"})
_SHARED_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "ceph", "gfs2", "ocfs2", "lustre", "gpfs", "glusterfs", "fuse.glusterfs"}
    | {"fuse.ceph", "fuse.moosefs", "fuse.juicefs", "fuse.quobyte", "beegfs", "9p", "virtiofs"}
)


class PoolReader:
    """Keeps the last word on every pool of one host."""

    def __init__(self, access: HostAccess, clock: Clock) -> None:
        self._access = access
        self._clock = clock
        self._channel: Channel | None = None
        self._task: asyncio.Task[None] | None = None
        self._pools: dict[str, Pool] = {}
        self._file_systems: dict[str, str] = {}

    @property
    def latest(self) -> tuple[Pool, ...]:
        """What is known, in the order of names."""
        return tuple(self._pools[name] for name in sorted(self._pools))

    def refresh(self) -> None:
        """Start to read all pools, unless that is under way."""
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._read())

    async def wait(self, seconds: float) -> None:
        """Wait for the reading under way, but no longer than that."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=seconds)

    def close(self) -> None:
        """Let go at once."""
        if self._task is not None:
            self._task.cancel()
        if self._channel is not None:
            self._channel.abort()

    async def _read(self) -> None:
        # A broken link shows in the reading beside this one; here the last word simply stays.
        with suppress(NovaCronError):
            names = await self._call("listing pools", _names)
            for gone in self._pools.keys() - set(names):
                del self._pools[gone]
            for name in names:
                with suppress(NovaCronError):
                    self._pools[name] = await self._pool(name)

    async def _pool(self, name: str) -> Pool:
        pool = await self._call(f"reading pool {name}", lambda connection: _read_pool(connection, name))
        shared = pool.kind in _SHARED_KINDS or await self._file_system(pool) in _SHARED_FILE_SYSTEMS
        return Pool(
            id=pool.id,
            name=pool.name,
            kind=pool.kind,
            active=pool.active,
            autostart=pool.autostart,
            path=pool.path,
            capacity_mib=pool.capacity_mib,
            allocation_mib=pool.allocation_mib,
            available_mib=pool.available_mib,
            volumes=pool.volumes,
            shared=shared,
        )

    async def _file_system(self, pool: Pool) -> str:
        """Return the type of the file system under a pool, asked once."""
        if not pool.path.startswith("/") or not self._access.has_shell:
            return ""
        if pool.path not in self._file_systems:
            argv = ("findmnt", "--noheadings", "--output", "FSTYPE", "--target", pool.path)
            done = await self._access.run(argv, deadline_s=_POOL_DEADLINE_S)
            words = done.stdout.decode(errors="replace").split()
            self._file_systems[pool.path] = words[-1] if words else ""
        return self._file_systems[pool.path]

    async def _call(self, what: str, work: Any) -> Any:  # noqa: ANN401 - as Channel.call
        if self._channel is None or self._channel.is_closed:
            self._channel = await self._access.open_channel(deadline_s=_POOL_DEADLINE_S)
        return await self._channel.call(what, work, deadline_s=_POOL_DEADLINE_S)


def _names(connection: Connection) -> list[str]:
    return [pool.name() for pool in connection.listAllStoragePools()]


def _read_pool(connection: Connection, name: str) -> Pool:
    libvirt = load_libvirt()
    pool = connection.storagePoolLookupByName(name)
    active = bool(pool.isActive())
    if active:
        with suppress(libvirt.libvirtError):  # busy with another job: its last figures are good enough
            pool.refresh()
    root = xml.parse(pool.XMLDesc(), name)
    _, capacity, allocation, available = pool.info()
    return Pool(
        id=PoolId(pool.UUIDString()),
        name=name,
        kind=root.get("type") or "",
        active=active,
        autostart=bool(pool.autostart()),
        path=root.findtext("target/path") or root.findtext("source/name") or "",
        capacity_mib=capacity // _MIB,
        allocation_mib=allocation // _MIB,
        available_mib=available // _MIB,
        volumes=tuple(_volumes(pool)) if active else (),
    )


def _volumes(pool: Any) -> list[Volume]:  # noqa: ANN401 - libvirt.virStoragePool
    libvirt = load_libvirt()
    volumes = []
    for volume in pool.listAllVolumes():
        try:
            volumes.append(_volume(volume))
        except libvirt.libvirtError:
            continue  # deleted between two calls
    return sorted(volumes, key=lambda volume: volume.name)


def _volume(volume: Any) -> Volume:  # noqa: ANN401 - libvirt.virStorageVol
    name, definition = text_of(volume.name), text_of(volume.XMLDesc)
    _, capacity, allocation = volume.info()
    try:
        root = xml.parse(definition, name)
    except OperationError:
        # A file's name may hold what no XML may: it is listed by its name alone.
        root = xml.parse("<volume/>", name)
    kind = root.find("target/format")
    return Volume(
        name=name,
        path=text_of(volume.path),
        capacity_mib=capacity // _MIB,
        allocation_mib=allocation // _MIB,
        format=(kind.get("type") if kind is not None else None) or "raw",
        backing_path=root.findtext("backingStore/path") or "",
    )
