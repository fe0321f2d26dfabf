"""What needs attention is kept until somebody says that it is dealt with; order is the journal's, not the clock's."""

from datetime import timedelta

import pytest

from novacron.model.alert.alert import AlertRule
from novacron.model.operation import NOTE_LENGTH, Acknowledgement, Operation, OperationState
from novacron.model.operations.definition import SetAutostart
from novacron.model.operations.power import RebootVm
from novacron.model.refusal import Refusal, RefusalCode
from tests.builders import an_id
from tests.callers import ALICE, BOB
from tests.engine.site import SETTINGS, A, Site, a_site
from tests.fake_clock import START, FakeClock
from tests.memory_journal import MemoryJournal
from tests.operation_builders import an_operation

VM = an_id("web-1")
UNCLEAR = an_operation(1, state=OperationState.NEEDS_ATTENTION, outcome="it is not known whether it restarted")


def _a_site_with_a_history(newer: int) -> Site:
    """Return a site whose journal has one operation that needs attention, and many newer ones."""
    journal = MemoryJournal()
    done = (an_operation(2 + number, state=OperationState.DONE) for number in range(newer))
    journal.operations = {one.id: one for one in (UNCLEAR, *done)}
    return a_site(journal=journal)


async def _acknowledge(site: Site, note: str = "its uptime is 2 minutes") -> Operation | Refusal:
    return await site.clock.run(site.service.acknowledge(ALICE, UNCLEAR.id, note=note))


async def test_what_needs_attention_is_listed_and_alerted_after_any_number_of_newer_ones_and_a_restart() -> None:
    site = _a_site_with_a_history(newer=SETTINGS.operations_kept + 50)
    await site.start()
    await site.clock.advance(2)
    assert (await site.operation(UNCLEAR.id)).needs_person
    assert [(alert.rule, alert.operation) for alert in await site.alerts()] == [
        (AlertRule.OPERATION_FAILED, UNCLEAR.id)
    ]
    await site.kill()


async def test_an_acknowledgement_is_journaled_with_who_and_when_and_clears_the_alert_for_good() -> None:
    site = _a_site_with_a_history(newer=3)
    await site.start()
    answer = await _acknowledge(site)
    assert isinstance(answer, Operation)
    word = Acknowledgement(note="its uptime is 2 minutes", actor="alice", at=site.clock.now())
    assert answer.acknowledged == word
    assert isinstance(site.journal, MemoryJournal)
    assert site.journal.operations[UNCLEAR.id].acknowledged == word
    await site.clock.advance(2)
    assert await site.alerts() == ()
    await site.kill()
    await site.start()
    await site.clock.advance(2)
    assert await site.alerts() == ()
    assert (await site.operation(UNCLEAR.id)).state is OperationState.NEEDS_ATTENTION
    await site.kill()


@pytest.mark.parametrize("note", ["", "  ", "two\nlines", "\x1b[2J", "x" * (NOTE_LENGTH + 1)])
async def test_a_note_that_says_nothing_or_cannot_be_shown_is_refused(note: str) -> None:
    site = _a_site_with_a_history(newer=0)
    await site.start()
    answer = await _acknowledge(site, note)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.INVALID
    await site.kill()


async def test_what_needs_nobody_or_was_acknowledged_is_not_acknowledged_again() -> None:
    site = _a_site_with_a_history(newer=1)
    await site.start()
    await _acknowledge(site)
    again = await _acknowledge(site)
    assert isinstance(again, Refusal)
    assert "alice" in again.reason
    done = await site.clock.run(site.service.acknowledge(BOB, an_operation(2).id, note="why not"))
    assert isinstance(done, Refusal)
    assert done.code is RefusalCode.WRONG_STATE
    unknown = await site.clock.run(site.service.acknowledge(BOB, an_operation(99).id, note="why not"))
    assert isinstance(unknown, Refusal)
    assert unknown.code is RefusalCode.NOT_FOUND
    await site.kill()


async def test_an_acknowledgement_that_cannot_be_written_is_refused_and_the_alert_stays() -> None:
    site = _a_site_with_a_history(newer=0)
    await site.start()
    assert isinstance(site.journal, MemoryJournal)
    site.journal.fails = "its disk is full"
    answer = await _acknowledge(site)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.JOURNAL
    assert (await site.operation(UNCLEAR.id)).needs_person
    await site.kill()


async def test_a_later_success_on_the_same_vm_does_not_stand_for_a_person() -> None:
    site = _a_site_with_a_history(newer=2)
    await site.start()
    await site.clock.advance(2)
    assert len(await site.alerts()) == 1
    await site.kill()


async def test_a_newer_operation_comes_first_although_the_clock_was_set_back_across_a_restart() -> None:
    before = a_site()
    before.add()
    await before.start()
    older = await before.do(RebootVm(vm=VM, host=A))
    await before.kill()
    site = a_site(journal=before.journal, clock=FakeClock(START - timedelta(days=2)))
    site.add()
    await site.start()
    answer = await site.submit(SetAutostart(vm=VM, host=A, enabled=True), key="another")
    assert isinstance(answer, Operation)
    assert answer.id < older.id
    assert [one.id for one in await site.service.operations(ALICE)] == [answer.id, older.id]
    await site.kill()
