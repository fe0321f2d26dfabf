"""The journal's layouts and its manners; what survives is in test_journal*.py."""

import asyncio
import json
import sqlite3
from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from novacron.adapters.sql import sqlite
from novacron.adapters.sql.journal import SqlJournal
from novacron.adapters.sql.migrations import versions
from novacron.adapters.sql.tables import LAYOUT
from novacron.model.errors import JournalError
from novacron.model.ids import HostId
from novacron.model.operation import Acknowledgement, Operation, OperationState
from novacron.model.operations.storage import SetPoolActive
from novacron.model.work.event import Acknowledged, StateMoved
from tests.journal_events import add, record
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
    await record(journal, an_operation(1))
    await record(journal, an_operation(2, intent=SetPoolActive(host=HostId("h"), pool="p", active=True)))
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
    await record(journal, an_operation(1))
    await journal.close()
    assert (folder / "journal.sqlite").stat().st_size > 0


def _make_layout_1(path) -> None:
    """Write a journal as the first layout had it, with one operation."""
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
    assert await journal.unfinished() == (replace(an_operation(7), sequence=1),)
    await journal.close()
    assert _layout(path) == LAYOUT
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT vm FROM operations").fetchone() == (an_operation(7).intent.vm,)


def _make_layout_2(path, *documents: tuple[str, str]) -> None:
    """Write a journal as the second layout had it, with these rows in the order in which they were accepted."""
    with sqlite3.connect(path) as database:
        database.executescript(
            """
            CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
            INSERT INTO alembic_version VALUES ('0002');
            CREATE TABLE operations (
                id VARCHAR(64) NOT NULL PRIMARY KEY, accepted_at VARCHAR(40) NOT NULL, state VARCHAR(32) NOT NULL,
                subject TEXT NOT NULL, idempotency_key VARCHAR(200) UNIQUE, document TEXT NOT NULL, vm VARCHAR(64));
            CREATE INDEX operations_by_state ON operations (state);
            CREATE INDEX operations_by_time ON operations (accepted_at);
            CREATE INDEX operations_by_vm ON operations (vm);
            """
        )
        for key, document in documents:
            row = (key, "2026-03-01", "done", "web-1", None, document, None)
            database.execute("INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?)", row)


async def test_operations_of_an_older_journal_keep_the_order_in_which_they_were_accepted(path):
    # The clock was set back before the third one.
    numbers = (5, 9, 1, 3)
    made = [an_operation(number, state=OperationState.DONE) for number in numbers]
    write = TypeAdapter(Operation).dump_python
    documents = []
    for operation in made:
        document = write(operation, mode="json")
        del document["sequence"], document["acknowledged"]
        documents.append((operation.id, json.dumps(document)))
    _make_layout_2(path, *documents[:2], ("damaged", "{"), *documents[2:])
    journal = await _reopened(path)
    found = await journal.recent(10)
    assert [operation.id for operation in found] == [operation.id for operation in reversed(made)]
    assert [operation.sequence for operation in found] == [5, 4, 2, 1]
    assert await journal.last_sequence() == 5
    await journal.close()


async def test_a_journal_of_whole_documents_becomes_one_of_events(path):
    word = Acknowledgement(note="looked", actor="alice", at=an_operation(1).accepted_at)
    made = [
        an_operation(1, state=OperationState.DONE),
        an_operation(2, state=OperationState.RUNNING),
        an_operation(3, state=OperationState.NEEDS_ATTENTION),
        replace(an_operation(4, state=OperationState.NEEDS_ATTENTION), acknowledged=word),
    ]
    _make_layout_3(path, *made)
    journal = await _reopened(path)
    assert await journal.recent(10) == tuple(reversed(made))
    assert await journal.unfinished() == (made[1],)
    assert await journal.unacknowledged() == (made[2],)
    assert await journal.by_key("key-2", "root") == made[1]
    ended = StateMoved(operation=made[1].id, state=OperationState.DONE, outcome="it runs")
    await add(journal, ended, Acknowledged(operation=made[2].id, word=word))
    assert await journal.unfinished() == await journal.unacknowledged() == ()
    assert (await journal.get(made[1].id)).outcome == "it runs"
    await journal.close()


def _make_layout_3(path, *made: Operation) -> None:
    """Write a journal as the third layout had it, the last one that kept whole documents."""
    with sqlite3.connect(path) as database:
        database.executescript(
            """
            CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
            INSERT INTO alembic_version VALUES ('0003');
            CREATE TABLE operations (
                id VARCHAR(64) NOT NULL PRIMARY KEY, accepted_at VARCHAR(40) NOT NULL, state VARCHAR(32) NOT NULL,
                subject TEXT NOT NULL, idempotency_key VARCHAR(200) UNIQUE, document TEXT NOT NULL, vm VARCHAR(64),
                sequence INTEGER DEFAULT '0' NOT NULL);
            CREATE INDEX operations_by_state ON operations (state);
            CREATE INDEX operations_by_time ON operations (accepted_at);
            CREATE INDEX operations_by_vm ON operations (vm);
            CREATE INDEX operations_by_sequence ON operations (sequence);
            """
        )
        for one in made:
            document = TypeAdapter(Operation).dump_json(one).decode()
            row = (one.id, one.accepted_at.isoformat(), one.state, one.subject, one.idempotency_key, document)
            statement = "INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            database.execute(statement, (*row, one.intent.vm, one.sequence))


async def test_what_waits_for_a_person_is_found_until_it_is_acknowledged(journal):
    waiting = [an_operation(number, state=OperationState.NEEDS_ATTENTION) for number in (1, 2)]
    for operation in (*waiting, an_operation(3, state=OperationState.DONE)):
        await record(journal, operation)
    assert await journal.unacknowledged() == tuple(waiting)
    word = Acknowledgement(note="looked", actor="alice", at=waiting[0].accepted_at)
    await add(journal, Acknowledged(operation=waiting[0].id, word=word))
    assert await journal.unacknowledged() == (waiting[1],)
    assert (await journal.get(waiting[0].id)).acknowledged == word


async def test_an_empty_journal_has_no_sequence_yet(journal):
    assert await journal.last_sequence() == 0


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

    from novacron.adapters.sql.tables import metadata

    made = inspect(create_engine(f"sqlite:///{path}"))
    assert set(made.get_table_names()) == {*metadata.tables, "alembic_version"}
    for name, table in metadata.tables.items():
        assert {column["name"] for column in made.get_columns(name)} == set(table.columns.keys())
        assert {index["name"] for index in made.get_indexes(name)} == {index.name for index in table.indexes}


async def test_a_write_that_was_given_up_does_not_break_the_next(path):
    journal = await _reopened(path)
    for number in range(20):
        task = asyncio.create_task(record(journal, an_operation(number)))
        for _ in range(number):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await record(journal, an_operation(100))
    assert (await journal.recent(1))[0].id == "op-000100"
    await journal.close()


async def test_a_large_journal_is_checked_after_it_was_opened(path, monkeypatch):
    journal = await _reopened(path)
    for number in range(1, 40):
        await record(journal, an_operation(number))
    await journal.close()
    content = bytearray(path.read_bytes())
    last = len(content) // 4096 - 1
    content[last * 4096 : last * 4096 + 600] = b"\xff" * 600
    path.write_bytes(content)
    monkeypatch.setattr(sqlite, "_CHECKED_AT_ONCE", 1000)
    journal = await _reopened(path)
    with pytest.raises(JournalError, match="damaged"):
        await journal.check()
    await journal.close()
