"""Journals of the fourth layout, the last one without an archive, on both databases."""

from dataclasses import replace
from datetime import timedelta

from novacron.adapters.sql.journal import SqlJournal
from novacron.adapters.sql.tables import LAYOUT
from novacron.model.operation import ENDED, Operation, OperationState
from novacron.model.work.event import StateMoved
from tests.builders import NOW
from tests.journal_events import add, record
from tests.operation_builders import an_operation
from tests.support.journal_store import Store

_STATES = tuple(OperationState)


async def _make_layout_4(store: Store, *made: Operation) -> None:
    """Write a journal as that version had it: bare keys, no archive, no time of the end."""
    journal = SqlJournal(store.place)
    await journal.open()
    for one in made:
        await record(journal, one)
    await journal.close()
    keys = [f"UPDATE operations SET idempotency_key = '{one.idempotency_key}' WHERE id = '{one.id}'" for one in made]  # noqa: S608 - ours
    store.sql(
        *keys,
        "DROP TABLE archived_events",
        "DROP TABLE archived_operations",
        "DROP INDEX operations_by_end",
        "ALTER TABLE operations DROP COLUMN ended_at",
        "UPDATE alembic_version SET version_num = '0004'",
    )


def _in_each_state() -> list[Operation]:
    """Two in each state: accepted 200 and 10 days ago."""
    return [
        replace(
            an_operation(2 * number + young, state=state),
            accepted_at=NOW - timedelta(days=10 if young else 200, microseconds=7),
        )
        for number, state in enumerate(_STATES)
        for young in (0, 1)
    ]


async def test_a_journal_without_an_archive_keeps_every_operation_and_archives_what_may_be(store: Store) -> None:
    made = _in_each_state()
    await _make_layout_4(store, *made)
    journal = SqlJournal(store.place)
    await journal.open()
    assert store.sql("SELECT version_num FROM alembic_version") == [(LAYOUT,)]
    assert {one.id: one for one in await journal.recent(100)} == {one.id: one for one in made}
    old_and_over = {
        one.id
        for one in made
        if one.state in ENDED and not one.needs_person and one.accepted_at < NOW - timedelta(days=90)
    }
    assert len(old_and_over) == 3
    assert await journal.archive(NOW - timedelta(days=90), 100) == 3
    assert {one.id for one in await journal.recent(100)} == {one.id for one in made} - old_and_over
    for one in made:
        assert await journal.get(one.id) == one
        assert await journal.by_key(one.idempotency_key, one.actor) == one
        assert await journal.by_key(one.idempotency_key, "somebody else") is None
    assert await journal.last_sequence() == max(one.sequence for one in made)
    await journal.close()


async def test_what_goes_on_over_the_upgrade_is_archived_by_its_end(store: Store) -> None:
    running = replace(an_operation(1, state=OperationState.RUNNING), accepted_at=NOW - timedelta(days=200))
    await _make_layout_4(store, running)
    journal = SqlJournal(store.place)
    await journal.open()
    (found,) = await journal.unfinished()
    await add(journal, StateMoved(operation=found.id, state=OperationState.DONE, outcome="", ended_at=NOW))
    assert await journal.archive(NOW - timedelta(days=90), 100) == 0
    assert await journal.archive(NOW + timedelta(days=1), 100) == 1
    await journal.close()
