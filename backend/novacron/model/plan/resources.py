"""Claims of what operations touch: VMs, names, pools, files and memory, by the keys that all operations share."""

from collections.abc import Iterable, Iterator

from novacron.model.files import FileIdentity
from novacron.model.fleet import Fleet, Host
from novacron.model.ids import HostId, VmId
from novacron.model.operations.intent import VmIntent
from novacron.model.plan.file_users import uses_of
from novacron.model.shared_file_systems import is_local
from novacron.model.vm import VmDisk
from novacron.model.work.claim import Capacity, Claim, amount_of, exclusive, shared


def vm_alone(vm: VmId) -> Iterator[Claim]:
    """Claim a VM and its CPUs for one operation."""
    yield exclusive(f"vm:{vm}")
    yield cpus_alone(vm)


def vm_but_cpus(vm: VmId) -> Claim:
    """Claim a VM and leave its CPUs to who pauses it, so that a migration may end."""
    return exclusive(f"vm:{vm}")


def cpus_alone(vm: VmId) -> Claim:
    """Claim a VM's CPUs."""
    return exclusive(f"cpus:{vm}")


def vm_with_files(intent: VmIntent, fleet: Fleet) -> Iterator[Claim]:
    """Claim the VM for one operation, and the files it uses together with others."""
    yield from vm_alone(intent.vm)
    yield from files_of_vm(intent.vm, fleet)


def files_of_vm(vm: VmId, fleet: Fleet) -> Iterator[Claim]:
    """Claim the files that the VM uses, on every host that has it, together with others."""
    found = fleet.find_vm(vm)
    sightings = found.sightings if found else ()
    files = ((seen.host.id, use.path, use.file) for seen in sightings for use in uses_of(seen.vm))
    yield from map(shared, file_keys(files))


def name_alone(host: HostId, name: str) -> Claim:
    """Claim a VM's name on a host."""
    return exclusive(f"name:{host}/{name}")


def pool_key(host: HostId, pool: str) -> str:
    """Return the key of a pool."""
    return f"pool:{host}/{pool}"


def disk_key(path: str) -> str:
    """Return the key of a file by its path."""
    return f"disk:{path}"


def pools_below(host: Host | None, disks: Iterable[VmDisk]) -> Iterator[Claim]:
    """Share a host's pools in which disks of these paths lie, or would lie after a copy."""
    if host is None or host.reading is None:
        return
    paths = [disk.source for disk in disks if disk.source]
    for pool in host.reading.pools:
        if pool.path and any(path.startswith(f"{pool.path.rstrip('/')}/") for path in paths):
            yield shared(pool_key(host.id, pool.name))


def memory_of(host: HostId, memory_mib: int) -> Iterator[Claim]:
    """Claim memory of a host; nothing where it is not known how much."""
    if memory_mib > 0:
        yield amount_of(host, Capacity.MEMORY, memory_mib)


def file_keys(files: Iterable[tuple[HostId, str, FileIdentity | None]]) -> frozenset[str]:
    """Return the keys of files, each given as a host, its path there, and what it is.

    A file is claimed by its path and by what it is: links and mounts give one file several paths, and on a shared
    pool it is one file under many hosts. Two hosts' local files of one path are then taken for one, which costs at
    most a wait.
    """
    keys = set()
    for host, path, file in files:
        keys.add(disk_key(path))
        if file is not None and file.is_there:
            # Inode numbers of two hosts' own file systems say nothing of each other.
            where = f"{host}/{file.device}" if is_local(file.file_system) else "shared"
            keys.add(f"file:{where}/{file.inode}")
    return frozenset(keys)


def volume_keys(host_id: HostId, pool: str, volume: str, fleet: Fleet) -> frozenset[str]:
    """Return the keys of the volume of that name; none where it is not known, or the name is empty."""
    host = fleet.hosts.get(host_id)
    pools = host.reading.pools if host and host.reading else ()
    named = (one for p in pools if p.name == pool for one in p.volumes if volume and one.name == volume)
    return file_keys((host_id, one.path, one.file) for one in named)
