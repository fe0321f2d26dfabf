"""Start and stop pools, delete volumes."""

from typing import Final

from novacron.model.operations.intent import Intent
from novacron.model.operations.storage import DeleteVolume, SetPoolActive
from novacron_tui.commands.command import Command, Context, Kind, VolumeRow
from novacron_tui.commands.hosts import refuse_silent
from novacron_tui.present.console_state import PoolRow


def _refuse(row: PoolRow, *, active: bool) -> str | None:
    if row.host.is_current and row.pool.active is active:
        return f"{row.pool.name} is {'active' if active else 'inactive'} already"
    return refuse_silent(row.host)


def _set(row: PoolRow, *, active: bool) -> Intent:
    return SetPoolActive(host=row.host.id, pool=row.pool.name, active=active)


def _refuse_volume(target: VolumeRow, _context: Context) -> str | None:
    return refuse_silent(target.row.host)


def _delete_volume(target: VolumeRow, _context: Context) -> Intent:
    return DeleteVolume(host=target.row.host.id, pool=target.row.pool.name, volume=target.volume.name)


STORAGE: Final = (
    Command(
        id="pool.start",
        makes=SetPoolActive,
        title="Start the pool",
        kind=Kind.POOL,
        refuse=lambda row, _context: _refuse(row, active=True),
        intent=lambda row, _context: _set(row, active=True),
    ),
    Command(
        id="pool.stop",
        makes=SetPoolActive,
        title="Stop the pool",
        kind=Kind.POOL,
        danger=True,
        asks=True,
        refuse=lambda row, _context: _refuse(row, active=False),
        intent=lambda row, _context: _set(row, active=False),
    ),
    Command(
        id="volume.delete",
        makes=DeleteVolume,
        title="Delete the volume",
        kind=Kind.VOLUME,
        danger=True,
        asks=True,
        refuse=_refuse_volume,
        intent=_delete_volume,
    ),
)
