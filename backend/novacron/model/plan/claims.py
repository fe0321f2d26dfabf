"""What an intent needs for as long as it runs: everything it touches, and its share of its hosts' capacities."""

from collections.abc import Iterable, Iterator

from novacron.model.files import FileIdentity
from novacron.model.fleet import Fleet, Host, Sighting
from novacron.model.ids import HostId, VmId
from novacron.model.operation import Operation
from novacron.model.operations.creation import CreateVm
from novacron.model.operations.definition import RenameVm
from novacron.model.operations.deletion import DeleteDiskArgs, DeleteVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.power import PauseVm, StartVm
from novacron.model.operations.storage import DeleteVolume, SetPoolActive
from novacron.model.plan.disks import disk_fates
from novacron.model.plan.file_users import uses_of
from novacron.model.shared_file_systems import is_local
from novacron.model.vm import VmDisk, VmReading
from novacron.model.work.claim import Capacity, Claim, Claims, amount_of, claims, exclusive, shared


def claims_of(intent: Intent, fleet: Fleet) -> Claims:
    """Return what the intent needs for itself, what it shares, and what it takes of its hosts' capacities.

    A file is claimed by its path and by what it is: links and mounts give one file several paths, and on a shared
    pool it is one file under many hosts. Two hosts' local files of one path are then taken for one, which costs at
    most a second's wait.
    """
    return claims(_claims(intent, fleet))


def claims_unread(operation: Operation) -> Claims:
    """Return what an operation of before a restart needs, while no host was read yet: rather too much.

    Which disk a volume is cannot be told then; its whole pool is held instead. How much memory a VM takes cannot be
    told either: what runs shows in its host's next reading.
    """
    intent = operation.intent
    known = claims_of(intent, Fleet())
    if isinstance(intent, CreateVm | DeleteVolume) and intent.pool:
        return claims((*known.all, exclusive(_pool(intent.host, intent.pool))))
    paths = (step.args.path for step in operation.steps if isinstance(step.args, DeleteDiskArgs))
    return claims((*known.all, *(exclusive(_disk(path)) for path in paths)))


def _claims(intent: Intent, fleet: Fleet) -> Iterator[Claim]:
    match intent:
        case SetPoolActive():
            yield exclusive(_pool(intent.host, intent.pool))
        case DeleteVolume():
            yield shared(_pool(intent.host, intent.pool))
            yield from map(exclusive, _volume_keys(intent, fleet))
        case CreateVm():
            yield from _of_creation(intent, fleet)
        case PauseVm():
            yield exclusive(_cpus(intent.vm))
        case DeleteVm() if intent.with_disks:
            yield from _of_deletion(intent, fleet)
        case _ if intent.about_vm is not None:
            yield from _vm(intent)
            found = fleet.find_vm(intent.about_vm)
            sightings = found.sightings if found else ()
            files = ((seen.host.id, use.path, use.file) for seen in sightings for use in uses_of(seen.vm))
            yield from map(shared, _keys(files))
            yield from _beside_the_vm(intent, fleet, sightings)


def _beside_the_vm(intent: Intent, fleet: Fleet, sightings: tuple[Sighting, ...]) -> Iterator[Claim]:
    """Yield what some verbs need of a host beside the VM and its files."""
    seen = next((one for one in sightings if one.host.id == intent.host), None)
    match intent:
        case StartVm():
            yield from map(shared, _pools_below(seen.host if seen else None, seen.vm.disks if seen else ()))
            yield amount_of(intent.host, Capacity.STARTS)
            yield from _memory(intent.host, seen.vm.memory_mib if seen else 0)
        case RenameVm():
            names = {intent.new_name, *((seen.vm.name,) if seen else ())}
            yield from (exclusive(_name(intent.host, name)) for name in names)
        case MigrateVm():
            yield from _of_migration(intent, fleet, seen.vm if seen else None)
        case _:
            return


def _of_migration(intent: MigrateVm, fleet: Fleet, vm: VmReading | None) -> Iterator[Claim]:
    """Yield the pools at both ends, the name at the destination and, of a live one, its share of both hosts."""
    for end in (intent.host, intent.destination):
        yield from map(shared, _pools_below(fleet.hosts.get(end), vm.disks if vm else ()))
    if vm is not None:
        yield exclusive(_name(intent.destination, vm.name))
    if vm is not None and not vm.is_active:
        return
    yield amount_of(intent.host, Capacity.MIGRATIONS_OUT)
    yield amount_of(intent.destination, Capacity.MIGRATIONS_IN)
    yield from _memory(intent.destination, vm.memory_mib if vm else 0)
    if intent.copy_storage:
        yield amount_of(intent.host, Capacity.DISK_COPIES)
        yield amount_of(intent.destination, Capacity.DISK_COPIES)


def _of_creation(intent: CreateVm, fleet: Fleet) -> Iterator[Claim]:
    yield from _vm(intent)
    yield exclusive(_name(intent.host, intent.name))
    yield from map(exclusive, _new_disk_keys(intent, fleet))
    yield from map(shared, _volume_keys(intent, fleet))
    if intent.pool:
        yield shared(_pool(intent.host, intent.pool))
    if intent.base_volume:
        yield amount_of(intent.host, Capacity.DISK_COPIES)
    if intent.start:
        yield amount_of(intent.host, Capacity.STARTS)
        yield from _memory(intent.host, intent.memory_mib)


def _of_deletion(intent: DeleteVm, fleet: Fleet) -> Iterator[Claim]:
    yield from _vm(intent)
    seen = fleet.sighting(intent.vm, intent.host)
    if seen is None:
        return
    for fate in disk_fates(fleet, seen, intent.vouched):
        keys = _keys([(intent.host, fate.disk.source, fate.disk.file)])
        yield from map(shared if fate.keep_because else exclusive, keys)
    yield from map(shared, _pools_below(seen.host, seen.vm.disks))


def _memory(host: HostId, memory_mib: int) -> Iterator[Claim]:
    if memory_mib > 0:
        yield amount_of(host, Capacity.MEMORY, memory_mib)


def _vm(intent: Intent) -> Iterator[Claim]:
    """Yield the keys of a VM. A migration leaves its CPUs to who pauses it, so that it may end."""
    if intent.about_vm is None:
        return
    yield exclusive(f"vm:{intent.about_vm}")
    if not isinstance(intent, MigrateVm):
        yield exclusive(_cpus(intent.about_vm))


def _cpus(vm: VmId) -> str:
    return f"cpus:{vm}"


def _pool(host: str, pool: str) -> str:
    return f"pool:{host}/{pool}"


def _name(host: HostId, name: str) -> str:
    return f"name:{host}/{name}"


def _disk(path: str) -> str:
    return f"disk:{path}"


def _pools_below(host: Host | None, disks: Iterable[VmDisk]) -> frozenset[str]:
    """Return the keys of a host's pools in which disks of these paths lie, or would lie after a copy."""
    pools = host.reading.pools if host is not None and host.reading is not None else ()
    paths = [disk.source for disk in disks if disk.source]
    folders = ((pool, f"{pool.path.rstrip('/')}/") for pool in pools if pool.path)
    return frozenset(
        _pool(host.id, pool.name)
        for pool, folder in folders
        if host is not None and any(path.startswith(folder) for path in paths)
    )


def _keys(files: Iterable[tuple[HostId, str, FileIdentity | None]]) -> frozenset[str]:
    keys = set()
    for host, path, file in files:
        keys.add(_disk(path))
        if file is not None and file.is_there:
            # Inode numbers of two hosts' own file systems say nothing of each other.
            where = f"{host}/{file.device}" if is_local(file.file_system) else "shared"
            keys.add(f"file:{where}/{file.inode}")
    return frozenset(keys)


def _volume_keys(intent: CreateVm | DeleteVolume, fleet: Fleet) -> frozenset[str]:
    host = fleet.hosts.get(intent.host)
    wanted = intent.base_volume if isinstance(intent, CreateVm) else intent.volume
    pools = host.reading.pools if host and host.reading else ()
    named = (v for p in pools if p.name == intent.pool for v in p.volumes if wanted and v.name == wanted)
    return _keys((intent.host, volume.path, volume.file) for volume in named)


def _new_disk_keys(intent: CreateVm, fleet: Fleet) -> frozenset[str]:
    """Return the keys of the disk it will make: until the VM is defined, nothing else says that it is needed."""
    host = fleet.hosts.get(intent.host)
    pools = host.reading.pools if host and host.reading else ()
    folders = [pool.path.rstrip("/") for pool in pools if pool.name == intent.pool]
    names = (f"{intent.name}.qcow2", f"{intent.name}-{intent.vm[:8]}.qcow2")
    return frozenset(_disk(f"{folder}/{name}") for folder in folders for name in names)
