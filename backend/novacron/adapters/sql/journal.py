"""The journal: events of operations, added in one durable commit for all that come together."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, Table, bindparam, func, insert, select, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction

from novacron.adapters.sql.archive import ARCHIVE, LIVE, Place, events_query, move_to_archive
from novacron.adapters.sql.documents import EventRow, document_of, encodable, fold_each, folded
from novacron.adapters.sql.faults import DATABASE_ERRORS, OLDER_EPOCH, translate
from novacron.adapters.sql.keys import key_column, submitted_by
from novacron.adapters.sql.lease import give_back, take
from novacron.adapters.sql.postgresql import ANSWER_S, describe, open_postgresql
from novacron.adapters.sql.sqlite import check_sqlite, open_sqlite
from novacron.adapters.sql.tables import archived_operations, events, operations
from novacron.model.errors import JournalError, JournalUncertain
from novacron.model.ids import OperationId
from novacron.model.operation import ENDED, Operation, OperationState
from novacron.model.work.event import Accepted, Acknowledged, Event, StateMoved
from novacron.ports.journal import Lease

_Written = tuple[Event, tuple[str, int, str]]
"""An event with its kind, version and document."""
_Row = tuple[OperationId, int, int, str, int, str]
"""An event as the columns of its table have it, in their order."""
_INSERT_ARRAYS = """INSERT INTO events (operation, sequence, epoch, kind, version, document)
SELECT * FROM unnest($1::varchar[], $2::int[], $3::bigint[], $4::varchar[], $5::int[], $6::text[])"""
_UNFINISHED = tuple(state.value for state in OperationState if state not in ENDED)
_MOVE = (
    update(operations)
    .where(operations.c.id == bindparam("operation"))
    .values(
        state=bindparam("to_state"),
        needs_person=bindparam("waits"),
        ended_at=func.coalesce(bindparam("at_end", type_=Float), operations.c.ended_at),
    )
)
_TELL = update(operations).where(operations.c.id == bindparam("operation")).values(needs_person=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Added:
    """Events that were added in a transaction."""

    first: _Row
    """The row of the first one: it is there when all others are."""
    last: Mapping[OperationId, int]
    events: Sequence[Event]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubt:
    """A commit whose answer was lost."""

    added: Sequence[_Added]
    refused: dict[OperationId, JournalError]


class SqlJournal:
    """ports.journal.Journal in one SQLite file, or in a PostgreSQL database."""

    def __init__(self, place: Path | str, *, answer_s: float = ANSWER_S) -> None:
        """`place` is the file, or the URL of a PostgreSQL database, a statement of which may take `answer_s`."""
        self._answer_s = answer_s
        self._place = place
        self._name = describe(place) if isinstance(place, str) else str(place)
        self._engine: AsyncEngine | None = None
        self._last: dict[OperationId, int] = {}
        """Sequence of the last event of operations that have not ended: nobody else adds to them."""
        self._doubt: _Doubt | None = None

    @property
    def name(self) -> str:
        """Where it is, for people: no password is in it."""
        return self._name

    async def open(self) -> None:
        """Open it, check it, and bring it to this version's layout.

        Raises:
            JournalError: it is damaged, of a newer version, or cannot be opened; it is left as it is.
        """
        await self.close()
        self._last.clear()
        self._doubt = None
        place = self._place
        self._engine = await (open_postgresql(place, self._answer_s) if isinstance(place, str) else open_sqlite(place))

    async def check(self) -> None:
        """Look whether the file is sound; PostgreSQL sees to its own."""
        if isinstance(self._place, Path):
            await check_sqlite(self._place)

    async def append(self, fresh: Sequence[Event], *, epoch: int = 0) -> Mapping[OperationId, JournalError]:
        """Write events in one commit, without those of operations of which one is bad by itself."""
        known = await self._outcome_of_doubt()
        if known is not None:
            return known
        written, refused = _written_down(self._name, fresh)
        if not written:
            return refused
        try:
            try:
                refused.update(await self._commit([written], epoch, leave_out=False))
            except (IntegrityError, DataError) as error:
                if OLDER_EPOCH in str(error.orig):
                    raise
                refused.update(await self._commit(_by_operation(written), epoch, leave_out=True))
        except DATABASE_ERRORS as error:
            raise translate(self._name, error) from error
        return refused

    async def take_lease(self, holder: str, epoch: int, for_s: float) -> Lease:
        """Take or renew the lease, by the database's own clock."""
        try:
            async with self._opened().execution_options(writes=True).begin() as connection:
                return await take(connection, encodable(holder), epoch, for_s)
        except DATABASE_ERRORS as error:
            raise translate(self._name, error) from error

    async def give_back_lease(self, epoch: int) -> None:
        """End the lease of this epoch."""
        try:
            async with self._opened().execution_options(writes=True).begin() as connection:
                await give_back(connection, epoch)
        except DATABASE_ERRORS as error:
            raise translate(self._name, error) from error

    async def unfinished(self) -> tuple[Operation, ...]:
        """Return every operation that had not ended, oldest first."""
        return await self._read(
            select(operations.c.id).where(operations.c.state.in_(_UNFINISHED)), operations.c.sequence.asc()
        )

    async def recent(self, limit: int) -> tuple[Operation, ...]:
        """Return the newest operations, newest first."""
        newest = select(operations.c.id).order_by(operations.c.sequence.desc()).limit(limit)
        return await self._read(newest, operations.c.sequence.desc())

    async def unacknowledged(self) -> tuple[Operation, ...]:
        """Return every operation that needs attention and was not acknowledged, oldest first."""
        state = OperationState.NEEDS_ATTENTION.value
        waiting = select(operations.c.id).where(operations.c.state == state, operations.c.needs_person)
        return await self._read(waiting, operations.c.sequence.asc())

    async def last_sequence(self) -> int:
        """Return the highest sequence of any operation, also of one that is archived or not understood."""
        highest = [await self._rows(select(func.max(table.c.sequence))) for table in (operations, archived_operations)]
        return max(rows[0][0] or 0 for rows in highest)

    async def by_key(self, idempotency_key: str, actor: str) -> Operation | None:
        """Return the operation that this user submitted with this key."""
        if not idempotency_key:
            return None
        columns = (key_column(idempotency_key, actor), encodable(idempotency_key))
        return await self._first(
            lambda table: table.c.idempotency_key.in_(columns),
            lambda rows: submitted_by(self._name, rows, idempotency_key, actor),
        )

    async def get(self, operation: OperationId) -> Operation | None:
        """Return one operation. Not understood is not the same as not there: it is told."""
        return await self._first(
            lambda table: table.c.id == operation, lambda rows: folded(self._name, rows) if rows else None
        )

    async def archive(self, ended_before: datetime, limit: int, *, epoch: int = 0) -> int:
        """Move what ended first to the archive, in one commit."""
        try:
            async with self._opened().execution_options(writes=True).begin() as connection:
                return await move_to_archive(connection, self._name, ended_before, limit, epoch)
        except DATABASE_ERRORS as error:
            raise translate(self._name, error) from error

    async def close(self) -> None:
        """Close it."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    async def _commit(
        self, parts: Sequence[Sequence[_Written]], epoch: int, *, leave_out: bool
    ) -> dict[OperationId, JournalError]:
        """Add events in one transaction. A part that is bad is left out, and said why, or fails all of it."""
        refused: dict[OperationId, JournalError] = {}
        added: list[_Added] = []
        async with self._opened().execution_options(writes=True).connect() as connection:
            transaction = await connection.begin()
            for part in parts:
                if not leave_out:
                    added.append(await self._add(connection, part, epoch))
                    continue
                try:
                    async with connection.begin_nested():
                        added.append(await self._add(connection, part, epoch))
                except (IntegrityError, DataError) as error:
                    refused[part[0][0].operation] = translate(self._name, error)
            lost = await _commit_lost(transaction)
        if lost is not None and added:
            self._doubt = _Doubt(added=added, refused=refused)
            if await self._outcome_of_doubt() is None:
                raise lost
        elif added:
            self._note_written(added)
        return refused

    async def _add(self, connection: AsyncConnection, part: Sequence[_Written], epoch: int) -> _Added:
        fresh = [event for event, _ in part]
        last = await self._last_of(connection, fresh)
        rows: list[_Row] = []
        for event, (kind, version, document) in part:
            number = last[event.operation] = last.get(event.operation, 0) + 1
            rows.append((event.operation, number, epoch, kind, version, document))
        accepted = [_found_by(event.accepted) for event in fresh if isinstance(event, Accepted)]
        if accepted:
            await connection.execute(insert(operations), accepted)
        await _insert(connection, rows)
        for statement, changes in _projected(fresh):
            await connection.execute(statement, changes)
        return _Added(first=rows[0], last=last, events=fresh)

    async def _outcome_of_doubt(self) -> dict[OperationId, JournalError] | None:
        """Find out whether the commit was made whose answer was lost; return what it refused, or None if it was not.

        None also when there is no such commit.

        Raises:
            JournalUncertain: it cannot be told now.
        """
        doubt = self._doubt
        if doubt is None:
            return None
        first = doubt.added[0].first
        columns = (events.c.operation, events.c.sequence, events.c.epoch, events.c.kind)
        is_it = [column == value for column, value in zip(columns, first, strict=False)]
        try:
            found = await self._rows(select(events.c.document).where(*is_it))
        except JournalError as error:
            raise JournalUncertain(error.subject, error.detail, error.remedy) from error
        self._doubt = None
        if not found:
            return None
        self._note_written(doubt.added)
        return doubt.refused

    def _note_written(self, added: Iterable[_Added]) -> None:
        for part in added:
            self._last.update(part.last)
            for event in part.events:
                if isinstance(event, StateMoved) and event.state in ENDED:
                    self._last.pop(event.operation, None)

    async def _last_of(self, connection: AsyncConnection, fresh: Sequence[Event]) -> dict[OperationId, int]:
        """Return the sequence of the last event of these operations, as far as they have any."""
        known = {event.operation: self._last[event.operation] for event in fresh if event.operation in self._last}
        begun = {event.operation for event in fresh if isinstance(event, Accepted)}
        asked = {event.operation for event in fresh} - known.keys() - begun
        if asked:
            query = select(events.c.operation, func.max(events.c.sequence).label("last")).group_by(events.c.operation)
            found = await connection.execute(query.where(events.c.operation.in_(sorted(asked))))
            known.update({row.operation: row.last for row in found})
        return known

    async def _read(self, which: Select[Any], order: Any) -> tuple[Operation, ...]:  # noqa: ANN401 - a column, ordered
        rows = await self._events_of(which, order)
        self._last.update(Counter(row.operation for row in rows))
        return fold_each(self._name, rows)

    async def _first(
        self, is_it: Callable[[Table], ColumnElement[bool]], found_in: Callable[[list[EventRow]], Operation | None]
    ) -> Operation | None:
        """Return what is found in the live tables, else in the archive: what moves in between is then there."""
        for place in (LIVE, ARCHIVE):
            which = select(place.operations.c.id).where(is_it(place.operations))
            found = found_in(await self._events_of(which, place.operations.c.sequence, place))
            if found is not None:
                return found
        return None

    async def _events_of(self, which: Select[Any], order: Any, place: Place = LIVE) -> list[EventRow]:  # noqa: ANN401 - a column, ordered
        query = events_query(which, order, place)
        return [
            EventRow(operation=row[0], sequence=row[1], kind=row[2], version=row[3], document=row[4])
            for row in await self._rows(query)
        ]

    async def _rows(self, query: Select[Any]) -> Sequence[Any]:
        try:
            async with self._opened().connect() as connection:
                rows: Sequence[Any] = (await connection.execute(query)).all()
        except DATABASE_ERRORS as error:
            raise translate(self._name, error) from error
        return rows

    def _opened(self) -> AsyncEngine:
        if self._engine is None:
            raise JournalError(self._name, "it is not open", "see the backend's log for why")
        return self._engine


async def _insert(connection: AsyncConnection, rows: Sequence[_Row]) -> None:
    """Insert events as the driver takes them: preparing each as SQLAlchemy does costs more than writing it."""
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql(str(insert(events).compile(dialect=connection.dialect)), list(rows))
    else:
        # One statement for all: the trigger that looks at the lease is called once for each.
        columns = tuple([row[column] for row in rows] for column in range(len(rows[0])))
        await connection.exec_driver_sql(_INSERT_ARRAYS, columns)


def _written_down(journal: str, fresh: Sequence[Event]) -> tuple[list[_Written], dict[OperationId, JournalError]]:
    """Return events with their documents, and the operations of which one cannot be written down."""
    refused: dict[OperationId, JournalError] = {}
    written = []
    for event in fresh:
        try:
            written.append((event, document_of(event)))
        except (ValueError, TypeError) as error:
            text = f"an event of {event.operation} cannot be written down: {error}"
            refused[event.operation] = JournalError(journal, text, "see the backend's log")
    return [one for one in written if one[0].operation not in refused], refused


def _by_operation(written: Sequence[_Written]) -> list[list[_Written]]:
    parts: dict[OperationId, list[_Written]] = {}
    for one in written:
        parts.setdefault(one[0].operation, []).append(one)
    return list(parts.values())


async def _commit_lost(transaction: AsyncTransaction) -> DBAPIError | OSError | None:
    """Commit; return the error when the answer was lost, so that nobody knows whether it was made."""
    try:
        await transaction.commit()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        return error
    except OSError as error:  # it did not come in time
        await transaction.connection.invalidate(error)
        return error
    return None


def _found_by(operation: Operation) -> dict[str, object]:
    """Return the columns by which an operation is found."""
    return {
        "id": operation.id,
        "accepted_at": operation.accepted_at.isoformat(),
        "state": operation.state.value,
        "subject": encodable(operation.subject),
        "idempotency_key": key_column(operation.idempotency_key, operation.actor),
        "vm": encodable(operation.intent.about_vm or "") or None,
        "sequence": operation.sequence,
        "needs_person": operation.needs_person,
        "ended_at": _seconds(operation.ended_at),
    }


def _seconds(moment: datetime | None) -> float | None:
    """Return seconds since 1970."""
    return None if moment is None else moment.timestamp()


def _projected(fresh: Sequence[Event]) -> list[tuple[Any, list[dict[str, object]]]]:
    """Return the statements that bring the rows of operations to where the events leave them, in their order."""
    moves: dict[OperationId, dict[str, object]] = {}
    told: dict[OperationId, dict[str, object]] = {}
    for event in fresh:
        if isinstance(event, StateMoved):
            waits = event.state is OperationState.NEEDS_ATTENTION
            ended_at = _seconds(event.ended_at) or moves.get(event.operation, {}).get("at_end")
            changes = {"to_state": event.state.value, "waits": waits, "at_end": ended_at}
            moves[event.operation] = {"operation": event.operation, **changes}
        elif isinstance(event, Acknowledged):
            told[event.operation] = {"operation": event.operation}
    return [(statement, list(rows.values())) for statement, rows in ((_MOVE, moves), (_TELL, told)) if rows]
