"""What an operation holds while it runs, so that no other one touches it."""

from collections.abc import Iterable
from dataclasses import dataclass

from novacron.model.files import FileIdentity
from novacron.model.fleet import Fleet
from novacron.model.ids import HostId, VmId
from novacron.model.operation import Operation
from novacron.model.operations.creation import CreateVm
from novacron.model.operations.deletion import DELETE_DISK, DeleteVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.power import PauseVm
from novacron.model.operations.storage import DeleteVolume, SetPoolActive
from novacron.model.plan.disks import disk_fates
from novacron.model.plan.file_users import uses_of
from novacron.model.shared_file_systems import is_local


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Keys of things: `holds` for itself alone, `uses` together with other users."""

    holds: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()


def claims_of(intent: Intent, fleet: Fleet) -> Claims:
    """Return what the intent needs for itself and what it shares.

    A file is claimed by its path and by what it is: links and mounts give one file several paths, and on a shared
    pool it is one file under many hosts. Two hosts' local files of one path are then taken for one, which costs at
    most a second's wait.
    """
    match intent:
        case SetPoolActive():
            return Claims(holds=frozenset({_pool(intent.host, intent.pool)}))
        case DeleteVolume():
            return Claims(
                holds=_volume_keys(intent, fleet),
                uses=frozenset({_pool(intent.host, intent.pool)}),
            )
        case CreateVm():
            pools = {_pool(intent.host, intent.pool)} if intent.pool else set()
            return Claims(
                holds=_vm(intent) | frozenset({f"name:{intent.host}/{intent.name}"}) | _new_disk_keys(intent, fleet),
                uses=frozenset(pools) | _volume_keys(intent, fleet),
            )
        case DeleteVm() if intent.with_disks:
            seen = fleet.sighting(intent.vm, intent.host)
            fates = disk_fates(fleet, seen, intent.vouched) if seen else ()
            return Claims(
                holds=_vm(intent)
                | _keys((intent.host, f.disk.source, f.disk.file) for f in fates if not f.keep_because),
                uses=_keys((intent.host, f.disk.source, f.disk.file) for f in fates if f.keep_because),
            )
        case PauseVm():
            return Claims(holds=frozenset({_cpus(intent.vm)}))
        case _:
            return _claims_of_vm(intent, fleet)


def _claims_of_vm(intent: Intent, fleet: Fleet) -> Claims:
    if intent.about_vm is None:
        return Claims()
    found = fleet.find_vm(intent.about_vm)
    sightings = found.sightings if found else ()
    files = ((seen.host.id, use.path, use.file) for seen in sightings for use in uses_of(seen.vm))
    return Claims(holds=_vm(intent), uses=_keys(files))


def claims_unread(operation: Operation) -> Claims:
    """Return what an operation of before a restart needs, while no host was read yet: rather too much.

    Which disk a volume is cannot be told then; its whole pool is held instead.
    """
    intent = operation.intent
    known = claims_of(intent, Fleet())
    if isinstance(intent, CreateVm | DeleteVolume) and intent.pool:
        pool = _pool(intent.host, intent.pool)
        return Claims(holds=known.holds | {pool}, uses=known.uses - {pool})
    disks = {
        _disk(step.name.removeprefix(DELETE_DISK)) for step in operation.steps if step.name.startswith(DELETE_DISK)
    }
    return Claims(holds=known.holds | disks, uses=known.uses)


def _vm(intent: Intent) -> frozenset[str]:
    """Return the keys of a VM. A migration leaves its CPUs to who pauses it, so that it may end."""
    return frozenset({f"vm:{intent.about_vm}"} | (set() if isinstance(intent, MigrateVm) else {_cpus(intent.about_vm)}))


def _cpus(vm: VmId | None) -> str:
    return f"cpus:{vm}"


def _pool(host: str, pool: str) -> str:
    return f"pool:{host}/{pool}"


def _disk(path: str) -> str:
    return f"disk:{path}"


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
