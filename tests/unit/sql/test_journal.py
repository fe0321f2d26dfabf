"""The journal on the disk: what goes in comes out, and what cannot go in is told."""

import asyncio
import itertools
import json
import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import TypeAdapter

from novacron.adapters.sql.journal import SqlJournal
from novacron.adapters.sql.tables import LAYOUT
from novacron.model.errors import ExitCode, JournalError
from novacron.model.ids import HostId, VmId
from novacron.model.operation import Acknowledgement, Operation, OperationState, Progress, StepRecord, StepState
from novacron.model.operations.power import RebootVm, ShutdownVm
from novacron.model.operations.unknown import UnknownIntent
from novacron.model.work.event import Accepted, Acknowledged, StateMoved, StepRecorded
from novacron.ports.journal import Lease
from tests.builders import NOW, an_id
from tests.journal_events import add, record
from tests.operation_builders import a_step, an_operation
from tests.operation_strategies import INTENT_KINDS, intents, operations
from tests.support.journal_store import run_sql


@pytest.fixture
def numbers():
    return itertools.count()


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
    await record(journal, operation)
    assert await journal.get(operation.id) == operation
    assert await journal.by_key(operation.idempotency_key, operation.actor) == operation


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations)
def test_any_operation_is_read_back_as_it_was_written(tmp_path, numbers, operation):
    async def there_and_back():
        journal = SqlJournal(tmp_path / f"any-{next(numbers)}.sqlite")
        await journal.open()
        try:
            await record(journal, replace(operation, idempotency_key=""))
            return await journal.get(operation.id)
        finally:
            await journal.close()

    assert asyncio.run(there_and_back()) == replace(operation, idempotency_key="")


async def test_an_operation_is_what_its_events_have_made_of_it(journal):
    first = _at(
        1,
        steps=(
            StepRecord(id="start", args=a_step(), title="start it"),
            StepRecord(id="look", args=a_step(), title="look"),
        ),
    )
    await record(journal, first)
    started = replace(first.steps[0], state=StepState.STARTED, started_at=NOW)
    ended = replace(first.steps[1], state=StepState.FAILED, detail="it does not run")
    await add(journal, StepRecorded(operation=first.id, step=started))
    move = StateMoved(
        operation=first.id,
        state=OperationState.NEEDS_ATTENTION,
        outcome="look",
        started_at=NOW,
        ended_at=NOW,
        can_cancel=False,
        step=ended,
        progress=Progress(fraction=0.5, note="half way", observed_at=NOW),
    )
    await add(journal, move)
    word = Acknowledgement(note="looked", actor="alice", at=NOW)
    await add(journal, Acknowledged(operation=first.id, word=word))
    expected = replace(
        first,
        state=OperationState.NEEDS_ATTENTION,
        outcome="look",
        started_at=NOW,
        ended_at=NOW,
        steps=(started, ended),
        progress=move.progress,
        acknowledged=word,
    )
    assert await journal.recent(10) == (expected,)
    assert await journal.get(first.id) == expected
    assert await journal.unfinished() == ()
    assert await journal.unacknowledged() == ()


async def test_unfinished_ones_come_oldest_first_and_recent_ones_newest_first(journal):
    states = [OperationState.RUNNING, OperationState.DONE, OperationState.SETTLING, OperationState.NEEDS_ATTENTION]
    made = [_at(number, state=state) for number, state in enumerate(states, start=1)]
    for operation in (made[2], made[0], made[3], made[1]):
        await record(journal, operation)
    assert await journal.unfinished() == (made[0], made[2])
    assert await journal.recent(3) == (made[3], made[2], made[1])


async def test_what_was_never_recorded_is_none(journal):
    await record(journal, _at(1))
    assert await journal.get("another") is None
    assert await journal.by_key("another", "root") is None


async def test_operations_without_a_key_do_not_collide_and_a_key_is_taken_once(journal):
    await record(journal, replace(_at(1), idempotency_key=""))
    await record(journal, replace(_at(2), idempotency_key=""))
    assert await journal.by_key("", "root") is None
    await record(journal, replace(_at(3), idempotency_key="same-key"))
    with pytest.raises(JournalError):
        await record(journal, replace(_at(4), idempotency_key="same-key"))
    assert await journal.get(_at(4).id) is None


async def test_each_user_has_keys_of_their_own(journal):
    of_root = replace(_at(1), idempotency_key="nightly-backup")
    of_alice = replace(_at(2), idempotency_key="nightly-backup", actor="alice")
    for operation in (of_root, of_alice):
        await record(journal, operation)
    assert await journal.by_key("nightly-backup", "root") == of_root
    assert await journal.by_key("nightly-backup", "alice") == of_alice
    assert await journal.by_key("nightly-backup", "bob") is None


async def test_the_longest_key_there_may_be_is_kept(journal):
    operation = replace(_at(1), idempotency_key="k" * 200, actor="a-user-of-a-directory@example.org")
    await record(journal, operation)
    assert await journal.by_key("k" * 200, operation.actor) == operation


async def test_a_key_of_before_keys_were_per_user_is_its_users_and_keeps_nobody_else_from_theirs(journal, store):
    old = replace(_at(1), idempotency_key="nightly-backup")
    await record(journal, old)
    store.sql("UPDATE operations SET idempotency_key = 'nightly-backup'")
    assert await journal.by_key("nightly-backup", "root") == old
    assert await journal.by_key("nightly-backup", "alice") is None
    of_alice = replace(_at(2), idempotency_key="nightly-backup", actor="alice")
    await record(journal, of_alice)
    assert await journal.by_key("nightly-backup", "alice") == of_alice
    assert await journal.by_key("nightly-backup", "root") == old


async def test_a_foreign_word_that_is_no_text_does_not_keep_the_operation_out(journal):
    operation = replace(_at(1), subject="web-\udcff", outcome="\ud800 said libvirt")
    await record(journal, operation)
    assert await journal.get(operation.id) == replace(operation, subject="web-?", outcome="? said libvirt")


async def test_many_at_once_are_all_written(journal):
    made = [_at(number) for number in range(1, 30)]
    await asyncio.gather(*(record(journal, operation) for operation in made))
    assert set(await journal.recent(100)) == set(made)


async def test_text_that_no_column_can_hold_keeps_no_operation_out(journal):
    odd = "\x00\ud800"
    intent = RebootVm(vm=VmId(odd), host=HostId(odd))
    made = replace(_at(1, subject=odd, intent=intent), idempotency_key=odd)
    await record(journal, made)
    found = await journal.get(made.id)
    assert found is not None
    assert "\x00" in found.intent.vm


async def test_a_journal_that_was_closed_says_so(store):
    journal = SqlJournal(store.place)
    with pytest.raises(JournalError, match="not open") as caught:
        await record(journal, _at(1))
    assert caught.value.exit_code is ExitCode.JOURNAL


async def test_opening_again_finds_what_was_written(tmp_path):
    path = tmp_path / "with % and ? and #.sqlite"
    for number in (1, 2):
        journal = SqlJournal(path)
        await journal.open()
        await record(journal, _at(number))
        await journal.close()
    journal = SqlJournal(path)
    await journal.open()
    assert len(await journal.recent(10)) == 2
    await journal.close()
    assert path.exists()


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
    document = TypeAdapter(Operation).dump_json(operation).decode()
    run_sql(path, *_OLD_LAYOUT)
    row = (operation.id, operation.accepted_at.isoformat(), operation.state, operation.subject, "key-1", document)
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?)", row)
    database.close()


async def test_two_opens_of_an_old_layout_upgrade_it_once_and_keep_what_it_held(tmp_path):
    path, operation = tmp_path / "journal.sqlite", _at(1)
    await _an_old_journal(path, operation)
    journals = [SqlJournal(path), SqlJournal(path)]
    for journal in journals:
        await journal.open()
    for journal in journals:
        assert await journal.get(operation.id) == operation
        await journal.close()
    assert run_sql(path, "SELECT version_num FROM alembic_version") == [(LAYOUT,)]
    assert run_sql(path, "SELECT vm FROM operations") == [(operation.intent.vm,)]


async def test_an_upgrade_that_fails_half_way_leaves_the_old_layout(tmp_path):
    path, operation = tmp_path / "journal.sqlite", _at(1)
    await _an_old_journal(path, operation)
    # The last thing the upgrade makes is there already.
    run_sql(path, "CREATE INDEX operations_by_vm ON operations (subject)")
    with pytest.raises(JournalError):
        await SqlJournal(path).open()
    assert run_sql(path, "SELECT version_num FROM alembic_version") == [("0001",)]
    assert "vm" not in [row[1] for row in run_sql(path, "PRAGMA table_info(operations)")]
    run_sql(path, "DROP INDEX operations_by_vm")
    journal = SqlJournal(path)
    await journal.open()
    assert await journal.get(operation.id) == operation
    await journal.close()


async def test_a_newer_layout_is_refused_with_both_numbers_and_left_alone(store):
    journal = SqlJournal(store.place)
    await journal.open()
    await journal.close()
    store.sql("UPDATE alembic_version SET version_num = '0099'")
    with pytest.raises(JournalError, match=f"layout 0099.*{LAYOUT}"):
        await SqlJournal(store.place).open()
    assert store.sql("SELECT version_num FROM alembic_version") == [("0099",)]


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
        await record(journal, _at(number))
    await journal.close()
    run_sql(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[page * 4096 : page * 4096 + 600] = b"\xff" * 600
    path.write_bytes(content)
    with pytest.raises(JournalError, match="damaged"):
        await SqlJournal(path).open()


async def test_a_document_nobody_understands_costs_itself_and_is_told(journal, store, caplog):
    spoilt, sound = _at(1), _at(2)
    for operation in (spoilt, sound):
        await record(journal, operation)
    store.sql(f"""UPDATE events SET document = '{{"id": 3}}' WHERE operation = '{spoilt.id}'""")  # noqa: S608
    assert await journal.recent(10) == (sound,)
    assert await journal.unfinished() == (sound,)
    assert "not understood" in caplog.text
    # It is not as if it had never been: its key may not be used again.
    for asked in (journal.get(spoilt.id), journal.by_key(spoilt.idempotency_key, spoilt.actor)):
        with pytest.raises(JournalError, match="not understood"):
            await asked
    assert len(store.sql("SELECT id FROM operations")) == 2


async def test_an_infinite_number_that_was_once_accepted_is_read_as_the_usual_limit(journal):
    endless = ShutdownVm(vm=an_id("web-1"), host=HostId("lab1"), timeout_s=float("inf"))
    operation = replace(_at(1), intent=endless, state=OperationState.RUNNING)
    await record(journal, operation)
    assert await journal.unfinished() == (replace(operation, intent=replace(endless, timeout_s=120.0)),)


async def test_another_process_that_holds_it_is_named_as_the_cause(tmp_path):
    journal = SqlJournal(tmp_path / "journal.sqlite")
    await journal.open()
    holder = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    async with journal._opened().connect() as connection:
        await connection.exec_driver_sql("PRAGMA busy_timeout=50")
    with pytest.raises(JournalError, match="another process holds it"):
        await record(journal, _at(1))
    holder.execute("ROLLBACK")
    holder.close()
    await record(journal, _at(1))
    await journal.close()


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
async def test_events_of_several_operations_are_one_commit_and_a_bad_one_costs_its_own_operation_alone(journal):
    known = _at(1)
    await record(journal, known)
    made = [_at(number) for number in (2, 3, 4)]
    twin = replace(made[1], idempotency_key=known.idempotency_key)
    nameless = replace(made[2], intent=object())  # nothing of it can be written down
    ended = StateMoved(operation=made[0].id, state=OperationState.DONE, outcome="it runs", ended_at=NOW)
    refused = await journal.append(
        [
            *(Accepted(accepted=operation) for operation in (made[0], twin, nameless)),
            StepRecorded(operation=twin.id, step=twin.steps[0]),
            ended,
        ]
    )
    assert set(refused) == {twin.id, nameless.id}
    assert await journal.recent(10) == (
        replace(made[0], state=OperationState.DONE, outcome="it runs", ended_at=NOW),
        known,
    )
    assert await journal.get(twin.id) is None


_FILLS_SQLITE = (
    # A table that is not there stands for the disk: an error that is not the event's own.
    """CREATE TRIGGER fills BEFORE INSERT ON events WHEN NEW.operation = 'op-000003'
        BEGIN INSERT INTO "disk is full" VALUES (1); END""",
)
_FILLS_POSTGRESQL = (
    """CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.operation = 'op-000003' THEN
            RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
        END IF;
        RETURN NEW; END $$""",
    "CREATE TRIGGER fills BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION fill()",
)


async def test_a_commit_that_is_refused_in_the_middle_has_written_nothing_and_is_written_later(journal, store):
    made = [_at(number) for number in (1, 2, 3)]
    store.sql(*(_FILLS_SQLITE if store.server is None else _FILLS_POSTGRESQL))
    with pytest.raises(JournalError, match="disk is full"):
        await journal.append([Accepted(accepted=operation) for operation in made])
    assert await journal.recent(10) == ()
    store.sql("DROP TRIGGER fills" if store.server is None else "DROP TRIGGER fills ON events")
    await add(journal, *(Accepted(accepted=operation) for operation in made))
    assert len(await journal.recent(10)) == 3


async def test_an_event_after_an_end_is_added_behind_what_the_journal_has(store):
    operation = _at(1)
    for event in (
        Accepted(accepted=operation),
        StateMoved(operation=operation.id, state=OperationState.NEEDS_ATTENTION),
        Acknowledged(operation=operation.id, word=Acknowledgement(note="looked", actor="alice", at=NOW)),
    ):
        journal = SqlJournal(store.place)
        await journal.open()
        await add(journal, event)
        await journal.close()
    assert [int(row[0]) for row in store.sql("SELECT sequence FROM events ORDER BY sequence")] == [1, 2, 3]


@pytest.mark.parametrize("change", ["kind = 'teleported'", "version = 99", "document = '{}'"])
async def test_an_operation_with_an_event_of_a_newer_version_is_shown_and_is_of_a_kind_that_nobody_carries_out(
    journal, store, caplog, change
):
    strange, sound = _at(1), _at(2)
    for operation in (strange, sound):
        await record(journal, operation)
        await add(journal, StateMoved(operation=operation.id, state=OperationState.CANCELLING))
    newer = f"UPDATE events SET {change} WHERE operation = '{strange.id}' AND sequence = 2"  # noqa: S608
    store.sql(newer)
    found = await journal.unfinished()
    assert [one.id for one in found] == [strange.id, sound.id]
    assert isinstance(found[0].intent, UnknownIntent)
    assert found[0].intent.about_vm == strange.intent.vm
    assert "not known here" in caplog.text


async def test_an_operation_of_a_kind_of_a_newer_version_is_shown_with_its_vm(journal, store):
    strange = replace(_at(1), steps=())
    await record(journal, strange)
    newer = """UPDATE events SET document = replace(document, '"kind":"start"', '"kind":"teleport","to":"mars"')"""
    store.sql(newer)
    (found,) = await journal.unfinished()
    assert found.intent == UnknownIntent(
        host=strange.intent.host, named="teleport", vm=strange.intent.vm, content=found.intent.content
    )
    assert json.loads(found.intent.content)["to"] == "mars"
    assert replace(found, intent=strange.intent) == strange


async def test_an_event_of_an_older_epoch_is_refused_by_the_database(journal, store):
    operation = _at(1)
    await record(journal, operation)
    store.sql("UPDATE lease SET epoch = epoch + 1")
    with pytest.raises(JournalError, match="older epoch"):
        await add(journal, StateMoved(operation=operation.id, state=OperationState.DONE))
    assert await journal.get(operation.id) == operation


async def test_who_has_the_lease_keeps_it_while_it_is_renewed_and_others_get_it_when_it_has_run_out(journal, store):
    other = SqlJournal(store.place)
    await other.open()
    ours = await journal.take_lease("ours", 0, 60.0)
    assert (ours.is_ours, ours.epoch) == (True, 1)
    assert await journal.take_lease("ours", ours.epoch, 60.0) == ours, "renewing is no new epoch"
    theirs = await other.take_lease("theirs", 0, 60.0)
    assert theirs == Lease(holder="ours", epoch=1, is_ours=False)
    store.sql("UPDATE lease SET expires_at = expires_at - 61")
    assert await other.take_lease("theirs", 0, 60.0) == Lease(holder="theirs", epoch=2, is_ours=True)
    assert await journal.take_lease("ours", 1, 60.0) == Lease(holder="theirs", epoch=2, is_ours=False)
    await journal.give_back_lease(1)
    assert not (await journal.take_lease("ours", 1, 60.0)).is_ours, "who has lost it gives nothing back"
    await other.give_back_lease(2)
    assert await journal.take_lease("ours", 1, 60.0) == Lease(holder="ours", epoch=3, is_ours=True)
    await other.close()


async def test_a_holder_that_starts_again_takes_over_from_itself(journal):
    await journal.take_lease("ours", 0, 60.0)
    assert await journal.take_lease("ours", 0, 60.0) == Lease(holder="ours", epoch=2, is_ours=True)


async def test_a_writer_of_an_older_epoch_is_refused_by_the_database_and_writes_nothing_of_a_group(journal, store):
    late = SqlJournal(store.place)
    await late.open()
    old = await late.take_lease("late", 0, 60.0)
    operation, other = _at(1), _at(2)
    await late.append([Accepted(accepted=operation)], epoch=old.epoch)
    store.sql("UPDATE lease SET expires_at = 0")
    new = await journal.take_lease("ours", 0, 60.0)
    assert await journal.append([Accepted(accepted=other)], epoch=new.epoch) == {}
    moved = StateMoved(operation=operation.id, state=OperationState.DONE)
    with pytest.raises(JournalError, match="another backend runs its operations"):
        await late.append([moved, Accepted(accepted=_at(3))], epoch=old.epoch)
    assert await journal.recent(10) == (other, operation)
    assert await journal.append([moved], epoch=new.epoch) == {}
    await late.close()


async def test_a_clock_that_was_set_back_makes_a_lease_longer_and_never_two_holders(journal, store):
    await journal.take_lease("ours", 0, 60.0)
    store.sql("UPDATE lease SET expires_at = expires_at + 3600")
    other = SqlJournal(store.place)
    await other.open()
    assert not (await other.take_lease("theirs", 0, 60.0)).is_ours
    assert (await journal.take_lease("ours", 1, 60.0)).is_ours
    await other.close()
