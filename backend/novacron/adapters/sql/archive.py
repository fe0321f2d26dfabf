"""Where operations are, and moving them to the archive.

The archive is tables of the same database: one commit does both halves of a move. An operation is in the live tables or
in the archive, whatever happens in between. What the archive has of one that is in the live tables all the same, as
after a table was restored, is replaced.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Select, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from novacron.adapters.sql.faults import of_older_epoch
from novacron.adapters.sql.tables import archived_events, archived_operations, events, lease, operations
from novacron.model.operation import ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The tables in which an operation is."""

    operations: Table
    events: Table


LIVE = Place(operations=operations, events=events)
ARCHIVE = Place(operations=archived_operations, events=archived_events)
_ENDED = tuple(state.value for state in ENDED)
_MOVES: tuple[tuple[Table, Table, str], ...] = (
    (LIVE.operations, ARCHIVE.operations, "id"),
    (LIVE.events, ARCHIVE.events, "operation"),
)
"""From where, to where, and the column that names the operation."""


def events_query(which: Select[Any], order: Any, place: Place) -> Select[Any]:  # noqa: ANN401 - a column, ordered
    """Return the query for the events of these operations, one operation after another."""
    found_by, happened = place.operations, place.events
    columns = (happened.c.operation, happened.c.sequence, happened.c.kind, happened.c.version, happened.c.document)
    return (
        select(*columns)
        .join(found_by, found_by.c.id == happened.c.operation)
        .where(found_by.c.id.in_(which))
        .order_by(order, found_by.c.id, happened.c.sequence)
    )


async def move_to_archive(
    connection: AsyncConnection, journal: str, ended_before: datetime, limit: int, epoch: int
) -> int:
    """Move what ended first, within the connection's transaction; return how many operations. See ports.journal.

    Raises:
        JournalError: there is a newer epoch.
    """
    # FOR SHARE, as with events: who takes the lease waits for this commit. SQLite has one writer, and no such words.
    held = (await connection.execute(select(lease.c.epoch).where(lease.c.id == 1).with_for_update(read=True))).scalar()
    if held != epoch:
        raise of_older_epoch(journal)
    due = (
        select(operations.c.id)
        .where(
            operations.c.ended_at < ended_before.timestamp(),
            operations.c.state.in_(_ENDED),
            operations.c.needs_person.is_(False),
        )
        .order_by(operations.c.ended_at)
        .limit(limit)
    )
    moved = (await connection.execute(due)).scalars().all()
    if moved:
        for source, target, name in _MOVES:
            await _move(connection, source, target, name, moved)
    return len(moved)


async def _move(connection: AsyncConnection, source: Table, target: Table, name: str, moved: Sequence[str]) -> None:
    names = [column.name for column in source.columns]
    here: Column[str] = source.c[name]
    await connection.execute(delete(target).where(target.c[name].in_(moved)))
    await connection.execute(insert(target).from_select(names, select(*source.columns).where(here.in_(moved))))
    await connection.execute(delete(source).where(here.in_(moved)))
