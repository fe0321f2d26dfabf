"""Batches while something else comes in between: a cancel, another request, a change of the lease, a forgotten end."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count

import pytest

from novacron.engine.journal_writer import JournalWriter
from novacron.model.ids import OperationId
from novacron.model.link import LinkStatus
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.batch import BatchChild
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.power import StartVm
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmState
from novacron.model.work.event import Accepted, Event, StateMoved
from novacron.model.work.limits import Limits
from novacron.model.work.schedule import Schedule
from tests.builders import an_id
from tests.callers import ALICE, BOB
from tests.engine.site import SETTINGS, A, Site, a_site, migrate
from tests.memory_journal import MemoryJournal
from tests.operation_builders import an_operation

VMS = tuple(an_id(name) for name in ("web-1", "db-1", "mail-1"))


async def _three(site: Site, state: VmState = VmState.SHUT_OFF) -> None:
    for name in ("web-1", "db-1", "mail-1"):
        site.add(name, state=state)
    await site.start()


async def _confirmed(site: Site, *intents: Intent) -> list[BatchChild]:
    return [BatchChild(intent=one, plan_digest=await site.digest(one)) for one in intents]


def _starts() -> list[StartVm]:
    return [StartVm(vm=vm, host=A) for vm in VMS]


def _migrations() -> list[MigrateVm]:
    return [migrate(vm) for vm in VMS]


def _submit(site: Site, children: list[BatchChild], key: str = "b"):
    return site.service.batches.submit("three VMs", children, key=key, caller=ALICE)


def _when_the_first_begins(site: Site, monkeypatch: pytest.MonkeyPatch, do: Callable[[Operation], None]) -> None:
    begin = site.service._executor.begin
    begun: list[OperationId] = []

    def first_then(operation: Operation) -> None:
        begun.append(operation.id)
        begin(operation)
        if len(begun) == 1:
            do(operation)

    monkeypatch.setattr(site.service._executor, "begin", first_then)


async def test_a_batch_is_cancelled_also_while_its_operations_are_let_begin(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.limits = Limits(migrations_out=1)
    await _three(site, VmState.RUNNING)
    children = await _confirmed(site, *_migrations())
    answers: list[asyncio.Task[Operation | Refusal]] = []

    def cancel(child: Operation) -> None:
        assert child.parent is not None
        answers.append(asyncio.ensure_future(site.service.cancel(BOB, child.parent)))

    _when_the_first_begins(site, monkeypatch, cancel)
    batch = await site.clock.run(_submit(site, children))
    assert isinstance(batch, Operation)
    answer = await site.clock.run(answers[0])
    assert isinstance(answer, Operation), answer
    assert answer.cancel_asked is not None
    assert answer.cancel_asked.actor == "bob"
    ended = await site.ended(batch.id)
    assert ended.state is OperationState.CANCELLED
    assert [site.state(vm) for vm in VMS[1:]] == [VmState.RUNNING] * 2


async def test_a_key_that_is_used_for_one_and_for_a_batch_at_once_is_one_of_them(site: Site) -> None:
    await _three(site)
    children = await _confirmed(site, *_starts())
    single = site.service.submit(
        ALICE, children[0].intent, plan_digest=children[0].plan_digest, idempotency_key="the key"
    )
    both = asyncio.gather(_submit(site, children[1:], "the key"), single)
    batch, one = await site.clock.run(both)
    assert isinstance(batch, Operation)
    assert isinstance(one, Refusal)
    assert one.code is RefusalCode.INVALID
    assert len([known for known in await site.service.operations(ALICE) if known.idempotency_key == "the key"]) == 1


async def test_two_batches_without_a_key_are_two(site: Site) -> None:
    await _three(site)
    children = await _confirmed(site, *_starts())
    both = asyncio.gather(_submit(site, children[:1], ""), _submit(site, children[1:], ""))
    first, second = await site.clock.run(both)
    assert isinstance(first, Operation)
    assert isinstance(second, Operation)
    assert first.id != second.id


async def test_an_old_operation_is_no_answer_to_a_batch_with_its_key() -> None:
    journal = MemoryJournal()
    old = an_operation(1, state=OperationState.DONE)
    journal.operations[old.id] = replace(old, actor=ALICE.user, idempotency_key="the key", plan_digest="")
    site = a_site(journal=journal)
    await _three(site)
    answer = await site.clock.run(_submit(site, await _confirmed(site, *_starts()), "the key"))
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.INVALID
    await site.kill()


async def test_what_a_backend_lets_go_of_before_it_began_keeps_no_vm(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _three(site)
    children = await _confirmed(site, *_starts())
    leaving: list[asyncio.Task[None]] = []

    async def leave() -> None:
        await site.service.batches.stop()
        await site.service._executor.let_go()

    _when_the_first_begins(site, monkeypatch, lambda _: leaving.append(asyncio.ensure_future(leave())))
    answer = await site.clock.run(_submit(site, children))
    assert isinstance(answer, Refusal)
    await site.clock.run(leaving[0])
    for one in children[1:]:
        plan = await site.clock.run(site.service.preview(ALICE, one.intent))
        assert isinstance(plan, Plan), plan


async def test_a_batch_ends_though_its_operations_are_forgotten_with_their_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    journal = MemoryJournal()
    site = a_site(journal=journal, settings=replace(SETTINGS, operations_kept=0))
    await _three(site)
    children = await _confirmed(site, *_starts())
    batch = await site.clock.run(_submit(site, children))
    assert isinstance(batch, Operation)
    _accept_another_with_each_end(site, monkeypatch)
    await site.clock.advance(60)
    ended = journal.operations[batch.id]
    assert (ended.state, ended.outcome) == (OperationState.DONE, "3 done")
    await site.kill()


def _accept_another_with_each_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each end come into the journal in one commit with a new operation, which is when old ones are forgotten."""
    ledger = site.service._ledger
    keep = JournalWriter.keep
    numbers = count(100)

    def keep_both(writer: JournalWriter, event: Event, on_durable: Callable[[], None]) -> "asyncio.Future[None]":
        tried = keep(writer, event, on_durable)
        if isinstance(event, StateMoved) and event.state is OperationState.DONE:
            other = an_operation(next(numbers))
            writer._add(Accepted(accepted=other), partial(ledger._take_in, other), is_kept=False)
        return tried

    monkeypatch.setattr(JournalWriter, "keep", keep_both)


async def test_a_cancelled_batch_does_not_begin_what_waits_for_its_host_after_a_restart(site: Site) -> None:
    await _three(site)
    later = Schedule(not_before=site.clock.now() + timedelta(seconds=30))
    children = await _confirmed(site, *_starts())
    batch = await site.clock.run(
        site.service.batches.submit("three VMs", children, key="b", caller=ALICE, schedule=later)
    )
    assert isinstance(batch, Operation)
    await site.kill()
    site.world.refuse(A, LinkStatus.UNREACHABLE)
    await site.start()
    await site.clock.advance(60)
    waiting = await site.clock.run(site.service.children(ALICE, batch.id))
    assert {child.progress.waits_for for child in waiting} == {A}
    assert isinstance(await site.clock.run(site.service.cancel(BOB, batch.id)), Operation)
    await site.clock.advance(5)
    site.world.heal(A)
    ended = await site.ended(batch.id)
    assert (ended.state, ended.outcome) == (OperationState.CANCELLED, "3 cancelled")
    assert {site.state(vm) for vm in VMS} == {VmState.SHUT_OFF}
