"""The volumes of one pool, each with what is known to need it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from novacron.model.fleet import Fleet, Host
from novacron.model.ids import HostId
from novacron.model.plan.file_users import users_of
from novacron.model.storage import Volume
from novacron.model.vm import VmReading
from novacron_tui.present.cells import Cell, Role, cell
from novacron_tui.present.column import Column, Sight, Subject
from novacron_tui.present.picture import PoolRow
from novacron_tui.present.quantity import size_mib
from novacron_tui.present.table_view import natural


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVolume:
    """A volume, and who needs it."""

    volume: Volume
    users: tuple[str, ...] = ()
    """VMs that have it as a disk, as "web-1", or "web-1 on kvm-2" where that is another host than the pool's."""
    base_of: int = 0
    """How many volumes of this pool lie on it."""
    is_sure: bool = True
    """False: a host that may use it does not answer, so there may be users that are not named."""


def list_volumes(fleet: Fleet, row: PoolRow) -> tuple[ListedVolume, ...]:
    """Return the pool's volumes with their users; one pass over the fleet's VMs, however many volumes there are."""
    pool, host = row.pool, row.host
    by_path = _vms_by_path(fleet.hosts.values())
    bases = [volume.backing_path for volume in pool.volumes if volume.backing_path]
    others = fleet.hosts.values() if pool.shared else (host,)
    is_sure = all(other.is_current for other in others)

    def listed(volume: Volume) -> ListedVolume:
        near = by_path.get(volume.path)
        users = users_of(_only(fleet, near), host, volume.path) if near else ()
        return ListedVolume(
            volume=volume,
            users=tuple(user.removesuffix(f" on {host.id}") for user in users),
            base_of=bases.count(volume.path) if bases else 0,
            is_sure=is_sure,
        )

    return tuple(listed(volume) for volume in pool.volumes)


def uses_as_of(fleet: Fleet) -> tuple[object, ...]:
    """Return what `list_volumes` depends on besides the pool: definitions are read more seldom than figures."""
    return tuple(
        (host.id, host.is_current, host.reading.inventory_at, len(host.reading.vms)) if host.reading else host.id
        for host in fleet.hosts.values()
    )


def use_text(listed: ListedVolume) -> str:
    """Say who needs it; empty when nobody is known to."""
    users = ", ".join(listed.users)
    base = f"base of {listed.base_of}" if listed.base_of else ""
    return ", ".join(part for part in (users, base) if part)


def _vms_by_path(hosts: Iterable[Host]) -> Mapping[str, Mapping[HostId, list[VmReading]]]:
    found: dict[str, dict[HostId, list[VmReading]]] = {}
    for host in hosts:
        for vm in host.reading.vms if host.reading else ():
            for disk in vm.disks:
                if disk.source:
                    found.setdefault(disk.source, {}).setdefault(host.id, []).append(vm)
    return found


def _only(fleet: Fleet, vms: Mapping[HostId, Sequence[VmReading]]) -> Fleet:
    """Return the fleet with no other VMs than these."""
    hosts = {
        name: replace(host, reading=replace(host.reading, vms=tuple(vms.get(name, ())))) if host.reading else host
        for name, host in fleet.hosts.items()
    }
    return replace(fleet, hosts=MappingProxyType(hosts))


def _used_by(listed: ListedVolume, _sight: Sight) -> Cell:
    text = use_text(listed)
    if text:
        return cell(text, role=Role.TEXT)
    return cell("-", role=Role.DIM) if listed.is_sure else cell("?", role=Role.UNKNOWN)


VOLUMES: Final[Subject[ListedVolume]] = Subject(
    columns=(
        Column(
            id="name",
            title="VOLUME",
            width=24,
            widest=60,
            priority=0,
            cell=lambda row, _: cell(row.volume.name),
            order=lambda row: natural(row.volume.name),
        ),
        Column(
            id="capacity",
            title="SIZE",
            width=6,
            priority=0,
            right=True,
            cell=lambda row, _: cell(size_mib(row.volume.capacity_mib)),
            order=lambda row: row.volume.capacity_mib,
        ),
        Column(
            id="allocation",
            title="WRITTEN",
            width=8,
            priority=1,
            right=True,
            cell=lambda row, _: cell(size_mib(row.volume.allocation_mib)),
            order=lambda row: row.volume.allocation_mib,
        ),
        Column(
            id="users",
            title="USED BY",
            width=16,
            widest=60,
            priority=1,
            cell=_used_by,
            order=lambda row: natural(use_text(row)) if row.users or row.base_of else None,
        ),
        Column(
            id="format",
            title="FORMAT",
            width=7,
            priority=2,
            cell=lambda row, _: cell(row.volume.format, role=Role.DIM),
            order=lambda row: row.volume.format,
        ),
        Column(
            id="backing",
            title="BASE IMAGE",
            width=12,
            widest=40,
            priority=4,
            cell=lambda row, _: cell(row.volume.backing_path.rpartition("/")[2], role=Role.DIM),
            order=lambda row: row.volume.backing_path or None,
        ),
        Column(
            id="path",
            title="PATH",
            width=16,
            widest=100,
            priority=3,
            cell=lambda row, _: cell(row.volume.path, role=Role.DIM),
            order=lambda row: row.volume.path,
        ),
    ),
    key=lambda row: row.volume.path,
    fields=lambda row: {
        "name": row.volume.name,
        "path": row.volume.path,
        "format": row.volume.format,
        "used": use_text(row),
    },
    sort="name",
    empty="This pool has no volume, or its list was not read yet.",
)
