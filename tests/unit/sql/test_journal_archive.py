"""The journal's archive on both databases: what ended long ago leaves the lists, and is found by its id and key."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from novacron.adapters.sql.journal import SqlJournal
from novacron.engine.lease import LeaseKeeper
from novacron.engine.ledger import Ledger
from novacron.engine.settings import EngineSettings
from novacron.model.errors import JournalError
from novacron.model.operation import Acknowledgement, Operation, OperationState
from novacron.model.work.event import Accepted, Acknowledged, Event, StateMoved
from tests.builders import NOW
from tests.fake_clock import FakeClock
from tests.journal_events import add, record
from tests.operation_builders import an_operation
from tests.support.journal_store import Store

_LONG_AGO = NOW - timedelta(days=100)
_BEFORE = NOW - timedelta(days=90)


def _ended(number: int, state: OperationState = OperationState.DONE, *, days_ago: float = 100) -> Operation:
    return replace(an_operation(number, state=state), ended_at=NOW - timedelta(days=days_ago))


def _rows(store: Store, table: str) -> int:
    return int(store.sql(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 - ours


async def test_what_ended_long_ago_is_in_no_list_and_found_by_id_and_key(journal: SqlJournal, store: Store) -> None:
    old, young = _ended(1), _ended(2, days_ago=10)
    for operation in (old, young):
        await record(journal, operation)
    assert await journal.archive(_BEFORE, 10) == 1
    assert await journal.recent(10) == (young,)
    assert await journal.get(old.id) == old
    assert await journal.by_key(old.idempotency_key, old.actor) == old
    assert await journal.by_key(old.idempotency_key, "alice") is None
    assert [_rows(store, table) for table in ("operations", "events")] == [1, 1]
    assert await journal.archive(_BEFORE, 10) == 0


async def test_an_archived_operation_is_what_all_its_events_have_made_of_it(journal: SqlJournal) -> None:
    await record(journal, replace(an_operation(1), started_at=None))
    moved = StateMoved(operation=an_operation(1).id, state=OperationState.FAILED, outcome="no room", ended_at=_LONG_AGO)
    await add(journal, moved)
    before = await journal.get(moved.operation)
    assert await journal.archive(_BEFORE, 10) == 1
    assert await journal.get(moved.operation) == before
    assert before is not None
    assert before.outcome == "no room"


async def test_what_has_not_ended_or_waits_for_a_person_stays(journal: SqlJournal) -> None:
    running = replace(an_operation(1), accepted_at=_LONG_AGO)
    waiting = _ended(2, OperationState.NEEDS_ATTENTION)
    for operation in (running, waiting):
        await record(journal, operation)
    assert await journal.archive(_BEFORE, 10) == 0
    word = Acknowledgement(note="looked", actor="alice", at=NOW)
    await add(journal, Acknowledged(operation=waiting.id, word=word))
    assert await journal.archive(_BEFORE, 10) == 1
    assert await journal.get(waiting.id) == replace(waiting, acknowledged=word)
    assert await journal.recent(10) == (running,)


async def test_those_that_ended_first_go_first_and_no_more_than_asked_for(journal: SqlJournal) -> None:
    for number, days_ago in enumerate((95, 99, 97), start=1):
        await record(journal, _ended(number, days_ago=days_ago))
    assert await journal.archive(_BEFORE, 2) == 2
    assert await journal.recent(10) == (_ended(1, days_ago=95),)


async def test_the_highest_sequence_is_known_when_its_operation_is_archived(journal: SqlJournal) -> None:
    await record(journal, _ended(7))
    await journal.archive(_BEFORE, 10)
    assert await journal.last_sequence() == 7


async def test_only_the_lease_of_today_archives(journal: SqlJournal) -> None:
    first = await journal.take_lease("first", 0, -1.0)
    second = await journal.take_lease("second", 0, 60.0)
    assert second.epoch > first.epoch
    assert (await journal.append(_events_of(_ended(1)), epoch=second.epoch)) == {}
    with pytest.raises(JournalError, match="another backend"):
        await journal.archive(_BEFORE, 10, epoch=first.epoch)
    assert await journal.recent(10) == (_ended(1),)
    assert await journal.archive(_BEFORE, 10, epoch=second.epoch) == 1


def _events_of(operation: Operation) -> list[Event]:
    return [Accepted(accepted=operation)]


@pytest.mark.parametrize("table", ["archived_operations", "archived_events"])
async def test_a_move_that_breaks_off_half_way_moves_nothing(journal: SqlJournal, store: Store, table: str) -> None:
    old = _ended(1)
    await record(journal, old)
    store.sql(f"ALTER TABLE {table} RENAME TO away")
    with pytest.raises(JournalError):
        await journal.archive(_BEFORE, 10)
    store.sql(f"ALTER TABLE away RENAME TO {table}")
    assert await journal.recent(10) == (old,)
    assert _rows(store, "archived_operations") == _rows(store, "archived_events") == 0
    assert await journal.archive(_BEFORE, 10) == 1
    assert await journal.get(old.id) == old


async def test_what_is_in_both_places_is_one_operation(journal: SqlJournal, store: Store) -> None:
    old = _ended(1)
    await record(journal, old)
    store.sql(
        "INSERT INTO archived_operations SELECT * FROM operations",
        "INSERT INTO archived_events SELECT * FROM events",
        "SELECT 1",
    )
    assert await journal.get(old.id) == old
    assert await journal.by_key(old.idempotency_key, old.actor) == old
    assert await journal.archive(_BEFORE, 10) == 1
    assert await journal.get(old.id) == old
    assert [_rows(store, table) for table in ("operations", "archived_operations", "archived_events")] == [0, 1, 1]


async def test_a_start_reads_as_much_whatever_the_archive_holds(
    journal: SqlJournal, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for first in range(1, 401, 100):
        made = [_events_of(_ended(number))[0] for number in range(first, first + 100)]
        assert await journal.append(made) == {}
    for number in range(401, 411):
        await record(journal, _ended(number, days_ago=1))
    while await journal.archive(_BEFORE, 50):
        pass
    read: list[int] = []
    rows = SqlJournal._rows

    async def counted(self: SqlJournal, query: Any) -> Any:
        found = await rows(self, query)
        read.append(len(found))
        return found

    monkeypatch.setattr(SqlJournal, "_rows", counted)
    settings = EngineSettings()
    lease = LeaseKeeper(journal, FakeClock(), settings, "test")
    ledger = Ledger(journal, lease, lambda _: None, keep=settings.operations_kept)
    await ledger.open()
    assert len(ledger.operations) == 10
    assert sum(read) <= 10 + 2, "the ten that are young, and the highest sequence of either table"
