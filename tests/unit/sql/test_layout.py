"""The journal's layouts and its manners; what survives is in tests/api/test_journal*.py."""

import asyncio
import sqlite3

import pytest

from novacron.adapters.sql.journal import SqlJournal
from novacron.adapters.sql.migrations import versions
from novacron.adapters.sql.tables import LAYOUT
from novacron.model.errors import JournalError
from novacron.model.ids import HostId
from novacron.model.intent import SetPoolActive
from tests.operation_builders import an_operation


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


@pytest.fixture
async def journal(path):
    journal = SqlJournal(path)
    await journal.open()
    yield journal
    await journal.close()


async def _reopened(path) -> SqlJournal:
    journal = SqlJournal(path)
    await journal.open()
    return journal


async def test_the_vm_is_a_column_of_its_own_and_empty_where_none_is_meant(journal, path):
    await journal.record(an_operation(1))
    await journal.record(an_operation(2, intent=SetPoolActive(host=HostId("h"), pool="p", active=True)))
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT vm FROM operations ORDER BY id").fetchall() == [
            (an_operation(1).intent.vm,),
            (None,),
        ]


async def test_a_commit_waits_for_the_disk(journal):
    async with journal._opened().connect() as connection:
        pragmas = [
            (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous")
        ]
    assert pragmas == ["wal", 2]


async def test_a_path_with_signs_that_mean_something_in_a_url_is_taken_as_it_is(tmp_path):
    folder = tmp_path / "50% of #1?mode=ro&x"
    folder.mkdir()
    journal = await _reopened(folder / "journal.sqlite")
    await journal.record(an_operation(1))
    await journal.close()
    assert (folder / "journal.sqlite").stat().st_size > 0


def _make_layout_1(path) -> None:
    """Write a journal as the first layout had it, with one operation."""
    from pydantic import TypeAdapter

    operation = an_operation(7)
    document = TypeAdapter(type(operation)).dump_json(operation).decode()
    with sqlite3.connect(path) as database:
        database.executescript(
            """
            CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
            INSERT INTO alembic_version VALUES ('0001');
            CREATE TABLE operations (
                id VARCHAR(64) NOT NULL PRIMARY KEY, accepted_at VARCHAR(40) NOT NULL, state VARCHAR(32) NOT NULL,
                subject TEXT NOT NULL, idempotency_key VARCHAR(200) UNIQUE, document TEXT NOT NULL);
            """
        )
        database.execute(
            "INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?)",
            (operation.id, operation.accepted_at.isoformat(), "running", "web-1", "key-7", document),
        )


def _layout(path) -> str:
    with sqlite3.connect(path) as database:
        return str(database.execute("SELECT version_num FROM alembic_version").fetchone()[0])


async def test_an_older_journal_is_upgraded_with_its_operations(path):
    _make_layout_1(path)
    journal = await _reopened(path)
    assert await journal.unfinished() == (an_operation(7),)
    await journal.close()
    assert _layout(path) == LAYOUT
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT vm FROM operations").fetchone() == (an_operation(7).intent.vm,)


async def test_an_upgrade_that_breaks_off_changes_nothing(path, monkeypatch):
    from alembic.operations import Operations

    _make_layout_1(path)

    def break_off(*_, **__):
        raise OSError("the machine stopped here")

    monkeypatch.setattr(Operations, "create_index", break_off)
    with pytest.raises(JournalError, match="stopped here"):
        await _reopened(path)
    monkeypatch.undo()
    assert _layout(path) == "0001"
    with sqlite3.connect(path) as database:
        assert "vm" not in [row[1] for row in database.execute("PRAGMA table_info(operations)")]
    journal = await _reopened(path)
    assert len(await journal.recent(10)) == 1
    await journal.close()


def test_the_layout_named_in_the_code_is_the_newest_revision():
    from alembic.script import ScriptDirectory

    migrations = versions.__path__[0].removesuffix("/versions")
    assert ScriptDirectory(migrations).get_current_head() == LAYOUT


async def test_the_revisions_make_the_tables_the_code_uses(journal, path):
    from sqlalchemy import create_engine, inspect

    from novacron.adapters.sql.tables import operations

    made = inspect(create_engine(f"sqlite:///{path}"))
    assert {column["name"] for column in made.get_columns("operations")} == set(operations.columns.keys())
    assert {index["name"] for index in made.get_indexes("operations")} == {index.name for index in operations.indexes}


async def test_a_write_that_was_given_up_does_not_break_the_next(path):
    journal = await _reopened(path)
    for number in range(20):
        task = asyncio.create_task(journal.record(an_operation(number)))
        for _ in range(number):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await journal.record(an_operation(100))
    assert (await journal.recent(1))[0].id == "op-000100"
    await journal.close()
