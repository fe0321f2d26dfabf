"""Operations that are submitted together: the parent ends when all have ended, and is cancelled and found as one."""

from novacron.engine.work.batches import Child
from novacron.model.ids import VmId
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.batch import Batch
from novacron.model.operations.intent import Intent
from novacron.model.vm import VmState
from novacron.model.work.limits import Limits
from tests.builders import an_id
from tests.callers import ALICE, BOB
from tests.engine.site import A, Site, migrate

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
    children = [Child(intent=intent, plan_digest=await site.digest(intent)) for intent in intents]
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
    again = await site.clock.run(site.service.batches.submit("evacuate kvm-a", (), key="b", caller=ALICE))
    assert isinstance(again, Operation)
    assert again.id == batch.id
    await site.ended(batch.id)
    assert len(await _children(site, batch)) == 3


async def test_an_empty_batch_is_done(site: Site) -> None:
    site.add()
    await site.start()
    assert (await site.ended((await _submitted(site)).id)).state is OperationState.DONE
    assert site.state(VMS[0], A) is VmState.RUNNING
