"""Operations that are submitted together: the parent ends when all have ended, and is cancelled and found as one."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from novacron.model.errors import JournalError
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.operation import AskedBy, Operation, OperationState
from novacron.model.operations.batch import Batch, BatchChild, BatchPlan
from novacron.model.operations.deletion import DeleteVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.power import PauseVm, RebootVm, ShutdownVm, StartVm
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmReading, VmState
from novacron.model.work.event import Accepted, Event
from novacron.model.work.limits import Limits
from novacron.model.work.schedule import AT_ONCE, Schedule
from tests.builders import an_id
from tests.callers import ALICE, BOB
from tests.engine.site import A, B, C, Site, migrate

NAMES = ("web-1", "db-1", "mail-1")
VMS = tuple(an_id(name) for name in NAMES)


async def _three_migrations(site: Site, *, memory_mib: int = 65536) -> Operation:
    site.limits = Limits(migrations_out=1)
    for name, vm in zip(NAMES, VMS, strict=True):
        site.add(name)
        site.alter(vm, memory_mib=memory_mib, memory_max_mib=memory_mib)
    await site.start()
    return await _submitted(site, *(migrate(vm) for vm in VMS))


async def _submitted(site: Site, *intents: Intent) -> Operation:
    children = [BatchChild(intent=intent, plan_digest=await site.digest(intent)) for intent in intents]
    batch = await site.clock.run(site.service.batches.submit("evacuate kvm-a", children, key="b", caller=ALICE))
    assert isinstance(batch, Operation), batch
    await site.clock.advance(1)
    return batch


async def _children(site: Site, parent: Operation) -> dict[VmId | None, Operation]:
    return {one.intent.about_vm: one for one in site.service._ledger.operations if one.parent == parent.id}


async def test_a_batch_ends_when_all_its_operations_have_ended(site: Site) -> None:
    batch = await _three_migrations(site)
    children = await _children(site, batch)
    assert sorted(child.is_waiting for child in children.values()) == [False, True, True]
    assert (await site.operation(batch.id)).state is OperationState.RUNNING
    ended = await site.ended(batch.id)
    assert (ended.state, ended.outcome) == (OperationState.DONE, "3 done")
    children = await _children(site, batch)
    assert {child.state for child in children.values()} == {OperationState.DONE}
    assert {child.actor for child in children.values()} == {"alice"}


async def test_cancelling_a_batch_cancels_what_waits_and_lets_go_on_what_has_begun(site: Site) -> None:
    batch = await _three_migrations(site)
    await site.clock.run(site.service.cancel(BOB, batch.id))
    ended = await site.ended(batch.id)
    assert ended.state is OperationState.CANCELLED
    assert ended.outcome == "1 done; 2 cancelled"
    assert ended.cancel_asked is not None
    assert ended.cancel_asked.actor == "bob"
    assert sorted(len(site.running_on(vm)) for vm in VMS) == [1, 1, 1]
    assert [site.state(vm) is VmState.RUNNING for vm in VMS].count(True) == 2


async def test_a_batch_goes_on_after_a_restart(site: Site) -> None:
    batch = await _three_migrations(site)
    await site.kill()
    await site.start()
    ended = await site.ended(batch.id)
    assert (ended.state, ended.outcome) == (OperationState.DONE, "3 done")
    assert ended.intent == Batch(size=3)


async def test_a_child_that_is_refused_or_fails_is_told_and_the_others_go_on(site: Site) -> None:
    site.limits = Limits(migrations_out=1)
    for name in NAMES:
        site.add(name)
    await site.start()
    await site.accepted(migrate(VMS[0]))
    batch = await _submitted(site, *(migrate(vm) for vm in VMS))
    ended = await site.ended(batch.id)
    assert ended.state is OperationState.FAILED
    assert "2 done" in ended.outcome
    assert "1 refused" in ended.outcome


async def test_the_same_key_gives_the_same_batch(site: Site) -> None:
    batch = await _three_migrations(site)
    known = sorted((await _children(site, batch)).values(), key=lambda one: one.sequence)
    same = [BatchChild(intent=one.intent, plan_digest=one.plan_digest) for one in known]
    again = await site.clock.run(site.service.batches.submit("evacuate kvm-a", same, key="b", caller=ALICE))
    assert isinstance(again, Operation)
    assert again.id == batch.id
    other = await site.clock.run(site.service.batches.submit("evacuate kvm-a", same[:2], key="b", caller=ALICE))
    assert isinstance(other, Refusal)
    assert other.code is RefusalCode.INVALID
    await site.ended(batch.id)
    assert len(await _children(site, batch)) == 3


async def test_an_empty_batch_is_done(site: Site) -> None:
    site.add()
    await site.start()
    assert (await site.ended((await _submitted(site)).id)).state is OperationState.DONE
    assert site.state(VMS[0], A) is VmState.RUNNING


async def _preview(site: Site, *intents: Intent, schedule: Schedule = AT_ONCE) -> BatchPlan:
    return await site.clock.run(site.service.preview_batch(ALICE, intents, schedule=schedule))


async def _submit(site: Site, plan: BatchPlan, *, key: str = "b") -> Operation | Refusal:
    children = [BatchChild(intent=one.intent, plan_digest=one.digest) for one in plan.plans]
    work = site.service.submit_batch(ALICE, children, plan_digest=plan.digest, idempotency_key=key)
    return await site.clock.run(work)


async def _three_off(site: Site) -> list[Intent]:
    for name in NAMES:
        site.add(name, state=VmState.SHUT_OFF)
    await site.start()
    return [StartVm(vm=vm, host=A) for vm in VMS]


async def test_a_preview_of_several_tells_each_plan_or_refusal_in_their_order(site: Site) -> None:
    starts = await _three_off(site)
    site.alter(VMS[1], state=VmState.RUNNING)
    await site.clock.advance(3)
    plan = await _preview(site, *starts)
    assert plan.title == "start 3 VMs"
    refused = plan.answers[1]
    assert isinstance(refused, Refusal)
    assert refused.subject == "db-1"
    assert [one.subject for one in plan.plans] == ["web-1", "mail-1"]


async def test_two_of_one_batch_that_need_the_same_vm_are_told_before_they_are_confirmed(site: Site) -> None:
    starts = await _three_off(site)
    plan = await _preview(site, starts[0], DeleteVm(vm=VMS[0], host=A), starts[1])
    assert [one.subject for one in plan.plans] == ["web-1", "db-1"]
    assert plan.refusals[0].code is RefusalCode.LOCKED
    assert "asked for together with it" in plan.refusals[0].reason


async def test_a_confirmed_batch_is_done_and_what_changed_since_is_refused_alone(site: Site) -> None:
    starts = await _three_off(site)
    plan = await _preview(site, *starts)
    site.alter(VMS[2], state=VmState.RUNNING)
    parent = await _submit(site, plan)
    assert isinstance(parent, Operation)
    assert isinstance(parent.intent, Batch)
    assert parent.title == "start 3 VMs"
    assert [one.subject for one in parent.intent.refused] == ["mail-1"]
    children = await site.clock.run(site.service.children(ALICE, parent.id))
    assert [child.subject for child in children] == ["web-1", "db-1"]
    ended = await site.ended(parent.id)
    assert ended.state is OperationState.FAILED
    assert ended.outcome.startswith("2 done; 1 refused: mail-1")
    assert ended.progress.note == "2 of 3 done, 1 refused"


async def test_a_batch_whose_digest_is_not_that_of_its_plans_is_refused_whole(site: Site) -> None:
    starts = await _three_off(site)
    plan = await _preview(site, *starts)
    children = [BatchChild(intent=one.intent, plan_digest=one.digest) for one in plan.plans[:2]]
    answer = await site.clock.run(
        site.service.submit_batch(ALICE, children, plan_digest=plan.digest, idempotency_key="b")
    )
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.INVALID
    assert await site.service.operations(ALICE) == ()


async def test_a_batch_comes_into_the_journal_in_one_commit(site: Site) -> None:
    starts = await _three_off(site)
    plan = await _preview(site, *starts)
    commits = _count_accepting_commits(site)
    parent = await _submit(site, plan)
    assert isinstance(parent, Operation)
    assert commits == [4]


async def test_a_batch_that_cannot_be_journaled_is_refused_and_holds_nothing(site: Site) -> None:
    starts = await _three_off(site)
    plan = await _preview(site, *starts)
    site.journal.fails = "no space left"  # type: ignore[attr-defined]
    answer = await _submit(site, plan)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.JOURNAL
    site.journal.fails = ""  # type: ignore[attr-defined]
    assert isinstance(await _submit(site, await _preview(site, *starts)), Operation)


async def test_what_waits_of_a_cancelled_batch_does_not_begin_after_a_restart(site: Site) -> None:
    batch = await _three_migrations(site)
    # Only that the parent is cancelled gets into the journal before the backend dies.
    await site.service._ledger.move(
        batch.id, OperationState.RUNNING, cancel_asked=AskedBy(actor="bob", at=site.clock.now())
    )
    await site.kill()
    await site.start()
    ended = await site.ended(batch.id)
    assert ended.state is OperationState.CANCELLED
    assert ended.outcome == "1 done; 2 cancelled"


async def test_a_batch_says_how_far_it_is(site: Site) -> None:
    batch = await _three_migrations(site)
    assert (await site.operation(batch.id)).progress.note == "0 of 3 done, 2 waiting"
    await site.ended(batch.id)
    assert (await site.operation(batch.id)).progress.note == "3 of 3 done"


async def test_what_is_told_to_begin_later_is_not_refused_for_what_is_held_now(site: Site) -> None:
    site.add()
    await site.start()
    await site.accepted(ShutdownVm(vm=VMS[0], host=A))
    pause = PauseVm(vm=VMS[0], host=A)
    reboot = RebootVm(vm=VMS[0], host=A)
    assert isinstance(await site.clock.run(site.service.preview(ALICE, reboot)), Refusal)
    later = Schedule(not_before=site.clock.now() + timedelta(hours=1))
    plan = await site.clock.run(site.service.preview(ALICE, reboot, schedule=later))
    assert isinstance(plan, Plan), plan
    both = await _preview(site, reboot, pause, schedule=later)
    assert isinstance(both.answers[0], Plan), both
    accepted = await site.clock.run(
        site.service.submit(ALICE, reboot, plan_digest=plan.digest, idempotency_key="later", schedule=later)
    )
    assert isinstance(accepted, Operation), accepted


async def test_a_batch_that_cannot_be_followed_says_so_and_its_operations_go_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no such thing")

    monkeypatch.setattr("novacron.engine.work.batches.outcome_of", broken)
    batch = await _three_migrations(site)
    ended = await site.ended(batch.id)
    assert ended.state is OperationState.NEEDS_ATTENTION
    assert ended.outcome == "unforeseen: RuntimeError: no such thing; look at its operations"
    assert {child.state for child in (await _children(site, batch)).values()} == {OperationState.DONE}


async def test_a_batch_of_500_asks_each_host_once_and_is_written_in_one_commit(site: Site) -> None:
    """Counted, not timed: what many plans share is asked for and written once."""
    hosts = (A, B, C)
    names = [(f"many-{number}", hosts[number % 3]) for number in range(500)]
    intents = [StartVm(vm=site.add(name, host=host, state=VmState.SHUT_OFF), host=host) for name, host in names]
    await site.start()
    looks: list[HostId] = []
    for host in hosts:
        _count_looks(site, host, looks)
    commits = _count_accepting_commits(site)
    plan = await _preview(site, *intents)
    assert len(plan.plans) == 500
    assert looks == []
    parent = await _submit(site, plan)
    assert isinstance(parent, Operation)
    assert isinstance(parent.intent, Batch)
    assert parent.intent.refused == ()
    assert sorted(looks) == sorted(hosts)
    assert commits == [501]


def _count_looks(site: Site, host: HostId, looks: list[HostId]) -> None:
    reader = site.service._pollers.hypervisor(host).reader
    look_all = reader.look_all

    async def counted(vms: Sequence[VmId], *, deadline_s: float) -> Mapping[VmId, VmReading]:
        looks.append(host)
        return await look_all(vms, deadline_s=deadline_s)

    reader.look_all = counted  # type: ignore[method-assign]


def _count_accepting_commits(site: Site) -> list[int]:
    """Return what is filled with how many operations each commit accepts, of those that accept any."""
    commits: list[int] = []
    append = site.journal.append

    async def counted(events: Sequence[Event], *, epoch: int = 0) -> Mapping[OperationId, JournalError]:
        accepted = sum(isinstance(event, Accepted) for event in events)
        commits.extend([accepted] if accepted else [])
        return await append(events, epoch=epoch)

    site.journal.append = counted  # type: ignore[method-assign]
    return commits
