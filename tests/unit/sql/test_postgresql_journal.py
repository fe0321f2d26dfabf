"""A journal in PostgreSQL when its server or the way to it fails. What all journals do is in test_journal.py."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from novacron.adapters.sql.journal import SqlJournal
from novacron.adapters.sql.postgresql import describe
from novacron.engine.journal_writer import JournalWriter
from novacron.model.errors import JournalError, JournalUncertain
from novacron.model.operation import OperationState
from novacron.model.work.event import Accepted, StateMoved
from tests.journal_events import add, record
from tests.operation_builders import an_operation
from tests.support.cutting_proxy import Cut, CuttingProxy
from tests.support.postgresql import PostgresServer, database_of, running_server


async def _opened(url: str) -> SqlJournal:
    journal = SqlJournal(url)
    await journal.open()
    return journal


@pytest.fixture
async def proxy(postgres: PostgresServer, tmp_path: Path):
    made = CuttingProxy(postgres.folder, tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def through(postgres: PostgresServer, proxy: CuttingProxy, tmp_path: Path):
    """Give a journal whose connections go through the proxy."""
    url = postgres.new_database()
    journal = SqlJournal(url.replace(str(postgres.folder), str(tmp_path)), answer_s=2.0)
    await journal.open()
    yield journal
    await journal.close()


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER, Cut.SILENT])
async def test_a_commit_whose_answer_is_lost_is_looked_for_and_written_once(
    through: SqlJournal, proxy: CuttingProxy, cut
):
    operation = an_operation(1)
    proxy.cut = cut
    if cut is Cut.BEFORE:
        with pytest.raises(JournalError) as caught:
            await record(through, operation)
        assert not isinstance(caught.value, JournalUncertain)
        assert await through.recent(10) == ()
        await record(through, operation)
    else:
        await record(through, operation)
    assert await through.recent(10) == (operation,)
    await add(through, StateMoved(operation=operation.id, state=OperationState.DONE))
    assert await through.unfinished() == ()


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER])
async def test_while_nobody_knows_whether_it_was_written_nobody_is_told(
    through: SqlJournal, proxy: CuttingProxy, cut: Cut
) -> None:
    writer = JournalWriter(through)
    told: list[str] = []
    proxy.cut, proxy.lets_in = cut, False
    first = an_operation(1)
    waiting = asyncio.create_task(writer.require(Accepted(accepted=first), lambda: told.append("first")))
    await _until_at_fault(writer)
    assert isinstance(writer.fault, JournalUncertain)
    later = asyncio.create_task(writer.require(Accepted(accepted=an_operation(2)), lambda: told.append("second")))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert told == []
    proxy.lets_in = True
    await writer.flush()
    await waiting
    await later
    assert told == ["first", "second"], "the commit that was not made is made now, and one that was is not made twice"
    assert writer.fault is None
    assert set(await through.recent(10)) == {first, an_operation(2)}


async def _until_at_fault(writer: JournalWriter) -> None:
    task = writer._task
    while writer.fault is None:
        task = writer._task
        if task is not None:
            await asyncio.wait([task])
        await asyncio.sleep(0)


async def test_a_server_that_ends_its_connections_is_reconnected_to(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    journal = await _opened(url)
    await record(journal, an_operation(1))
    ends = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database_of(url)}'"  # noqa: S608
    postgres.sql(ends, database="postgres")
    await record(journal, an_operation(2))
    assert len(await journal.recent(10)) == 2
    await journal.close()


async def test_a_server_that_is_away_is_told_and_what_was_acknowledged_is_there_when_it_is_back() -> None:
    with running_server() as server:
        journal = await _opened(server.new_database())
        await record(journal, an_operation(1))
        server.stop("immediate")
        for asked in (journal.recent(10), record(journal, an_operation(2))):
            with pytest.raises(JournalError, match="its server") as caught:
                await asked
            assert caught.value.remedy
        server.start()
        assert await journal.recent(10) == (an_operation(1),)
        await record(journal, an_operation(2))
        await journal.close()


async def test_a_wrong_password_is_told_without_the_password(postgres: PostgresServer) -> None:
    rules = postgres.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    postgres.sql("CREATE ROLE alice LOGIN PASSWORD 'right'", database="postgres")
    rules.write_text("local all alice scram-sha-256\n" + before)
    try:
        postgres.sql("SELECT pg_reload_conf()", database="postgres")
        url = postgres.url("postgres", "alice:sesame-open")
        with pytest.raises(JournalError, match="refuses the password") as caught:
            await _opened(url)
    finally:
        rules.write_text(before)
        postgres.sql("SELECT pg_reload_conf()", database="postgres")
    assert "sesame" not in str(caught.value)
    assert "sesame" not in repr(caught.value.__cause__)
    assert ".pgpass" in caught.value.remedy


async def test_a_database_that_is_not_there_is_told(postgres: PostgresServer) -> None:
    with pytest.raises(JournalError, match="knows no such database") as caught:
        await _opened(postgres.url("nowhere"))
    assert "fleet.toml" in caught.value.remedy


async def test_a_user_who_may_not_make_tables_is_told(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    postgres.sql("CREATE ROLE bob LOGIN", database="postgres")
    with pytest.raises(JournalError, match="its user may not"):
        await _opened(url.replace("novacron@", "bob@"))


async def test_a_socket_that_is_not_there_is_told(tmp_path: Path) -> None:
    pytest.importorskip("asyncpg")
    with pytest.raises(JournalError, match="its server's socket is not there"):
        await _opened(f"postgresql://novacron@/novacron?host={tmp_path}")


async def test_two_backends_that_come_at_once_make_the_tables_once(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    journals = [SqlJournal(url) for _ in range(4)]
    await asyncio.gather(*(journal.open() for journal in journals))
    await record(journals[0], an_operation(1))
    for journal in journals:
        assert len(await journal.recent(10)) == 1
        await journal.close()


async def test_text_that_postgresql_has_no_place_for_is_told_apart_from_none_lost(postgres: PostgresServer) -> None:
    journal = await _opened(postgres.new_database())
    operation = replace(an_operation(1), subject="web\0one", outcome="a \0 in it")
    await record(journal, operation)
    assert await journal.get(operation.id) == operation
    await journal.close()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://a:secret@db/x", "postgresql://a@db/x"),
        ("postgresql://a@db:5433/x?password=secret&host=/tmp", "postgresql://a@db:5433/x?host=/tmp"),
        ("postgresql:///x?passfile=/secret", "postgresql:///x"),
        ("postgresql://a:b@secret@db/x", "postgresql://a@db/x"),
        ("postgresql://a:secret@[db/x", "postgresql://"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert describe(url) == shown
