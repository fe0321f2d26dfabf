"""The journal: an operation is acknowledged when its row is on the disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Select, event, func, select, text
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from novacron.adapters.sql.documents import encodable, read, read_each, written
from novacron.adapters.sql.faults import DATABASE_ERRORS, damaged, translate
from novacron.adapters.sql.schema import upgrade
from novacron.adapters.sql.tables import operations
from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.operation import ENDED, Operation, OperationState

_BUSY_MS = 5000
"""How long a write waits for another process that reads or copies the journal."""


class SqlJournal:
    """ports.journal.Journal in one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine: AsyncEngine | None = None

    async def open(self) -> None:
        """Open the file, check it, and bring it to this version's layout.

        Raises:
            JournalError: it is damaged, of a newer version, or cannot be opened; it is left as it is.
        """
        # One connection: SQLite has one writer, and what is read here is read at the start or by key.
        engine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=str(self._path)), pool_size=1, max_overflow=0
        )
        event.listen(engine.sync_engine, "connect", _be_durable)
        event.listen(engine.sync_engine, "begin", _begin)
        try:
            async with engine.begin() as connection:
                verdict = (await connection.execute(text("PRAGMA quick_check(1)"))).scalar_one()
                if verdict != "ok":
                    raise damaged(self._path, verdict)
                await connection.run_sync(upgrade, self._path)
        except DATABASE_ERRORS as error:
            await engine.dispose()
            raise translate(self._path, error) from error
        except JournalError:
            await engine.dispose()
            raise
        self._engine = engine

    async def record(self, operation: Operation) -> None:
        """Write the operation as it stands; returns when it is on the disk."""
        row = {
            "id": operation.id,
            "accepted_at": operation.accepted_at.isoformat(),
            "state": operation.state.value,
            "subject": encodable(operation.subject),
            "idempotency_key": operation.idempotency_key or None,
            "document": written(operation),
            "vm": operation.intent.about_vm,
            "sequence": operation.sequence,
        }
        change = insert(operations).values(row)
        change = change.on_conflict_do_update(index_elements=[operations.c.id], set_=row)
        try:
            async with self._opened().begin() as connection:
                await connection.execute(change)
        except DATABASE_ERRORS as error:
            raise translate(self._path, error) from error

    async def unfinished(self) -> tuple[Operation, ...]:
        """Return every operation that had not ended, oldest first."""
        ended = [state.value for state in ENDED]
        return await self._read(
            select(operations.c.document).where(operations.c.state.not_in(ended)).order_by(operations.c.sequence)
        )

    async def recent(self, limit: int) -> tuple[Operation, ...]:
        """Return the newest operations, newest first."""
        return await self._read(select(operations.c.document).order_by(operations.c.sequence.desc()).limit(limit))

    async def unacknowledged(self) -> tuple[Operation, ...]:
        """Return every operation that needs attention and was not acknowledged, oldest first."""
        state = OperationState.NEEDS_ATTENTION.value
        query = select(operations.c.document).where(operations.c.state == state).order_by(operations.c.sequence)
        return tuple(operation for operation in await self._read(query) if operation.needs_person)

    async def last_sequence(self) -> int:
        """Return the highest sequence of any operation, also of one that is not understood."""
        try:
            async with self._opened().connect() as connection:
                found = (await connection.execute(select(func.max(operations.c.sequence)))).scalar_one()
        except DATABASE_ERRORS as error:
            raise translate(self._path, error) from error
        return found or 0

    async def by_key(self, idempotency_key: str) -> Operation | None:
        """Return the operation that was submitted with this key."""
        return await self._read_one(
            select(operations.c.document).where(operations.c.idempotency_key == idempotency_key)
        )

    async def get(self, operation: OperationId) -> Operation | None:
        """Return one operation."""
        return await self._read_one(select(operations.c.document).where(operations.c.id == operation))

    async def close(self) -> None:
        """Close the file."""
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    async def _read(self, query: Select[Any]) -> tuple[Operation, ...]:
        return read_each(self._path, await self._documents(query))

    async def _read_one(self, query: Select[Any]) -> Operation | None:
        """Return the one there is. Not understood is not the same as not there: the key is taken."""
        return next((read(self._path, document) for document in await self._documents(query)), None)

    async def _documents(self, query: Select[Any]) -> Sequence[str]:
        try:
            async with self._opened().connect() as connection:
                rows: Sequence[str] = (await connection.execute(query)).scalars().all()
        except DATABASE_ERRORS as error:
            raise translate(self._path, error) from error
        return rows

    def _opened(self) -> AsyncEngine:
        if self._engine is None:
            raise JournalError(str(self._path), "it is not open", "see the backend's log for why")
        return self._engine


def _be_durable(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's own type
    """FULL: with NORMAL a power cut loses the last commits, and with them what was acknowledged."""
    # The driver would begin transactions by itself, and only before rows are changed: a layout half upgraded by a
    # crash would stay half upgraded.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_BUSY_MS}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
