"""Which file a simulated name means, and what each VM and volume needs beside its own disk."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from novacron.adapters.simulated.machine import Machine
from novacron.model.files import FileIdentity, FileUse
from novacron.model.storage import Pool
from novacron.model.vm import VmDisk

if TYPE_CHECKING:
    from novacron.adapters.simulated.host import SimulatedHost

_DEEPEST = 64
"""Base images below one another; a ring of them ends there."""


def identity(host: "SimulatedHost", path: str) -> FileIdentity | None:
    """Return which file a path is on this host; None for what is no path."""
    if not path.startswith("/"):
        return None
    real = host.real_path(path)
    store = next((pool.store for pool in host.pools.values() if pool.store.holds(real)), None)
    if store is None:
        return FileIdentity(device="root", inode=_number(host.name, real), file_system="ext4")
    inode = _number(store.label, real.removeprefix(store.path)) if real in store.volumes else 0
    return FileIdentity(device=store.label, inode=inode, file_system=store.file_system)


def uses(host: "SimulatedHost", machine: Machine) -> tuple[FileUse, ...]:
    """Return every file the VM needs beside its disks: kernels, what it was given, and the bases of its disks."""
    kernels = (FileUse(path=machine.kernel, what="kernel"), FileUse(path=machine.initrd, what="initrd"))
    stored = (FileUse(path=disk.source, what="disk at its next start") for disk in machine.next_disks or ())
    named = (*(use for use in kernels if use.path), *stored, *machine.files)
    bases = (use for disk in machine.disks for use in bases_of(host, disk.source))
    return (*(replace(use, file=identity(host, use.path)) for use in named), *bases)


def bases_of(host: "SimulatedHost", path: str) -> Iterator[FileUse]:
    """Yield the chain of base images below a file."""
    for _ in range(_DEEPEST):
        store = host.store_of(host.real_path(path))
        stored = None if store is None else store.volumes.get(host.real_path(path))
        if stored is None or not stored.volume.backing_path:
            return
        path = stored.volume.backing_path
        yield FileUse(path=path, what="base image", file=identity(host, path))


def placed(host: "SimulatedHost", disk: VmDisk) -> VmDisk:
    """Return the disk with the pool that lists it, and which file it is."""
    store = host.store_of(disk.source)
    is_volume = store is not None and disk.source in store.volumes
    return replace(disk, pool_id=host.pool_id_of(disk.source) if is_volume else None, file=identity(host, disk.source))


def with_files(host: "SimulatedHost", pool: Pool) -> Pool:
    """Return the pool with which file each of its volumes is, and what is below it."""
    volumes = tuple(
        replace(volume, file=identity(host, volume.path), uses=tuple(bases_of(host, volume.path)))
        for volume in pool.volumes
    )
    return replace(pool, volumes=volumes)


@lru_cache(maxsize=65536)
def _number(where: str, name: str) -> int:
    digest = hashlib.blake2b(f"{where}{name}".encode(errors="surrogatepass"), digest_size=6).digest()
    return 1 + int.from_bytes(digest, "big")
