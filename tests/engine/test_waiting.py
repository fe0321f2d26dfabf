"""Operations that wait for their turn: shown, cancelled, checked again before they begin, and there after a restart."""

from dataclasses import replace

from novacron.model.ids import OperationId
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.creation import CreateVm
from novacron.model.operations.power import ForceOffVm, PauseVm, StartVm
from novacron.model.operations.storage import SetPoolActive
from novacron.model.refusal import RefusalCode
from novacron.model.vm import VmState
from novacron.model.work.limits import Limits
from novacron.model.work.wait import Wait
from tests.builders import an_id
from tests.callers import ALICE
from tests.engine.site import SETTINGS, A, B, C, Site, migrate

ONE = Limits(migrations_in=1, migrations_out=1, starts=1, disk_copies=1)
WEB, DB, MAIL = an_id("web-1"), an_id("db-1"), an_id("mail-1")


async def _two_migrations(site: Site, *, dirty_mib_s: float = 0.0) -> tuple[OperationId, OperationId]:
    """Have one migration run and a second one wait for it."""
    site.limits = ONE
    for name in ("web-1", "db-1"):
        site.add(name)
        site.alter(an_id(name), memory_mib=65536, memory_max_mib=65536)
    site.world.set_dirty_rate(WEB, dirty_mib_s)
    await site.start()
    first = await site.accepted(migrate(WEB))
    await site.clock.advance(1)
    return first, await site.accepted(migrate(DB, to=C))


async def _waiting(site: Site, operation: OperationId) -> Wait:
    found = await site.operation(operation)
    assert found.is_waiting
    assert found.progress.queued is not None
    return found.progress.queued


async def test_a_second_migration_waits_for_the_first_says_so_and_begins_when_it_ends(site: Site) -> None:
    first, second = await _two_migrations(site)
    wait = await _waiting(site, second)
    assert wait.operation == first
    assert wait.resource == "host:kvm-a/migrations-out"
    assert "migrate web-1" in wait.title
    assert "at most 1 migrations leave kvm-a" in wait.reason
    assert (await site.ended(first)).state is OperationState.DONE
    ended = await site.ended(second)
    assert ended.state is OperationState.DONE, ended.outcome
    assert not ended.is_waiting
    first_ended, began = (await site.operation(first)).ended_at, ended.steps[0].started_at
    assert first_ended is not None
    assert began is not None
    assert began >= first_ended
    assert site.running_on(DB) == [C]


async def test_one_that_waits_is_cancelled_at_once_and_nothing_was_done(site: Site) -> None:
    first, second = await _two_migrations(site)
    await site.clock.run(site.service.cancel(ALICE, second))
    ended = await site.ended(second, limit_s=1)
    assert ended.state is OperationState.CANCELLED
    assert "nothing was done" in ended.outcome
    assert not (await site.operation(first)).has_ended
    assert site.running_on(DB) == [A]


async def test_a_start_that_waits_can_be_cancelled_though_a_start_cannot(site: Site) -> None:
    site.limits = ONE
    for name in ("web-1", "db-1"):
        site.add(name, state=VmState.SHUT_OFF)
    await site.start()
    site.world.slow(A, 1.0)
    await site.accepted(StartVm(vm=WEB, host=A))
    second = await site.accepted(StartVm(vm=DB, host=A))
    await _waiting(site, second)
    await site.clock.run(site.service.cancel(ALICE, second))
    assert (await site.ended(second)).state is OperationState.CANCELLED
    assert site.state(DB) is VmState.SHUT_OFF


async def test_one_whose_turn_has_come_can_be_cancelled_until_it_was_looked_at_once_more(site: Site) -> None:
    site.limits = ONE
    for name in ("web-1", "db-1"):
        site.add(name, state=VmState.SHUT_OFF)
    await site.start()
    site.world.slow(A, 2.0)
    first = await site.accepted(StartVm(vm=WEB, host=A))
    second = await site.accepted(StartVm(vm=DB, host=A))
    await site.ended(first)
    assert "looked at once more" in (await _waiting(site, second)).reason
    await site.clock.run(site.service.cancel(ALICE, second))
    ended = await site.ended(second)
    assert ended.state is OperationState.CANCELLED, ended.outcome
    assert site.state(DB) is VmState.SHUT_OFF


async def test_what_differs_when_its_turn_comes_is_not_done(site: Site) -> None:
    first, second = await _two_migrations(site)
    site.alter(DB, state=VmState.SHUT_OFF)
    assert (await site.ended(first)).state is OperationState.DONE
    ended = await site.ended(second)
    assert ended.state is OperationState.FAILED
    assert "nothing was done" in ended.outcome
    assert "db-1 is shut off" in ended.outcome
    assert site.state(DB) is VmState.SHUT_OFF
    assert not any(step.started_at for step in ended.steps)


async def test_another_operation_on_a_vm_that_waits_is_refused_with_its_name_and_a_pause_is_not(site: Site) -> None:
    first, second = await _two_migrations(site)
    refusal = await site.refused(ForceOffVm(vm=DB, host=A))
    assert refusal.code is RefusalCode.LOCKED
    assert second in refusal.reason
    assert (await site.do(PauseVm(vm=DB, host=A))).state is OperationState.DONE
    await site.ended(first)


async def test_the_pool_a_migration_copies_into_is_not_stopped_meanwhile(site: Site) -> None:
    site.add(pool="local")
    site.alter(WEB, memory_mib=65536, memory_max_mib=65536)
    await site.start()
    operation = await site.accepted(migrate(WEB, copy_storage=True))
    await site.clock.advance(1)
    refusal = await site.refused(SetPoolActive(host=B, pool="local", active=False))
    assert refusal.code is RefusalCode.LOCKED
    assert operation in refusal.reason
    assert (await site.ended(operation)).state is OperationState.DONE


async def test_two_starts_do_not_count_on_the_same_free_memory(site: Site) -> None:
    for name in ("web-1", "db-1"):
        site.add(name, state=VmState.SHUT_OFF)
        site.alter(an_id(name), memory_mib=300_000, memory_max_mib=300_000)
    await site.start()
    site.world.slow(A, 1.0)
    first = await site.accepted(StartVm(vm=WEB, host=A))
    second = await site.accepted(StartVm(vm=DB, host=A))
    wait = await _waiting(site, second)
    assert (wait.operation, wait.resource) == (first, "host:kvm-a/memory")
    assert (await site.ended(second)).state is OperationState.DONE


async def test_a_vm_that_can_never_fit_is_refused(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    site.alter(WEB, memory_mib=1_000_000, memory_max_mib=1_000_000)
    await site.start()
    assert (await site.refused(StartVm(vm=WEB, host=A))).code is RefusalCode.NO_ROOM


async def test_one_that_waited_waits_again_after_a_restart_however_long_it_waited_before(site: Site) -> None:
    first, second = await _two_migrations(site, dirty_mib_s=100_000)
    await site.clock.advance(3 * SETTINGS.resume_accepted_within_s)
    await _waiting(site, second)
    await site.kill()
    await site.start()
    await site.clock.advance(5)
    assert (await _waiting(site, second)).operation == first
    await site.clock.run(site.service.cancel(ALICE, first))
    assert (await site.ended(first)).state is OperationState.CANCELLED
    ended = await site.ended(second)
    assert ended.state is OperationState.DONE, ended.outcome
    assert site.running_on(DB) == [C]


async def test_one_that_waited_is_not_begun_by_a_backend_that_starts_much_later(site: Site) -> None:
    _, second = await _two_migrations(site)
    await site.kill()
    await site.clock.advance(2 * SETTINGS.resume_accepted_within_s)
    await site.start()
    ended = await site.ended(second)
    assert ended.state is OperationState.NEEDS_ATTENTION
    assert "nothing was done" in ended.outcome
    assert site.running_on(DB) == [A]


async def test_nothing_that_waits_begins_while_the_backend_drains(site: Site) -> None:
    site.limits = ONE
    for name in ("web-1", "db-1"):
        site.add(name, state=VmState.SHUT_OFF)
    await site.start()
    site.world.slow(A, 1.0)
    first = await site.accepted(StartVm(vm=WEB, host=A))
    second = await site.accepted(StartVm(vm=DB, host=A))
    await site.clock.run(site.service.drain())
    await site.ended(first)
    await site.clock.advance(60)
    assert site.state(DB) is VmState.SHUT_OFF
    await site.kill()
    await site.start()
    assert (await site.ended(second)).state is OperationState.DONE


async def test_a_batch_of_migrations_runs_two_at_a_time(site: Site) -> None:
    names = [f"vm-{number}" for number in range(10)]
    for name in names:
        site.add(name)
        site.alter(an_id(name), memory_mib=16384, memory_max_mib=16384)
    await site.start()
    for name in names:
        await site.accepted(migrate(an_id(name)))
    most = 0

    def all_ended() -> bool:
        nonlocal most
        operations = site.service._ledger.operations
        most = max(most, sum(_runs(one) for one in operations))
        return all(one.has_ended for one in operations)

    await site.clock.run_until(all_ended, limit_s=7200)
    assert most == 2
    assert {one.state for one in site.service._ledger.operations} == {OperationState.DONE}


def _runs(operation: Operation) -> bool:
    return not operation.has_ended and not operation.is_waiting and operation.started_at is not None


async def test_an_operation_that_begins_at_once_is_never_shown_as_waiting(site: Site) -> None:
    await site.start()
    done = await site.do(CreateVm(vm=MAIL, host=A, name="mail-1", pool="shared", disk_mib=64, start=True))
    assert done.state is OperationState.DONE
    assert replace(done.progress, observed_at=None).queued is None
