"""The journal on the disk: what goes in comes out, and what cannot go in is told."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from novacron.adapters.sql.journal import SqlJournal
from novacron.adapters.sql.tables import LAYOUT
from novacron.model.errors import ExitCode, JournalError
from novacron.model.ids import HostId
from novacron.model.operation import OperationState
from novacron.model.operations.power import ShutdownVm
from tests.builders import NOW, an_id
from tests.operation_builders import an_operation
from tests.operation_strategies import INTENT_KINDS, intents, operations


@pytest.fixture
async def journal(tmp_path):
    opened = SqlJournal(tmp_path / "journal.sqlite")
    await opened.open()
    yield opened
    await opened.close()


def _at(number, **fields):
    return replace(an_operation(number, **fields), accepted_at=NOW + timedelta(seconds=number))


@pytest.mark.parametrize("kind", INTENT_KINDS, ids=lambda kind: kind.__name__)
async def test_every_kind_of_intent_is_read_back_as_it_was_written(journal, kind):
    @settings(max_examples=1, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(intents.filter(lambda intent: isinstance(intent, kind)))
    def one(intent):
        chosen.append(intent)

    chosen = []
    one()
    operation = replace(an_operation(1), intent=chosen[0])
    await journal.record(operation)
    assert await journal.get(operation.id) == operation
    assert await journal.by_key(operation.idempotency_key) == operation


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations)
def test_any_operation_is_read_back_as_it_was_written(tmp_path, operation):
    async def there_and_back():
        journal = SqlJournal(tmp_path / "any.sqlite")
        await journal.open()
        try:
            await journal.record(replace(operation, idempotency_key=""))
            return await journal.get(operation.id)
        finally:
            await journal.close()

    assert asyncio.run(there_and_back()) == replace(operation, idempotency_key="")


async def test_an_operation_recorded_again_is_changed_in_place(journal):
    first = _at(1)
    await journal.record(first)
    ended = replace(first, state=OperationState.DONE, outcome="it runs", ended_at=NOW)
    await journal.record(ended)
    assert await journal.recent(10) == (ended,)
    assert await journal.unfinished() == ()


async def test_unfinished_ones_come_oldest_first_and_recent_ones_newest_first(journal):
    states = [OperationState.RUNNING, OperationState.DONE, OperationState.SETTLING, OperationState.NEEDS_ATTENTION]
    made = [_at(number, state=state) for number, state in enumerate(states, start=1)]
    for operation in (made[2], made[0], made[3], made[1]):
        await journal.record(operation)
    assert await journal.unfinished() == (made[0], made[2])
    assert await journal.recent(3) == (made[3], made[2], made[1])


async def test_what_was_never_recorded_is_none(journal):
    await journal.record(_at(1))
    assert await journal.get("another") is None
    assert await journal.by_key("another") is None


async def test_operations_without_a_key_do_not_collide_and_a_key_is_taken_once(journal):
    await journal.record(replace(_at(1), idempotency_key=""))
    await journal.record(replace(_at(2), idempotency_key=""))
    assert await journal.by_key("") is None
    await journal.record(replace(_at(3), idempotency_key="same-key"))
    with pytest.raises(JournalError):
        await journal.record(replace(_at(4), idempotency_key="same-key"))
    assert await journal.get(_at(4).id) is None


async def test_a_foreign_word_that_is_no_text_does_not_keep_the_operation_out(journal):
    operation = replace(_at(1), subject="web-\udcff", outcome="\ud800 said libvirt")
    await journal.record(operation)
    assert await journal.get(operation.id) == replace(operation, subject="web-?", outcome="? said libvirt")


async def test_many_at_once_are_all_written(journal):
    made = [_at(number) for number in range(1, 30)]
    await asyncio.gather(*(journal.record(operation) for operation in made))
    assert set(await journal.recent(100)) == set(made)


async def test_a_journal_that_was_closed_says_so(tmp_path):
    journal = SqlJournal(tmp_path / "journal.sqlite")
    with pytest.raises(JournalError, match="not open") as caught:
        await journal.record(_at(1))
    assert caught.value.exit_code is ExitCode.JOURNAL


async def test_opening_again_finds_what_was_written(tmp_path):
    path = tmp_path / "with % and ? and #.sqlite"
    for number in (1, 2):
        journal = SqlJournal(path)
        await journal.open()
        await journal.record(_at(number))
        await journal.close()
    journal = SqlJournal(path)
    await journal.open()
    assert len(await journal.recent(10)) == 2
    await journal.close()
    assert path.exists()


def _sql(path, *statements):
    database = sqlite3.connect(path)
    try:
        for statement in statements:
            found = database.execute(statement).fetchall()
        database.commit()
    finally:
        database.close()
    return found


_OLD_LAYOUT = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
    "INSERT INTO alembic_version VALUES ('0001')",
    "CREATE TABLE operations (id VARCHAR(64) PRIMARY KEY, accepted_at VARCHAR(40) NOT NULL, state VARCHAR(32) NOT NULL,"
    " subject TEXT NOT NULL, idempotency_key VARCHAR(200) UNIQUE, document TEXT NOT NULL)",
    "CREATE INDEX operations_by_state ON operations (state)",
    "CREATE INDEX operations_by_time ON operations (accepted_at)",
)


async def _an_old_journal(path, operation) -> None:
    """Make a journal of the first layout that holds one operation."""
    newest = SqlJournal(path.with_suffix(".new"))
    await newest.open()
    await newest.record(operation)
    await newest.close()
    columns = "id, accepted_at, state, subject, idempotency_key, document"
    copy = f"INSERT INTO operations SELECT {columns} FROM fresh.operations"  # noqa: S608
    _sql(path, *_OLD_LAYOUT, f"ATTACH '{path.with_suffix('.new')}' AS fresh", copy)


async def test_two_opens_of_an_old_layout_upgrade_it_once_and_keep_what_it_held(tmp_path):
    path, operation = tmp_path / "journal.sqlite", _at(1)
    await _an_old_journal(path, operation)
    journals = [SqlJournal(path), SqlJournal(path)]
    for journal in journals:
        await journal.open()
    for journal in journals:
        assert await journal.get(operation.id) == operation
        await journal.close()
    assert _sql(path, "SELECT version_num FROM alembic_version") == [(LAYOUT,)]
    assert _sql(path, "SELECT vm FROM operations") == [(operation.intent.vm,)]


async def test_an_upgrade_that_fails_half_way_leaves_the_old_layout(tmp_path):
    path, operation = tmp_path / "journal.sqlite", _at(1)
    await _an_old_journal(path, operation)
    # The last thing the upgrade makes is there already.
    _sql(path, "CREATE INDEX operations_by_vm ON operations (subject)")
    with pytest.raises(JournalError):
        await SqlJournal(path).open()
    assert _sql(path, "SELECT version_num FROM alembic_version") == [("0001",)]
    assert "vm" not in [row[1] for row in _sql(path, "PRAGMA table_info(operations)")]
    _sql(path, "DROP INDEX operations_by_vm")
    journal = SqlJournal(path)
    await journal.open()
    assert await journal.get(operation.id) == operation
    await journal.close()


async def test_a_newer_layout_is_refused_with_both_numbers_and_left_alone(tmp_path):
    path = tmp_path / "journal.sqlite"
    journal = SqlJournal(path)
    await journal.open()
    await journal.close()
    _sql(path, "UPDATE alembic_version SET version_num = '0099'")
    with pytest.raises(JournalError, match=f"layout 0099.*{LAYOUT}"):
        await SqlJournal(path).open()
    assert _sql(path, "SELECT version_num FROM alembic_version") == [("0099",)]


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"this was a letter\n" * 500)
    with pytest.raises(JournalError, match="it is no database") as caught:
        await SqlJournal(path).open()
    assert caught.value.remedy
    assert path.read_bytes() == b"this was a letter\n" * 500


@pytest.mark.parametrize("page", [1, 2, 3])
async def test_a_damaged_page_is_found_on_opening(tmp_path, page):
    path = tmp_path / "journal.sqlite"
    journal = SqlJournal(path)
    await journal.open()
    for number in range(1, 40):
        await journal.record(_at(number))
    await journal.close()
    _sql(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[page * 4096 : page * 4096 + 600] = b"\xff" * 600
    path.write_bytes(content)
    with pytest.raises(JournalError, match="damaged"):
        await SqlJournal(path).open()


async def test_a_document_nobody_understands_costs_itself_and_is_told(journal, tmp_path, caplog):
    spoilt, sound = _at(1), _at(2)
    for operation in (spoilt, sound):
        await journal.record(operation)
    path = tmp_path / "journal.sqlite"
    _sql(path, f"""UPDATE operations SET document = '{{"id": 3}}' WHERE id = '{spoilt.id}'""")  # noqa: S608
    assert await journal.recent(10) == (sound,)
    assert await journal.unfinished() == (sound,)
    assert "not understood" in caplog.text
    # It is not as if it had never been: its key may not be used again.
    for asked in (journal.get(spoilt.id), journal.by_key(spoilt.idempotency_key)):
        with pytest.raises(JournalError, match="not understood"):
            await asked
    assert len(_sql(path, "SELECT id FROM operations")) == 2


async def test_an_infinite_number_that_was_once_accepted_is_read_as_the_usual_limit(journal):
    endless = ShutdownVm(vm=an_id("web-1"), host=HostId("lab1"), timeout_s=float("inf"))
    operation = replace(_at(1), intent=endless, state=OperationState.RUNNING)
    await journal.record(operation)
    assert await journal.unfinished() == (replace(operation, intent=replace(endless, timeout_s=120.0)),)


async def test_another_process_that_holds_it_is_named_as_the_cause(journal, tmp_path, monkeypatch):
    holder = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    async with journal._opened().connect() as connection:
        await connection.exec_driver_sql("PRAGMA busy_timeout=50")
    with pytest.raises(JournalError, match="another process holds it"):
        await journal.record(_at(1))
    holder.execute("ROLLBACK")
    holder.close()
    await journal.record(_at(1))
