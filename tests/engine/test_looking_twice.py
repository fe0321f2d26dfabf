"""What must be looked at twice, or once more right before: the world moves between a look and an act."""

import asyncio
from dataclasses import replace

import pytest

from novacron.adapters.simulated.machine import Job
from novacron.engine.deadline import first_of, within
from novacron.model.errors import DeadlineExceeded
from novacron.model.operation import OperationState, StepRecord, StepState
from novacron.model.operations.deletion import DeleteVm
from novacron.model.vm import StateReason, VmState
from tests.builders import an_id
from tests.callers import ALICE
from tests.engine.site import A, B, Site, migrate
from tests.fake_clock import FakeClock
from tests.memory_journal import MemoryJournal

VM = an_id("web-1")


def begun(site: Site, *, finished: int) -> None:
    """Let the journal hold the first operation as an earlier backend left it, with that many steps finished."""
    assert isinstance(site.journal, MemoryJournal)
    ((key, operation),) = site.journal.operations.items()
    states = [StepState.FINISHED] * finished + [StepState.STARTED] + [StepState.PENDING] * 9
    steps = tuple(
        StepRecord(id=step.id, args=step.args, title=step.title, state=state, started_at=site.clock.now())
        for step, state in zip(operation.steps, states, strict=False)
    )
    site.journal.operations[key] = replace(
        operation, state=OperationState.RUNNING, steps=steps, outcome="", ended_at=None
    )


async def test_a_copy_that_has_just_arrived_is_not_destroyed_on_one_look(site: Site) -> None:
    site.add()
    await site.start()
    operation = await site.accepted(migrate(VM))
    await site.ended(operation)
    await site.kill()
    # As two libvirtds show it in the instant of the switch: no job, here running, there held.
    arrived = site.world.host(B).machines.pop(VM)
    site.add()
    site.world.host(B).machines[VM] = arrived
    site.alter(VM, B, state=VmState.PAUSED, reason=StateReason.MIGRATING, job=Job.NONE)
    begun(site, finished=1)
    await site.start()
    await site.clock.advance(0.5)
    assert not (await site.operation(operation)).has_ended
    site.alter(VM, B, state=VmState.RUNNING, reason=StateReason.MIGRATED)
    del site.world.host(A).machines[VM]
    ended = await site.ended(operation)
    assert ended.state is OperationState.DONE, ended.outcome
    assert site.running_on(VM) == [B]


async def test_a_cancelled_migration_is_settled_all_the_same(site: Site) -> None:
    site.add()
    site.alter(VM, memory_mib=65536, memory_max_mib=65536)
    await site.start()
    operation = await site.accepted(migrate(VM))
    await site.clock.advance(3)
    await site.clock.run(site.service.cancel(ALICE, operation))
    ended = await site.ended(operation)
    assert "read from both hosts" in ended.outcome
    assert [step.id for step in ended.steps if step.state is not StepState.PENDING] == ["migrate", "settle"]


async def test_a_disk_that_another_vm_took_while_the_backend_was_away_is_kept(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    operation = await site.accepted(DeleteVm(vm=VM, host=A, with_disks=True))
    await site.ended(operation)
    await site.kill()
    path = "/srv/shared/web-1.qcow2"
    site.world.host(A).pool("shared").store.add("web-1.qcow2", capacity_mib=10)
    other = site.add("web-2", host=B, state=VmState.SHUT_OFF)
    disk = replace(site.world.host(B).machines[other].disks[0], source=path)
    site.alter(other, B, disks=(disk,))
    begun(site, finished=1)
    await site.start()
    ended = await site.ended(operation)
    assert ended.state is OperationState.FAILED, ended.outcome
    assert "web-2 on kvm-b" in ended.outcome
    assert path in site.world.host(A).pool("shared").store.volumes


async def test_a_cold_migration_keeps_the_source_when_the_destination_has_lost_it(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    operation = await site.accepted(migrate(VM))
    await site.ended(operation)
    await site.kill()
    site.world.host(B).machines.clear()
    site.add(state=VmState.SHUT_OFF)
    begun(site, finished=1)
    await site.start()
    ended = await site.ended(operation)
    assert ended.state is OperationState.FAILED, ended.outcome
    assert site.state(VM, A) is VmState.SHUT_OFF


async def test_an_adapter_that_misses_its_deadline_is_not_waited_for() -> None:
    clock = FakeClock()
    work = asyncio.Event()
    with pytest.raises(DeadlineExceeded, match="a reading was not answered within 5 s"):
        await clock.run(within(clock, 5, work.wait(), subject="kvm-a", what="a reading"))


async def test_waiting_ends_with_the_first_event_or_the_time() -> None:
    clock = FakeClock()
    event = asyncio.Event()
    assert await clock.run(first_of(clock, 5, event)) is False
    event.set()
    assert await first_of(clock, 5, event) is True
