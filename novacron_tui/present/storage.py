"""The Storage pane: one row for each pool of each host."""

from collections.abc import Mapping
from typing import Final

from novacron_tui.present.cells import Cell, Role, cell
from novacron_tui.present.column import CellContext, Column, TableSpec
from novacron_tui.present.console_state import PoolRow
from novacron_tui.present.meter import bar, fullness_role
from novacron_tui.present.quantity import age, fraction, size_mib
from novacron_tui.present.table_view import natural


def _word(row: PoolRow) -> str:
    if not row.host.is_current:
        return "unknown"
    if row.pool.active and row.pool.trouble:
        return "unreadable"
    return "active" if row.pool.active else "inactive"


def _state(row: PoolRow, context: CellContext) -> Cell:
    glyphs = context.glyphs
    if not row.host.is_current:
        ago = age(row.host.reading.observed_at if row.host.reading else None, context.now)
        return cell(f"{glyphs.unknown} unknown {ago}", f"{glyphs.unknown} {ago}", role=Role.UNKNOWN)
    if row.pool.active and row.pool.trouble:
        return cell(f"{glyphs.crashed} unreadable", role=Role.CRASHED)
    if row.pool.active:
        return cell(f"{glyphs.running} active", role=Role.RUNNING)
    return cell(f"{glyphs.off} inactive", role=Role.OFF)


def _used(row: PoolRow, context: CellContext) -> Cell:
    used = row.pool.used_fraction
    if used is None or not row.host.is_current:
        return cell("-", role=Role.DIM) if row.host.is_current else cell("?", role=Role.UNKNOWN)
    drawn = f"{bar(used, 6, context.glyphs)} {fraction(used):>4}"
    return cell(drawn, fraction(used), role=fullness_role(used))


def _amount(value: int | None, row: PoolRow) -> Cell:
    if not row.host.is_current:
        return cell("?", role=Role.UNKNOWN)
    return cell(size_mib(value), role=Role.DIM if value is None else Role.TEXT)


def pool_fields(row: PoolRow) -> Mapping[str, str]:
    """Return what a filter finds a pool by."""
    return {
        "name": row.pool.name,
        "host": row.host.id,
        "state": _word(row),
        "kind": row.pool.kind,
        "path": row.pool.path,
        "site": row.host.spec.site,
        "shared": "shared" if row.pool.shared else "local",
    }


POOLS: Final[TableSpec[PoolRow]] = TableSpec(
    columns=(
        Column(
            id="pool",
            title="POOL",
            width=13,
            widest=28,
            priority=0,
            cell=lambda row, _: cell(row.pool.name),
            order=lambda row: (natural(row.pool.name), natural(row.host.id)),
        ),
        Column(
            id="host",
            title="HOST",
            width=12,
            widest=24,
            priority=0,
            cell=lambda row, _: cell(row.host.id),
            order=lambda row: (natural(row.host.id), natural(row.pool.name)),
        ),
        Column(id="state", title="STATE", width=12, widest=14, priority=1, cell=_state, order=_word),
        Column(
            id="used",
            title="USED",
            width=11,
            priority=2,
            largest_first=True,
            cell=_used,
            order=lambda row: row.pool.used_fraction,
        ),
        Column(
            id="free",
            title="FREE",
            width=5,
            priority=2,
            right=True,
            cell=lambda row, _: _amount(row.pool.available_mib, row),
            order=lambda row: row.pool.available_mib,
        ),
        Column(
            id="size",
            title="SIZE",
            width=5,
            priority=3,
            right=True,
            cell=lambda row, _: _amount(row.pool.capacity_mib, row),
            order=lambda row: row.pool.capacity_mib,
        ),
        Column(
            id="shared",
            title="SCOPE",
            width=6,
            priority=5,
            cell=lambda row, _: cell("shared" if row.pool.shared else "local", role=Role.DIM),
            order=lambda row: not row.pool.shared,
        ),
        Column(
            id="kind",
            title="KIND",
            width=6,
            widest=8,
            priority=6,
            cell=lambda row, _: cell(row.pool.kind, role=Role.DIM),
            order=lambda row: row.pool.kind,
        ),
        Column(
            id="volumes",
            title="VOLS",
            width=4,
            priority=7,
            right=True,
            cell=lambda row, _: cell(len(row.pool.volumes) if row.pool.active else "-", role=Role.DIM),
            order=lambda row: len(row.pool.volumes),
        ),
        Column(
            id="path",
            title="PATH",
            width=16,
            widest=80,
            priority=8,
            cell=lambda row, _: cell(row.pool.path, role=Role.DIM),
            order=lambda row: row.pool.path,
        ),
    ),
    key=lambda row: row.key,
    fields=pool_fields,
    sort="pool",
    empty="No storage pool is known yet.",
    is_ageing=lambda row: not row.host.is_current,
)
