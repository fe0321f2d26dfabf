"""The volumes of one pool, each with what is known to need it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from novacron.model.files import FileIdentity, UseKind
from novacron.model.fleet import Fleet, Host
from novacron.model.ids import HostId, VmId
from novacron.model.plan.file_users import users_of, uses_of
from novacron.model.storage import Volume
from novacron.model.vm import VmReading
from novacron_tui.present.cells import Cell, Role, cell
from novacron_tui.present.column import CellContext, Column, TableSpec
from novacron_tui.present.console_state import PoolRow
from novacron_tui.present.quantity import size_mib
from novacron_tui.present.table_view import natural


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVolume:
    """A volume, and who needs it."""

    volume: Volume
    users: tuple[str, ...] = ()
    """VMs that need it, under whichever name: "web-1", or "web-1 on kvm-2" on another host than the pool's."""
    base_of: int = 0
    """How many volumes of this pool lie on it."""
    is_sure: bool = True
    """False: a host that may use it does not answer or was not read whole, so there may be users that are not named."""


def list_volumes(fleet: Fleet, row: PoolRow) -> tuple[ListedVolume, ...]:
    """Return the pool's volumes with their users; one pass over the fleet's VMs, however many volumes there are."""
    pool, host = row.pool, row.host
    index = _index(fleet.hosts.values())
    bases = [volume.backing_path for volume in pool.volumes if volume.backing_path]
    others = fleet.hosts.values() if pool.shared else (host,)
    is_sure = all(_is_known(other) for other in others)

    def listed(volume: Volume) -> ListedVolume:
        near = {key: vms for mark in _marks(volume.path, volume.file) for key, vms in index.get(mark, {}).items()}
        near |= index.get(_FOLDERS, {})
        users = users_of(_only(fleet, near), host, volume.path) if near else ()
        return ListedVolume(
            volume=volume,
            users=tuple(user.replace(f" on {host.id} (", " (").removesuffix(f" on {host.id}") for user in users),
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


_Mark = tuple[str, str | int]
_FOLDERS: Final[_Mark] = ("folder", "")
_Near = dict[tuple[HostId, VmId], VmReading]


def _marks(path: str, file: FileIdentity | None) -> tuple[_Mark, ...]:
    """Return what two names of one file have at least one of in common: what they end with, or the file's number."""
    name: _Mark = ("name", path.rpartition("/")[2])
    return (name, ("inode", file.inode)) if file is not None and file.is_there else (name,)


def _index(hosts: Iterable[Host]) -> Mapping[_Mark, _Near]:
    """Return which VMs may need a file, by its marks; `users_of` decides among them."""
    found: dict[_Mark, _Near] = {}
    for host in hosts:
        for vm in host.reading.vms if host.reading else ():
            for use in uses_of(vm):
                marks = _marks(use.path, use.file) if use.kind is not UseKind.FOLDER else (_FOLDERS,)
                for mark in marks:
                    found.setdefault(mark, {})[host.id, vm.id] = vm
    return found


def _is_known(host: Host) -> bool:
    return host.is_current and host.reading is not None and all(vm.is_read for vm in host.reading.vms)


def _only(fleet: Fleet, near: _Near) -> Fleet:
    """Return the fleet with no other VMs than these."""
    vms: dict[HostId, tuple[VmReading, ...]] = {}
    for (name, _), vm in near.items():
        vms[name] = (*vms.get(name, ()), vm)
    hosts = {
        name: replace(host, reading=replace(host.reading, vms=vms.get(name, ()))) if host.reading else host
        for name, host in fleet.hosts.items()
    }
    return replace(fleet, hosts=MappingProxyType(hosts))


def _used_by(listed: ListedVolume, _context: CellContext) -> Cell:
    text = use_text(listed)
    if text:
        return cell(text, role=Role.TEXT)
    return cell("-", role=Role.DIM) if listed.is_sure else cell("?", role=Role.UNKNOWN)


VOLUMES: Final[TableSpec[ListedVolume]] = TableSpec(
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
