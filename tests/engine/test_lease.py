"""Two backends on one journal: one runs the operations, the other shows them and takes over."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from novacron.engine import journal_keeping
from novacron.engine.work.recovery import recover
from novacron.model.errors import JournalError
from novacron.model.operation import JOURNAL, Operation, OperationState
from novacron.model.operations.definition import SetAutostart
from novacron.model.operations.power import ForceOffVm, StartVm
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmState
from tests.builders import an_id
from tests.callers import ALICE
from tests.engine.recorded_effects import RecordingGateway
from tests.engine.site import SETTINGS, A, B, Site, a_site, migrate
from tests.fake_clock import FakeClock
from tests.memory_archive import MemoryArchive
from tests.memory_journal import MemoryJournal

VM = an_id("web-1")


class SharedJournal(MemoryJournal):
    """A journal to which the way of some backends can be cut."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.cut_off = ""
        self.lease_takes_s = 0.0
        self._time = clock

    async def take_lease(self, holder: str, epoch: int, for_s: float):
        """Take or renew the lease, where the way there is not cut."""
        await self._time.sleep(self.lease_takes_s)
        if holder == self.cut_off:
            raise JournalError("journal", "the way there is cut", "mend it")
        return await super().take_lease(holder, epoch, for_s)


class Pair:
    """Two backends over the same hosts, with one journal."""

    def __init__(self) -> None:
        clock = FakeClock()
        self.journal = SharedJournal(clock)
        self.first = a_site(journal=self.journal, clock=clock)
        self.gateway = RecordingGateway(self.first.world)
        self.first.holder, self.first.gateway = "first", self.gateway
        self.second = Site(
            clock=clock, world=self.first.world, journal=self.journal, archive=MemoryArchive(), holder="second"
        )
        self.second.gateway = self.gateway
        self.second._keys = count(1000)
        self.clock = clock

    async def end_without_a_word(self, site: Site) -> None:
        """Kill a backend: it does not give its lease back."""

        async def keep(epoch: int) -> None:
            """Do as a killed process does."""

        self.journal.give_back_lease = keep  # type: ignore[method-assign]
        await site.kill()
        del self.journal.give_back_lease

    async def shown(self, site: Site, operation: str) -> Operation:
        """Return an operation as a backend shows it."""
        return next(one for one in await site.service.operations(ALICE) if one.id == operation)


@pytest.fixture
async def pair():
    made = Pair()
    made.first.add()
    await made.first.start()
    await made.second.start()
    yield made
    await made.first.kill()
    await made.second.kill()


async def test_the_second_backend_shows_what_the_first_runs_and_refuses_by_its_name(pair: Pair) -> None:
    assert (await pair.first.service.status(ALICE)).operations_run_by == ""
    assert (await pair.second.service.status(ALICE)).operations_run_by == "first"
    done = await pair.first.do(ForceOffVm(vm=VM, host=A))
    await pair.clock.advance(SETTINGS.lease_renew_s + 1)
    assert (await pair.shown(pair.second, done.id)).state is OperationState.DONE
    refused = await pair.second.refused(StartVm(vm=VM, host=A))
    assert refused.code is RefusalCode.JOURNAL
    assert "first runs them" in refused.reason
    assert refused.remedy
    assert len(pair.journal.operations) == 1


async def test_the_second_backend_cancels_and_acknowledges_nothing(pair: Pair) -> None:
    pair.first.alter(VM, memory_mib=16384, memory_max_mib=16384)
    operation = await pair.first.accepted(migrate(VM))
    await pair.clock.advance(SETTINGS.lease_renew_s + 1)
    assert (await pair.shown(pair.second, operation)).state is OperationState.RUNNING
    refused = await pair.clock.run(pair.second.service.cancel(ALICE, operation))
    assert "first runs them" in str(refused)
    left = replace(pair.journal.operations[operation], id="left", state=OperationState.NEEDS_ATTENTION, sequence=99)
    pair.journal.operations[left.id] = left
    await pair.clock.advance(SETTINGS.lease_renew_s + 1)
    refused = await pair.clock.run(pair.second.service.acknowledge(ALICE, left.id, note="looked"))
    assert "first runs them" in str(refused)
    assert pair.journal.operations[left.id].acknowledged is None


async def test_the_second_takes_over_at_once_when_the_first_is_stopped(pair: Pair) -> None:
    await pair.first.kill()
    await pair.clock.advance(SETTINGS.lease_renew_s + 1)
    assert (await pair.second.service.status(ALICE)).operations_run_by == ""
    assert (await pair.second.do(ForceOffVm(vm=VM, host=A))).state is OperationState.DONE


async def test_what_a_killed_backend_left_is_taken_up_once_its_lease_has_run_out(pair: Pair) -> None:
    pair.first.alter(VM, memory_mib=16384, memory_max_mib=16384)
    operation = await pair.first.accepted(migrate(VM))
    await pair.clock.advance(2)
    await pair.end_without_a_word(pair.first)
    await pair.clock.advance(SETTINGS.lease_s - 6)
    assert (await pair.second.service.status(ALICE)).operations_run_by == "first"
    await pair.clock.advance(SETTINGS.lease_renew_s + 6)
    assert (await pair.second.service.status(ALICE)).operations_run_by == ""
    ended = await pair.second.ended(operation)
    assert ended.state is OperationState.DONE, ended.outcome
    assert pair.first.running_on(VM) == [B]
    assert pair.gateway.effects[A, "migrate"] <= 1


async def test_a_backend_that_was_killed_and_starts_again_takes_over_from_itself_at_once(pair: Pair) -> None:
    await pair.end_without_a_word(pair.first)
    await pair.first.start()
    assert (await pair.first.service.status(ALICE)).operations_run_by == ""
    assert (await pair.first.do(ForceOffVm(vm=VM, host=A))).state is OperationState.DONE
    assert (await pair.second.service.status(ALICE)).operations_run_by == "first"


async def test_a_holder_that_cannot_renew_begins_no_step_and_what_it_writes_late_is_refused(pair: Pair) -> None:
    pair.journal.cut_off = "first"
    await pair.clock.advance(SETTINGS.lease_s - SETTINGS.lease_margin_s - 1)
    refused = await pair.first.refused(ForceOffVm(vm=VM, host=A))
    assert "could not be renewed: the way there is cut" in refused.reason
    assert "the way there is cut" in (await pair.first.service.status(ALICE)).journal_error
    await pair.clock.advance(SETTINGS.lease_s)
    assert (await pair.second.service.status(ALICE)).operations_run_by == ""
    late = pair.first.service._ledger
    operation = await pair.second.do(ForceOffVm(vm=VM, host=A))
    assert operation.state is OperationState.DONE
    with pytest.raises(JournalError):
        await pair.clock.run(late.accept(replace(operation, id="late", idempotency_key="late")))
    assert "late" not in pair.journal.operations
    pair.journal.cut_off = ""
    await pair.clock.advance(SETTINGS.lease_renew_s + 1)
    assert (await pair.first.service.status(ALICE)).operations_run_by == "second"
    assert (await pair.shown(pair.first, operation.id)).state is OperationState.DONE


async def test_a_holder_whose_lease_is_gone_lets_go_of_what_it_ran_and_the_other_ends_it_once(pair: Pair) -> None:
    pair.first.alter(VM, memory_mib=16384, memory_max_mib=16384)
    operation = await pair.first.accepted(migrate(VM))
    await pair.clock.advance(1)
    pair.journal.cut_off = "first"
    await pair.clock.advance(SETTINGS.lease_s + SETTINGS.lease_renew_s)
    pair.journal.cut_off = ""
    ended = await pair.second.ended(operation)
    assert ended.state is OperationState.DONE, ended.outcome
    await pair.clock.advance(SETTINGS.lease_renew_s + 1)
    assert (await pair.first.service.status(ALICE)).operations_running == 0
    assert (await pair.shown(pair.first, operation)).state is OperationState.DONE
    assert pair.first.running_on(VM) == [B]
    assert pair.gateway.effects[A, "migrate"] <= 1


async def test_an_operation_waits_at_its_next_step_while_the_lease_cannot_be_renewed(pair: Pair) -> None:
    pair.first.alter(VM, state=VmState.SHUT_OFF)
    pair.journal.cut_off = "first"
    await pair.clock.advance(SETTINGS.lease_s - SETTINGS.lease_margin_s - 4.2)
    operation = await pair.first.accepted(migrate(VM))
    keeper = pair.first.service._lease
    keeper._until = pair.clock.monotonic()
    await pair.clock.advance(1)
    now = await pair.first.operation(operation)
    assert now.progress.waits_for == JOURNAL or now.has_ended
    pair.journal.cut_off = ""
    assert (await pair.first.ended(operation)).state is OperationState.DONE


async def test_a_request_under_way_when_the_lease_is_lost_is_refused_and_not_left_without_an_answer(pair: Pair) -> None:
    pair.first.alter(VM, state=VmState.SHUT_OFF)
    await pair.clock.advance(5)
    intent = StartVm(vm=VM, host=A)
    digest = await pair.first.digest(intent)
    pair.first.world.slow(A, 4.5)
    submit = pair.first.service.submit(ALICE, intent, plan_digest=digest, idempotency_key="the key")
    asked = asyncio.ensure_future(submit)
    await pair.clock.advance(0.1)
    pair.journal._lease = replace(pair.journal._lease, holder="second", epoch=pair.journal._lease.epoch + 1)
    pair.journal._expires_at = pair.clock.monotonic() + SETTINGS.lease_s
    answer = await pair.clock.run(asked)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.JOURNAL


async def test_what_is_taken_over_is_taken_up_once_though_the_journal_answers_slowly(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_up: list[str] = []

    def recover_and_note(unfinished: Sequence[Operation], *others: Any) -> None:
        taken_up.extend(one.id for one in unfinished)
        recover(unfinished, *others)

    monkeypatch.setattr(journal_keeping, "recover", recover_and_note)
    pair.first.alter(VM, state=VmState.SHUT_OFF)
    await pair.clock.advance(5)
    operation = await pair.first.accepted(SetAutostart(vm=VM, host=A, enabled=True))
    pair.first.world.slow(A, 2.0)
    await pair.end_without_a_word(pair.first)
    pair.journal.lease_takes_s = SETTINGS.journal_retry_s + 1
    await pair.clock.run_until(lambda: pair.journal.operations[operation].has_ended)
    await pair.clock.advance(10)
    assert taken_up == [operation]
    assert pair.journal.operations[operation].state is OperationState.DONE


async def test_nothing_is_asked_of_a_host_for_an_operation_that_another_backend_may_run(pair: Pair) -> None:
    pair.first.alter(VM, memory_mib=16384, memory_max_mib=16384)
    operation = await pair.first.accepted(migrate(VM))
    await pair.clock.advance(1)
    context = pair.first.service._executor._runs[operation].context
    asked: list[str] = []

    async def ask(_hypervisor: object) -> None:
        asked.append("define")

    pair.first.service._lease.other = "second"
    asking = asyncio.ensure_future(context.ask(A, ask))
    await pair.clock.advance(1)
    assert not asked
    pair.first.service._lease.other = ""
    await pair.clock.run(asking)
    assert asked == ["define"]
