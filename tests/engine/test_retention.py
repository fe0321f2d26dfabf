"""Operations that ended long ago go to the journal's archive, by the backend that runs operations, a few at a time."""

from dataclasses import replace
from datetime import timedelta

from novacron.model.alert.alert import AlertRule
from novacron.model.ids import OperationId
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.power import StartVm
from novacron.model.vm import VmState
from tests.callers import ALICE
from tests.engine.site import SETTINGS, A, a_site
from tests.fake_clock import START
from tests.memory_journal import MemoryJournal
from tests.operation_builders import an_operation

_SETTINGS = replace(SETTINGS, archive_interval_s=10.0, archive_at_once=5)


def _with_old_ones(number: int) -> MemoryJournal:
    journal = MemoryJournal()
    for one in range(1, number + 1):
        made = an_operation(one, state=OperationState.DONE)
        journal.operations[made.id] = replace(made, ended_at=START - timedelta(days=91), actor=ALICE.user)
    return journal


async def test_old_operations_are_archived_in_small_commits_and_found_as_before() -> None:
    journal = _with_old_ones(12)
    site = a_site(journal=journal, settings=_SETTINGS)
    await site.start()
    await site.clock.advance(15)
    assert journal.archives == [5, 5, 2]
    assert journal.operations == {}
    await site.kill()
    await site.start()
    old = OperationId("op-000003")
    assert await site.service.operations(ALICE) == ()
    assert (await site.service.find_operation(ALICE, old)).state is OperationState.DONE
    again = journal.archived[old]
    answer = await site.clock.run(
        site.service.submit(ALICE, again.intent, plan_digest="", idempotency_key=again.idempotency_key)
    )
    assert isinstance(answer, Operation)
    assert answer.id == old, "a key is remembered for ever"
    await site.kill()


async def test_what_is_younger_than_is_kept_stays_and_zero_days_are_for_ever() -> None:
    for keep_days in (92, 0):
        journal = _with_old_ones(3)
        site = a_site(journal=journal, settings=replace(_SETTINGS, journal_keep_days=keep_days))
        await site.start()
        await site.clock.advance(15)
        assert len(journal.operations) == 3
        await site.kill()


async def test_a_backend_that_only_shows_operations_archives_none() -> None:
    journal = _with_old_ones(3)
    await journal.take_lease("another", 0, 1000.0)
    journal._expires_at = float("inf")
    site = a_site(journal=journal, settings=_SETTINGS)
    await site.start()
    await site.clock.advance(25)
    assert journal.archives == []
    assert len(journal.operations) == 3
    assert AlertRule.JOURNAL_NOT_ARCHIVED not in {alert.rule for alert in await site.alerts()}
    await site.kill()


async def test_a_full_disk_is_told_and_costs_nothing_else() -> None:
    journal = _with_old_ones(3)
    journal.archive_fails = "its disk is full"
    site = a_site(journal=journal, settings=_SETTINGS)
    vm = site.add(state=VmState.SHUT_OFF)
    await site.start()
    await site.clock.advance(15)
    told = [alert for alert in await site.alerts() if alert.rule is AlertRule.JOURNAL_NOT_ARCHIVED]
    assert len(told) == 1
    assert "its disk is full" in told[0].text
    assert (await site.do(StartVm(vm=vm, host=A))).state is OperationState.DONE
    assert len(journal.operations) == 4
    journal.archive_fails = ""
    await site.clock.advance(15)
    assert len(journal.archived) == 3
    assert await site.alerts() == ()
    await site.kill()
