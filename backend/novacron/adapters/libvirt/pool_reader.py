"""Storage pools, read beside everything else: a pool whose server is dead must hide no VM and no other pool.

Pools are read over a connection of their own. A reading that hangs costs that connection and that pool's new figures;
the old ones stay. libvirt stops a pool whose refresh fails, so a pool is refreshed only when its folder was seen to be
readable and to have changed, never by the clock.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from novacron.adapters.libvirt import xml
from novacron.adapters.libvirt.access import HostAccess
from novacron.adapters.libvirt.background_read import BackgroundRead
from novacron.adapters.libvirt.binding import load_libvirt
from novacron.adapters.libvirt.channel import Channel, Connection
from novacron.adapters.libvirt.foreign_text import text_of
from novacron.adapters.libvirt.hanging import HUNG
from novacron.adapters.libvirt.image_headers import UnreadableHeader, absolute_base
from novacron.model.errors import DeadlineExceeded, LinkError, NovaCronError, OperationError
from novacron.model.ids import PoolId
from novacron.model.shared_file_systems import is_shared
from novacron.model.storage import Pool, PoolSize, Volume, plausible_size
from novacron.model.vm import VmDisk
from novacron.model.work.backoff import Backoff
from novacron.ports.clock import Clock

_POOL_DEADLINE_S = 8.0
_VOLUMES_DEADLINE_S = 20.0
"""One call a volume: a pool may have thousands."""
_HANGS: Final = "whoever looks at its folder hangs: is its server dead?"
_LOOK: Final = 'stat --format "%.9Y %.9Z" -- "$1" && stat --file-system --format "%S %b %f" -- "$1"'
"""When something was last made or deleted in a folder, and how full its file system is."""
_MIB = 1024 * 1024
_NUMBER = re.compile(r"[0-9]{1,20}", re.ASCII)
_SHARED_KINDS = frozenset({"netfs", "rbd", "gluster", "iscsi", "iscsi-direct", "sheepdog"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folder:
    """A pool's folder as the host sees it."""

    changed: str
    """Differs whenever a file came or went."""
    size: PoolSize


class PoolReader:
    """Keeps the last word on every pool of one host."""

    def __init__(self, access: HostAccess, clock: Clock) -> None:
        self._access = access
        self._clock = clock
        self._channel: Channel | None = None
        self._reading = BackgroundRead("reading pools")
        self._pools: dict[str, Pool] = {}
        self._file_systems: dict[str, str] = {}
        self._refreshed: dict[str, str] = {}
        """By pool: how its folder was when it was last refreshed."""
        self._hung: dict[str, Backoff] = {}
        self._places: dict[str, tuple[PoolId, str]] = {}
        self.were_read = False
        """Whether all pools were gone through at least once: until then others may be there."""

    @property
    def latest(self) -> tuple[Pool, ...]:
        """What is known, in the order of names."""
        return tuple(self._pools[name] for name in sorted(self._pools))

    def placed(self, disk: VmDisk) -> VmDisk:
        """Return the disk with the pool it is in; one that is named by pool and volume also with its path."""
        place = self._places.get(disk.source)
        if place is None:
            return disk
        pool, path = place
        storage, volume = disk.storage, ""
        if storage == "volume":
            volume = disk.source
            storage = "network" if not path.startswith("/") else "block" if path.startswith("/dev/") else "file"
        return replace(disk, pool_id=pool, source=path, storage=storage, volume=volume)

    def path_of(self, volume: str) -> str:
        """Return the path of what is named "pool/volume"; empty while its pool does not tell it."""
        return self._places[volume][1] if volume in self._places else ""

    def read(self) -> None:
        """Start to read all pools, unless that is under way."""
        self._reading.start(self._read)

    async def wait(self, seconds: float) -> None:
        """Wait for the reading under way, but no longer than that."""
        await self._reading.wait(seconds)

    def close(self) -> None:
        """Let go at once."""
        self._reading.cancel()
        if self._channel is not None:
            self._channel.abort()

    async def _read(self) -> None:
        # A broken link shows in the reading beside this one; here the last word simply stays.
        with suppress(NovaCronError):
            try:
                names = await self._call("listing pools", _names)
            except OperationError:
                names = []  # it answers, and has no pools: libvirt may come without them
            for gone in self._pools.keys() - set(names):
                del self._pools[gone]
            is_whole = True
            for name in names:
                try:
                    self._pools[name] = await self._pool(name)
                    self._places = _places(self._pools.values())
                except LinkError:
                    is_whole = False
                except NovaCronError:
                    continue
            self.were_read = self.were_read or is_whole

    async def _pool(self, name: str) -> Pool:
        def read(connection: Connection) -> Pool:
            return _read_pool(connection, name)

        pool: Pool = await self._call(f"reading pool {name}", read)
        folder, trouble = await self._folder(pool) if pool.active else (None, "")
        if trouble:
            # libvirt looks at every file to tell of a volume, and has few who can hang at that.
            known = self._pools.get(name, pool)
            return replace(pool, volumes=known.volumes, shared=known.shared, trouble=trouble)
        if folder is not None and self._refreshed.get(name) != folder.changed:
            await self._call(f"refreshing pool {name}", lambda connection: _refresh(connection, name))
            self._refreshed[name] = folder.changed
            pool = await self._call(f"reading pool {name}", read)
        if pool.active:
            volumes = await self._call(
                f"reading the volumes of pool {name}", lambda connection: _volumes(connection, name)
            )
            pool = replace(pool, volumes=tuple(volumes))
        if folder is not None and pool.active:
            pool = pool.of_size(folder.size)
        shared = pool.kind in _SHARED_KINDS or is_shared(await self._file_system(pool))
        return replace(pool, shared=shared)

    async def _folder(self, pool: Pool) -> tuple[_Folder | None, str]:
        """Look at a pool's folder; None where there is none, or with the reason why it cannot be read now."""
        if not pool.path.startswith("/") or pool.path.startswith("/dev") or not self._access.has_shell:
            return None, ""
        hung = self._hung.get(pool.path, HUNG)
        if not hung.is_due(self._clock.monotonic()):
            return None, _HANGS
        try:
            done = await self._access.run(("sh", "-c", _LOOK, "sh", pool.path), deadline_s=_POOL_DEADLINE_S)
        except DeadlineExceeded:
            # Its server is dead: whoever looks at it hangs on the host, and cannot be killed there.
            self._hung[pool.path] = hung.failed(now_s=self._clock.monotonic())
            return None, _HANGS
        self._hung.pop(pool.path, None)
        if done.exit_status != 0:
            return None, done.stderr.decode(errors="replace").strip().rpartition("stat: ")[2] or "it cannot be read"
        changed, _, figures = done.stdout.decode(errors="replace").partition("\n")
        numbers = [int(word) for word in figures.split() if word.isdigit()]
        if len(numbers) != 3:
            return None, ""
        block, blocks, free = numbers
        size = plausible_size(
            capacity_mib=block * blocks // _MIB,
            allocation_mib=block * (blocks - free) // _MIB,
            available_mib=block * free // _MIB,
        )
        return _Folder(changed=changed, size=size), ""

    async def _file_system(self, pool: Pool) -> str:
        """Return the type of the file system under a pool, asked once."""
        if not pool.path.startswith("/") or not self._access.has_shell:
            return ""
        if pool.path not in self._file_systems:
            argv = ("findmnt", "--noheadings", "--output", "FSTYPE", "--target", pool.path)
            done = await self._access.run(argv, deadline_s=_POOL_DEADLINE_S)
            words = done.stdout.decode(errors="replace").split()
            if done.exit_status != 0:
                return ""  # asked again: a pool that counts as not shared by mistake would stay so
            self._file_systems[pool.path] = words[-1] if words else ""
        return self._file_systems[pool.path]

    async def _call(self, what: str, work: Any) -> Any:  # noqa: ANN401 - as Channel.call
        if self._channel is None or self._channel.is_closed:
            self._channel = await self._access.open_channel(deadline_s=_POOL_DEADLINE_S)
        return await self._channel.call(what, work, deadline_s=_VOLUMES_DEADLINE_S)


def _names(connection: Connection) -> list[str]:
    return [pool.name() for pool in connection.listAllStoragePools()]


def _refresh(connection: Connection, name: str) -> None:
    with suppress(load_libvirt().libvirtError):  # busy with another job: its last figures are good enough
        connection.storagePoolLookupByName(name).refresh()


def _places(pools: Iterable[Pool]) -> dict[str, tuple[PoolId, str]]:
    """Return where each volume is, by its path and by "pool/volume", as definitions name it."""
    places: dict[str, tuple[PoolId, str]] = {}
    for pool in pools:
        for volume in pool.volumes:
            places[volume.path] = places[f"{pool.name}/{volume.name}"] = (pool.id, volume.path)
    return places


def _read_pool(connection: Connection, name: str) -> Pool:
    pool = connection.storagePoolLookupByName(name)
    active = bool(pool.isActive())
    root = xml.parse(pool.XMLDesc(), name)
    found = Pool(
        id=PoolId(pool.UUIDString()),
        name=name,
        kind=root.get("type") or "",
        active=active,
        autostart=bool(pool.autostart()),
        path=root.findtext("target/path") or root.findtext("source/name") or "",
    )
    return found.of_size(_pool_size(pool)) if active else found


def _pool_size(pool: Any) -> PoolSize:  # noqa: ANN401 - libvirt.virStoragePool
    _, capacity, allocation, available = pool.info()
    return plausible_size(
        capacity_mib=capacity // _MIB, allocation_mib=allocation // _MIB, available_mib=available // _MIB
    )


def _volumes(connection: Connection, name: str) -> list[Volume]:
    libvirt = load_libvirt()
    volumes = []
    for volume in connection.storagePoolLookupByName(name).listAllVolumes():
        try:
            volumes.append(_volume(volume))
        except libvirt.libvirtError:
            continue  # deleted between two calls
    return sorted(volumes, key=lambda volume: volume.name)


def _volume(volume: Any) -> Volume:  # noqa: ANN401 - libvirt.virStorageVol
    name, definition = text_of(volume.name), text_of(volume.XMLDesc)
    try:
        root = xml.parse(definition, name)
    except OperationError:
        # A file's name may hold what no XML may: it is listed by its name alone.
        root = xml.parse("<volume/>", name)
    kind, path = root.find("target/format"), root.findtext("target/path")
    if path is None or root.find("capacity") is None:
        _, capacity, allocation = volume.info()
    else:
        capacity, allocation = (_bytes(root.findtext(tag)) for tag in ("capacity", "allocation"))
    # In XML a path that is no text is not what it is on the host.
    place = path if path is not None and path.isascii() else text_of(volume.path)
    return Volume(
        name=name,
        path=place,
        capacity_mib=max(0, capacity) // _MIB,
        allocation_mib=max(0, allocation) // _MIB,
        format=(kind.get("type") if kind is not None else None) or "raw",
        backing_path=_base(root.findtext("backingStore/path") or "", place),
    )


def _base(text: str, path: str) -> str:
    """Return a volume's base; libvirt gives one on a server as the image's header has it."""
    with suppress(UnreadableHeader):
        return absolute_base(text, path) if text else ""
    return text


def _bytes(text: str | None) -> int:
    """Return a number of bytes; 0 for what is none."""
    return int(text) if text and _NUMBER.fullmatch(text) else 0
