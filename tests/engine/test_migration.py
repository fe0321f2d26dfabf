"""Live migration to its outcome, whatever dies on the way: read from both hosts, mended, never guessed."""

import pytest

from novacron.adapters.simulated.migration_outcome import MigrationOutcome
from novacron.model.migration import MigrationMode
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.definition import SetAutostart
from novacron.model.operations.power import PauseVm, RebootVm, ShutdownVm
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmState
from tests.builders import an_id
from tests.callers import ALICE
from tests.engine.site import A, B, C, Site, migrate

VM = an_id("web-1")


async def test_a_migration_moves_the_vm_and_shows_its_progress(site: Site) -> None:
    site.add()
    site.alter(VM, memory_mib=16384, memory_max_mib=16384)
    await site.start()
    operation = await site.accepted(migrate(VM))
    fractions: list[float] = []
    while not (now := await site.operation(operation)).has_ended:
        if now.progress.fraction is not None:
            fractions.append(now.progress.fraction)
        await site.clock.advance(0.5)
    assert now.state is OperationState.DONE, now.outcome
    assert site.running_on(VM) == [B]
    assert site.state(VM, A) is None
    assert len(fractions) > 3
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1


@pytest.mark.parametrize("mode", list(MigrationMode))
async def test_every_mode_arrives(site: Site, mode: MigrationMode) -> None:
    site.add()
    await site.start()
    intent = migrate(VM)
    ended = await site.do(type(intent)(vm=VM, host=A, destination=B, mode=mode))
    assert ended.state is OperationState.DONE, ended.outcome


async def test_disks_are_copied_along_when_asked(site: Site) -> None:
    site.add(pool="local")
    await site.start()
    ended = await site.do(migrate(VM, copy_storage=True))
    assert ended.state is OperationState.DONE, ended.outcome
    assert site.running_on(VM) == [B]


@pytest.mark.parametrize("ending", list(MigrationOutcome))
async def test_whatever_a_migration_leaves_behind_ends_with_one_copy_and_the_truth(
    site: Site, ending: MigrationOutcome
) -> None:
    site.add()
    await site.start()
    site.world.end_next_migration(VM, ending)
    ended = await site.do(migrate(VM))
    running = site.running_on(VM)
    assert len(running) <= 1
    if running == [B]:
        assert ended.state is OperationState.DONE, ended.outcome
        assert site.state(VM, A) is None
    elif running == [A]:
        assert ended.state is OperationState.FAILED, ended.outcome
        assert "running" in ended.outcome
        assert site.state(VM, B) in (None, VmState.SHUT_OFF)
    else:
        assert ending is MigrationOutcome.LOST
        assert ended.state is OperationState.NEEDS_ATTENTION, ended.outcome


@pytest.mark.parametrize(
    "ending", [MigrationOutcome.RUNS_NOWHERE, MigrationOutcome.BOTH_PAUSED, MigrationOutcome.STALE_SOURCE]
)
async def test_what_is_mended_takes_ten_seconds_after_the_hosts_answer(site: Site, ending: MigrationOutcome) -> None:
    site.add()
    await site.start()
    site.world.end_next_migration(VM, ending)
    operation = await site.accepted(migrate(VM))
    # libvirtd is killed at the end of it and comes back after five seconds.
    ended = await site.ended(operation, limit_s=30)
    assert site.running_on(VM), ended.outcome


async def test_two_running_copies_are_both_paused_and_left_to_a_person(site: Site) -> None:
    site.add()
    await site.start()
    plan = await site.clock.run(site.service.preview(ALICE, migrate(VM)))
    assert isinstance(plan, Plan)
    # The lock is lost after it was checked: the split brain that a check cannot prevent.
    site.world.end_next_migration(VM, MigrationOutcome.RUNS_TWICE)
    operation = await site.accepted(migrate(VM))
    site.world.set_locks(A, "shared", held=False)
    ended = await site.ended(operation)
    assert ended.state is OperationState.NEEDS_ATTENTION, ended.outcome
    assert "SPLIT BRAIN" in ended.outcome
    assert (site.state(VM, A), site.state(VM, B)) == (VmState.PAUSED, VmState.PAUSED)


async def test_a_cancelled_migration_leaves_the_vm_running_at_the_source(site: Site) -> None:
    site.add()
    site.alter(VM, memory_mib=65536, memory_max_mib=65536)
    await site.start()
    operation = await site.accepted(migrate(VM))
    await site.clock.advance(3)
    answer = await site.clock.run(site.service.cancel(ALICE, operation))
    assert isinstance(answer, Operation)
    assert answer.state is OperationState.CANCELLING
    ended = await site.ended(operation, limit_s=20)
    assert ended.state is OperationState.CANCELLED, ended.outcome
    assert site.running_on(VM) == [A]


async def test_a_cancel_that_comes_too_late_says_where_the_vm_is(site: Site) -> None:
    site.add()
    await site.start()
    site.world.end_next_migration(VM, MigrationOutcome.ENDS_UNSEEN)
    operation = await site.accepted(migrate(VM))
    for _ in range(200):
        if site.state(VM, B) is VmState.RUNNING:
            break
        await site.clock.advance(0.1)
    await site.clock.run(site.service.cancel(ALICE, operation))
    ended = await site.ended(operation)
    assert ended.state is OperationState.DONE
    assert "too late to cancel" in ended.outcome
    assert "kvm-b" in ended.outcome


async def test_a_migration_runs_blind_as_long_as_a_host_is_silent_and_nothing_is_done(site: Site) -> None:
    site.add()
    site.alter(VM, memory_mib=65536, memory_max_mib=65536)
    await site.start()
    operation = await site.accepted(migrate(VM))
    await site.clock.advance(3)
    site.world.black_hole(A)
    await site.clock.advance(1800)
    now = await site.operation(operation)
    assert not now.has_ended
    assert "kvm-a" in now.progress.note
    site.world.heal(A)
    ended = await site.ended(operation)
    assert site.running_on(VM) == ([B] if ended.state is OperationState.DONE else [A])


async def test_a_guest_that_outruns_the_line_is_said_not_to_converge(site: Site) -> None:
    site.add()
    site.alter(VM, memory_mib=8192, memory_max_mib=8192)
    site.world.set_dirty_rate(VM, 5000.0)
    await site.start()
    operation = await site.accepted(migrate(VM))
    await site.clock.advance(60)
    progress = (await site.operation(operation)).progress
    assert "does not converge" in progress.note
    assert progress.remaining_s is None
    await site.clock.run(site.service.cancel(ALICE, operation))
    assert (await site.ended(operation)).state is OperationState.CANCELLED


async def test_a_guest_that_outruns_the_line_is_paused_until_it_has_moved(site: Site) -> None:
    site.add()
    site.alter(VM, memory_mib=8192, memory_max_mib=8192)
    site.world.set_dirty_rate(VM, 5000.0)
    await site.start()
    operation = await site.accepted(migrate(VM))
    await site.clock.advance(60)
    paused = await site.do(PauseVm(vm=VM, host=A))
    assert paused.state is OperationState.DONE, paused.outcome
    ended = await site.ended(operation, limit_s=60)
    assert ended.state is OperationState.DONE, ended.outcome
    assert site.running_on(VM) == [B], "it goes on by itself"


async def test_only_a_pause_is_taken_while_a_vm_is_migrated(site: Site) -> None:
    site.add()
    site.world.set_dirty_rate(VM, 5000.0)
    await site.start()
    await site.accepted(migrate(VM))
    await site.clock.advance(5)
    for intent in (ShutdownVm(vm=VM, host=A), RebootVm(vm=VM, host=A), SetAutostart(vm=VM, host=A, enabled=True)):
        assert (await site.refused(intent)).code is RefusalCode.LOCKED


async def test_a_cancelled_migration_says_so_in_each_of_its_steps(site: Site) -> None:
    site.add()
    site.world.set_dirty_rate(VM, 5000.0)
    await site.start()
    operation = await site.accepted(migrate(VM))
    await site.clock.advance(10)
    await site.clock.run(site.service.cancel(ALICE, operation))
    ended = await site.ended(operation, limit_s=60)
    assert ended.state is OperationState.CANCELLED
    assert ended.steps[0].detail == "it was stopped as asked"
    assert site.running_on(VM) == [A]


async def test_disks_that_are_not_provably_exclusive_are_refused_with_the_way_out(site: Site) -> None:
    site.add()
    site.world.set_locks(A, "shared", held=False)
    await site.start()
    refusal = await site.refused(migrate(VM))
    assert refusal.code is RefusalCode.DISK_NOT_EXCLUSIVE
    assert refusal.remedy


async def test_a_destination_without_the_network_the_name_or_the_disk_is_refused(site: Site) -> None:
    site.add()
    local = site.add("db-1", pool="local")
    site.add("taken", change=lambda machine: machine)
    site.world.host(C).set_networks(())
    await site.start()
    assert (await site.refused(migrate(VM, to=C))).code is RefusalCode.INCOMPATIBLE
    assert "not on kvm-b" in (await site.refused(migrate(local))).reason
    namesake = site.add("other", host=B)
    site.alter(namesake, B, name="web-1")
    await site.clock.advance(5)
    assert (await site.refused(migrate(VM))).code is RefusalCode.NAME_TAKEN


async def test_a_destination_that_hangs_while_it_is_asked_is_a_refusal_in_time(site: Site) -> None:
    site.add()
    await site.start()
    site.world.hang(B)
    asked_at = site.clock.monotonic()
    answer = await site.clock.run(site.service.preview(ALICE, migrate(VM)))
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.HOST_NOT_CURRENT
    assert site.clock.monotonic() - asked_at <= 12
