"""The journal cannot be written while operations run: nothing begins that a restart would not know of."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novacron.adapters.simulated.machine import Machine
from novacron.model.operation import ENDED, JOURNAL, Operation, OperationState, StepState
from novacron.model.operations.creation import CreateVm
from novacron.model.operations.deletion import DeleteVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.power import ForceOffVm, RebootVm, ShutdownVm
from novacron.model.operations.storage import DeleteVolume
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmDisk, VmState
from novacron.model.work.schedule import Schedule
from tests.builders import an_id
from tests.callers import ALICE
from tests.engine.cut_journal import FullJournal
from tests.engine.recorded_effects import RecordingGateway
from tests.engine.site import SETTINGS, A, B, C, Site, a_site, migrate
from tests.engine.test_recovery import CASES
from tests.memory_journal import MemoryJournal

VM = an_id("web-1")
OFF, ON = VmState.SHUT_OFF, VmState.RUNNING
AGAIN = {"autostart", "resize", "pool", "define", "create disk"}
"""Calls that change nothing when they come twice; a disk that is made anew is checked by itself."""


def _a_site(journal: MemoryJournal, before: VmState | None) -> tuple[Site, RecordingGateway]:
    site = a_site(journal=journal)
    gateway = RecordingGateway(site.world)
    site.gateway = gateway
    if before is not None:
        site.add(state=before)
    return site, gateway


async def _submit(site: Site, intent: Intent) -> None:
    answer = await site.submit(intent, key="the key")
    assert isinstance(answer, Operation | Refusal)


async def _restart(site: Site, journal: FullJournal) -> Operation | None:
    """Kill the backend, give the journal its room back, start it, and return the operation as it ended, if any."""
    await site.kill()
    journal.relieve()
    await site.start()
    if not journal.operations:
        return None
    (operation,) = journal.operations
    return await site.ended(operation, limit_s=1200)


def _require_at_most_once(gateway: RecordingGateway, where: object) -> None:
    twice = {effect: times for effect, times in gateway.effects.items() if times > 1 and effect[1] not in AGAIN}
    assert not twice, (twice, where)


@pytest.mark.parametrize("name", CASES)
async def test_a_journal_that_fails_from_any_write_on_has_nothing_done_twice(name: str) -> None:
    before, intent, reached = CASES[name]
    for first in range(40):
        journal = FullJournal(lambda number, first=first: number >= first)  # type: ignore[misc]
        site, gateway = _a_site(journal, before)
        await site.start()
        await _submit(site, intent)
        await site.clock.advance(30)
        went_through = all(one.has_ended for one in journal.operations.values()) and bool(journal.operations)
        ended = await _restart(site, journal)
        where = (name, first, ended.state if ended else None, ended.outcome if ended else None)
        _require_at_most_once(gateway, where)
        assert ended is None or ended.state in ENDED, where
        if ended is not None and ended.state is OperationState.DONE:
            assert reached(site), where
        assert len(site.running_on(VM)) <= 1
        await site.kill()
        if went_through:
            return
    pytest.fail("no operation takes forty writes")


@pytest.mark.parametrize("name", ["reboot", "force-off", "shutdown", "delete", "create", "migrate live"])
@settings(max_examples=25, deadline=None)
@given(refused=st.sets(st.integers(0, 9)), killed_after_s=st.sampled_from([0.0, 1.0, 4.0, 40.0]))
def test_whatever_writes_fail_and_whenever_it_is_killed_nothing_is_done_twice(
    name: str, refused: set[int], killed_after_s: float
) -> None:
    before, intent, reached = CASES[name]

    async def story() -> None:
        journal = FullJournal(refused.__contains__)
        site, gateway = _a_site(journal, before)
        await site.start()
        await _submit(site, intent)
        await site.clock.advance(killed_after_s)
        ended = await _restart(site, journal)
        where = (refused, ended and ended.outcome)
        _require_at_most_once(gateway, where)
        if ended is not None and ended.state is OperationState.DONE:
            assert reached(site), where
        await site.kill()

    asyncio.run(story())


async def test_a_step_waits_for_the_journal_and_says_so() -> None:
    journal = FullJournal(lambda number: number > 0)
    site, gateway = _a_site(journal, ON)
    await site.start()
    operation = await site.accepted(ForceOffVm(vm=VM, host=A))
    await site.clock.advance(20)
    now = await site.operation(operation)
    assert now.progress.waits_for == JOURNAL
    assert "its disk is full" in now.progress.note
    assert not gateway.effects
    journal.relieve()
    ended = await site.ended(operation)
    assert ended.state is OperationState.DONE, ended.outcome
    assert ended.progress.waits_for == ""
    assert site.state(VM) is OFF
    await site.kill()


async def test_what_runs_when_the_journal_fails_may_end() -> None:
    journal = FullJournal(lambda number: 2 < number < 40)
    site, _ = _a_site(journal, ON)
    await site.start()
    operation = await site.accepted(migrate(VM))
    ended = await site.ended(operation)
    assert ended.state is OperationState.DONE, ended.outcome
    assert site.running_on(VM) == [B]
    assert not journal.operations[operation].has_ended
    journal.relieve()
    await site.clock.advance(SETTINGS.journal_retry_s + 1)
    assert journal.operations[operation].state is OperationState.DONE
    await site.kill()


@pytest.mark.parametrize("intent", [ForceOffVm(vm=VM, host=A), ShutdownVm(vm=VM, host=A)], ids=["give up", "cancel"])
async def test_an_operation_that_waits_for_the_journal_can_be_stopped(intent: Intent) -> None:
    journal = FullJournal(lambda number: number > 0)
    site, gateway = _a_site(journal, ON)
    await site.start()
    operation = await site.accepted(intent)
    await site.clock.advance(5)
    answer = await site.clock.run(site.service.cancel(ALICE, operation))
    assert isinstance(answer, Operation)
    ended = await site.ended(operation)
    assert ended.state is OperationState.CANCELLED
    assert "nothing was done" in ended.outcome
    await site.clock.advance(60)
    assert not gateway.effects
    await site.kill()


async def test_a_cancel_takes_back_nothing_before_it_is_in_the_journal() -> None:
    journal = FullJournal(lambda number: number > 3)
    site, gateway = _a_site(journal, None)
    await site.start()
    create = CreateVm(vm=VM, host=A, name="web-1", pool="shared", disk_mib=64)
    operation = await site.accepted(create)
    await site.clock.advance(5)
    assert (await site.operation(operation)).progress.waits_for == JOURNAL
    await site.clock.run(site.service.cancel(ALICE, operation))
    await site.clock.advance(30)
    now = await site.operation(operation)
    assert now.state is OperationState.CANCELLING
    assert (A, "delete disk") not in gateway.effects
    journal.relieve()
    ended = await site.ended(operation)
    assert ended.state is OperationState.CANCELLED, ended.outcome
    assert gateway.effects[A, "delete disk"] == 1
    await site.kill()


async def test_an_operation_that_waited_too_long_for_the_journal_is_not_begun() -> None:
    journal = FullJournal(lambda number: number > 0)
    site, gateway = _a_site(journal, ON)
    await site.start()
    operation = await site.accepted(ForceOffVm(vm=VM, host=A))
    await site.clock.advance(SETTINGS.resume_accepted_within_s + 10)
    journal.relieve()
    ended = await site.ended(operation)
    assert ended.state is OperationState.FAILED
    assert "nothing was done" in ended.outcome
    assert not gateway.effects
    await site.kill()


@pytest.mark.parametrize("intent", [ForceOffVm(vm=VM, host=A), ShutdownVm(vm=VM, host=A)], ids=["force", "press"])
async def test_a_vm_that_a_person_started_again_meanwhile_is_left_running(intent: Intent) -> None:
    journal = FullJournal(lambda number: number > 2)
    site, gateway = _a_site(journal, ON)
    await site.start()
    await site.accepted(intent)
    await site.clock.advance(30)
    assert site.state(VM) is OFF
    await site.kill()
    site.alter(VM, state=ON)
    ended = await _restart(site, journal)
    assert ended is not None
    assert ended.state is not OperationState.DONE, ended.outcome
    assert site.state(VM) is ON
    _require_at_most_once(gateway, ended.outcome)
    await site.kill()


async def test_a_vm_that_a_person_defined_again_meanwhile_keeps_its_definition_and_its_disks() -> None:
    journal = FullJournal(lambda number: number > 2)
    site, _ = _a_site(journal, OFF)
    machine = site.world.host(A).machines[VM]
    await site.start()
    await site.accepted(DeleteVm(vm=VM, host=A, with_disks=True))
    await site.clock.advance(30)
    assert site.state(VM) is None
    await site.kill()
    site.world.host(A).machines[VM] = machine
    ended = await _restart(site, journal)
    assert ended is not None
    assert ended.state is OperationState.NEEDS_ATTENTION
    assert site.state(VM) is OFF
    assert machine.disks[0].source in site.world.host(A).pool("shared").store.volumes
    await site.kill()


async def _create_until_the_disk_is_made() -> tuple[Site, FullJournal, str]:
    journal = FullJournal(lambda number: number > 2)
    site, _ = _a_site(journal, None)
    await site.start()
    await site.accepted(CreateVm(vm=VM, host=A, name="web-1", pool="shared", disk_mib=64, start=True))
    await site.clock.advance(30)
    await site.kill()
    return site, journal, "/srv/shared/web-1.qcow2"


async def test_a_disk_that_a_vm_has_by_now_is_not_made_anew() -> None:
    site, journal, path = await _create_until_the_disk_is_made()
    store = site.world.host(A).pool("shared").store
    made = store.volumes[path]
    other = site.add("db-1", pool="shared")
    site.alter(other, disks=(VmDisk(target="vda", source=path, format="qcow2"),))
    ended = await _restart(site, journal)
    assert ended is not None
    assert ended.state is OperationState.NEEDS_ATTENTION
    assert "db-1" in ended.outcome
    assert store.volumes[path] is made
    await site.kill()


async def test_a_disk_that_may_have_been_there_before_is_not_made_anew() -> None:
    site, journal, path = await _create_until_the_disk_is_made()
    (key,) = journal.operations
    operation = journal.operations[key]
    disk, *rest = operation.steps
    assert disk.state is StepState.STARTED
    # As an earlier version wrote it: without a word on what was there.
    journal.operations[key] = replace(operation, steps=(replace(disk, values={}), *rest))
    made = site.world.host(A).pool("shared").store.volumes[path]
    ended = await _restart(site, journal)
    assert ended is not None
    assert ended.state is OperationState.NEEDS_ATTENTION
    assert site.world.host(A).pool("shared").store.volumes[path] is made
    await site.kill()


async def test_a_reboot_is_not_done_twice() -> None:
    journal = FullJournal(lambda number: number > 2)
    site, gateway = _a_site(journal, ON)
    await site.start()
    await site.accepted(RebootVm(vm=VM, host=A))
    await site.clock.advance(10)
    assert gateway.effects[A, "reboot"] == 1
    ended = await _restart(site, journal)
    assert ended is not None
    assert ended.state is OperationState.NEEDS_ATTENTION
    assert gateway.effects[A, "reboot"] == 1
    await site.kill()


async def _cancel_before_the_start(site: Site, journal: FullJournal) -> Operation:
    """Cancel a create whose VM is defined, once a person has had time to change something."""
    (operation,) = journal.operations
    await site.clock.run(site.service.cancel(ALICE, operation))
    journal.relieve()
    ended = await site.ended(operation)
    await site.kill()
    return ended


async def _create_until_it_is_defined() -> tuple[Site, FullJournal, str]:
    journal = FullJournal(lambda number: number > 5)
    site, _ = _a_site(journal, None)
    await site.start()
    await site.accepted(CreateVm(vm=VM, host=A, name="web-1", pool="shared", disk_mib=64, start=True))
    await site.clock.advance(30)
    assert site.state(VM) is OFF
    return site, journal, "/srv/shared/web-1.qcow2"


async def test_a_cancelled_create_leaves_nothing_behind() -> None:
    site, journal, path = await _create_until_it_is_defined()
    ended = await _cancel_before_the_start(site, journal)
    assert ended.state is OperationState.CANCELLED, ended.outcome
    assert site.state(VM) is None
    assert path not in site.world.host(A).pool("shared").store.volumes


async def test_a_cancelled_create_leaves_a_vm_that_somebody_has_changed() -> None:
    site, journal, path = await _create_until_it_is_defined()
    disks = site.world.host(A).machines[VM].disks
    site.alter(VM, disks=(*disks, VmDisk(target="vdb", source="/srv/shared/debian-12.qcow2", format="qcow2")))
    ended = await _cancel_before_the_start(site, journal)
    assert ended.state is OperationState.NEEDS_ATTENTION
    assert "debian-12.qcow2" in ended.outcome
    assert site.state(VM) is OFF
    assert path in site.world.host(A).pool("shared").store.volumes


async def test_a_cancelled_create_keeps_a_disk_that_another_vm_has_by_now() -> None:
    site, journal, path = await _create_until_it_is_defined()
    other = site.add("db-1", host=B)
    site.alter(other, host=B, disks=(VmDisk(target="vda", source=path, format="qcow2"),))
    await site.clock.advance(60)
    ended = await _cancel_before_the_start(site, journal)
    assert ended.state is OperationState.NEEDS_ATTENTION
    assert "db-1" in ended.outcome
    assert path in site.world.host(A).pool("shared").store.volumes


async def _delete_until_its_disk_is_next() -> tuple[Site, FullJournal, Machine]:
    """Kill the backend between a VM's definition, which is gone, and its disk."""
    journal = FullJournal(lambda number: number > 3)
    site, _ = _a_site(journal, OFF)
    machine = site.world.host(A).machines[VM]
    await site.start()
    await site.accepted(DeleteVm(vm=VM, host=A, with_disks=True))
    await site.clock.advance(30)
    assert site.state(VM) is None
    assert machine.disks[0].source in site.world.host(A).pool("shared").store.volumes
    await site.kill()
    return site, journal, machine


async def test_a_disk_is_kept_whose_vm_was_defined_again_before_it_was_deleted() -> None:
    site, journal, machine = await _delete_until_its_disk_is_next()
    site.world.host(A).machines[VM] = machine
    ended = await _restart(site, journal)
    assert ended is not None
    assert ended.state is OperationState.FAILED
    assert "web-1" in ended.outcome
    assert machine.disks[0].source in site.world.host(A).pool("shared").store.volumes
    await site.kill()


async def test_after_a_restart_hosts_that_are_being_connected_to_are_waited_for_before_a_disk_is_judged() -> None:
    site, journal, machine = await _delete_until_its_disk_is_next()
    for host in (B, C):
        site.world.slow(host, 3.0)
    ended = await _restart(site, journal)
    assert ended is not None
    assert ended.state is OperationState.DONE, ended.outcome
    assert machine.disks[0].source not in site.world.host(A).pool("shared").store.volumes
    await site.kill()


async def test_the_disk_of_a_vm_that_waits_to_be_defined_is_not_deleted() -> None:
    journal = FullJournal(lambda number: number > 3)
    site, _ = _a_site(journal, None)
    await site.start()
    await site.accepted(CreateVm(vm=VM, host=A, name="web-1", pool="shared", disk_mib=64))
    await site.clock.advance(30)
    store = site.world.host(A).pool("shared").store
    assert site.state(VM) is None
    assert "/srv/shared/web-1.qcow2" in store.volumes
    answer = await site.submit(DeleteVolume(host=A, pool="shared", volume="web-1.qcow2"))
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.LOCKED
    await site.kill()


async def test_a_cancel_of_what_waits_is_no_end_before_the_journal_has_it() -> None:
    journal = FullJournal(lambda number: number > 0)
    site, gateway = _a_site(journal, ON)
    await site.start()
    later = Schedule(not_before=site.clock.now() + timedelta(seconds=60))
    intent = ForceOffVm(vm=VM, host=A)
    digest = await site.digest(intent)
    submit = site.service.submit(ALICE, intent, plan_digest=digest, idempotency_key="the key", schedule=later)
    accepted = await site.clock.run(submit)
    assert isinstance(accepted, Operation)
    await site.clock.run(site.service.cancel(ALICE, accepted.id))
    await site.clock.advance(90)
    now = await site.operation(accepted.id)
    assert not now.has_ended, "a restart would begin it"
    assert now.progress.waits_for == JOURNAL
    assert not gateway.effects
    journal.relieve()
    assert (await site.ended(accepted.id)).state is OperationState.CANCELLED
    assert journal.operations[accepted.id].state is OperationState.CANCELLED
    assert not gateway.effects
    await site.kill()


async def test_a_cancel_that_the_journal_lacks_does_not_survive_and_nobody_was_told_that_it_was_done() -> None:
    journal = FullJournal(lambda number: number > 0)
    site, _ = _a_site(journal, ON)
    await site.start()
    later = Schedule(not_before=site.clock.now() + timedelta(seconds=60))
    intent = ForceOffVm(vm=VM, host=A)
    digest = await site.digest(intent)
    submit = site.service.submit(ALICE, intent, plan_digest=digest, idempotency_key="the key", schedule=later)
    accepted = await site.clock.run(submit)
    assert isinstance(accepted, Operation)
    await site.clock.run(site.service.cancel(ALICE, accepted.id))
    await site.clock.advance(1)
    assert not (await site.operation(accepted.id)).has_ended
    ended = await _restart(site, journal)
    assert ended is not None
    assert ended.state is OperationState.DONE
    await site.kill()
