"""The journal in one SQLite file: WAL, and every commit on the disk before it is one."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from novacron.adapters.sql.faults import DATABASE_ERRORS, damaged, translate
from novacron.adapters.sql.schema import upgrade
from novacron.model.errors import JournalError

_BUSY_MS = 5000
"""How long a write waits for another process that reads or copies the journal."""


_CHECKED_AT_ONCE = 256 << 20
"""Bytes that are checked before anything is served: about half a second. A larger file is checked afterwards."""


async def open_sqlite(path: Path) -> AsyncEngine:
    """Open the file, check it, and bring it to this version's layout.

    Raises:
        JournalError: it is damaged, of a newer version, or cannot be opened; it is left as it is.
    """
    # One connection: SQLite has one writer, and what is read here is read at the start or by key.
    engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(path)), pool_size=1, max_overflow=0)
    event.listen(engine.sync_engine, "connect", _be_durable)
    event.listen(engine.sync_engine, "begin", _begin)
    try:
        async with engine.begin() as connection:
            if _size(path) <= _CHECKED_AT_ONCE:
                verdict = (await connection.execute(text("PRAGMA quick_check(1)"))).scalar_one()
                if verdict != "ok":
                    raise damaged(path, verdict)
            await connection.run_sync(upgrade, str(path))
    except DATABASE_ERRORS as error:
        await engine.dispose()
        raise translate(path, error) from error
    except JournalError:
        await engine.dispose()
        raise
    return engine


async def check_sqlite(path: Path) -> None:
    """Check the file over a connection of its own, which holds no writer up; one that was checked at the start is not.

    Raises:
        JournalError: it is damaged, or cannot be read.
    """
    if _size(path) <= _CHECKED_AT_ONCE:
        return
    engine = create_async_engine(URL.create("sqlite+aiosqlite", database=str(path)))
    try:
        async with engine.connect() as connection:
            verdict = (await connection.execute(text("PRAGMA quick_check(1)"))).scalar_one()
    except DATABASE_ERRORS as error:
        raise translate(path, error) from error
    finally:
        await engine.dispose()
    if verdict != "ok":
        raise damaged(path, verdict)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # it is made, or it is told why not, when it is opened


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
    # A transaction that reads first and then writes would be refused when another process wrote in between.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
