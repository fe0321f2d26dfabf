"""Operations with a time, a deadline or a priority: when they begin, what they hold until then, and after a restart."""

from datetime import timedelta

from novacron.model.ids import HostId
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.intent import Intent
from novacron.model.operations.power import ForceOffVm, PauseVm, ResumeVm, StartVm
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmState
from novacron.model.work.limits import Limits
from novacron.model.work.schedule import Schedule
from tests.builders import an_id
from tests.callers import ALICE
from tests.engine.site import SETTINGS, A, Site, migrate

VM, DB, MAIL = an_id("web-1"), an_id("db-1"), an_id("mail-1")


async def _submit(site: Site, intent: Intent, schedule: Schedule) -> Operation | Refusal:
    digest = await site.digest(intent)
    work = site.service.submit(ALICE, intent, plan_digest=digest, idempotency_key=str(intent), schedule=schedule)
    return await site.clock.run(work)


async def _accepted(site: Site, intent: Intent, schedule: Schedule) -> Operation:
    answer = await _submit(site, intent, schedule)
    assert isinstance(answer, Operation), answer
    return answer


def _in(site: Site, seconds: float, **more: object) -> Schedule:
    return Schedule(not_before=site.clock.now() + timedelta(seconds=seconds), **more)  # type: ignore[arg-type]


async def test_an_operation_begins_at_its_time_and_says_so_before(site: Site) -> None:
    site.add()
    await site.start()
    operation = await _accepted(site, ForceOffVm(vm=VM, host=A), _in(site, 3600))
    await site.clock.advance(3590)
    waiting = await site.operation(operation.id)
    assert waiting.is_waiting
    assert "waits until 2026-03-01 13:00" in str(waiting.progress.queued)
    assert site.state(VM) is VmState.RUNNING
    ended = await site.ended(operation.id, limit_s=30)
    assert ended.state is OperationState.DONE
    assert not ended.is_waiting
    assert site.state(VM) is VmState.SHUT_OFF


async def test_it_holds_nothing_before_its_time_and_is_not_done_when_its_vm_is_another_then(site: Site) -> None:
    site.add()
    await site.start()
    operation = await _accepted(site, ForceOffVm(vm=VM, host=A), _in(site, 600))
    assert (await site.do(PauseVm(vm=VM, host=A))).state is OperationState.DONE
    ended = await site.ended(operation.id, limit_s=1000)
    assert ended.state is OperationState.FAILED
    assert "no longer: VM web-1 is running" in ended.outcome
    assert "nothing was done" in ended.outcome


async def test_it_waits_for_an_operation_that_holds_its_vm_at_its_time(site: Site) -> None:
    site.add()
    site.alter(VM, memory_mib=65536, memory_max_mib=65536)
    await site.start()
    later = await _accepted(site, ForceOffVm(vm=VM, host=A), _in(site, 5))
    first = await site.accepted(migrate(VM))
    await site.clock.advance(10)
    wait = (await site.operation(later.id)).progress.queued
    assert wait is not None
    assert wait.operation == first
    refusal = await site.refused(PauseVm(vm=VM, host=A))
    assert refusal.code is RefusalCode.LOCKED
    assert (await site.ended(first)).state is OperationState.DONE
    assert (await site.ended(later.id)).state is OperationState.FAILED


async def test_it_keeps_its_time_over_a_restart(site: Site) -> None:
    site.add()
    await site.start()
    operation = await _accepted(site, ForceOffVm(vm=VM, host=A), _in(site, 3600))
    await site.kill()
    await site.clock.advance(1800)
    await site.start()
    await site.clock.advance(1700)
    assert (await site.operation(operation.id)).is_waiting
    assert (await site.ended(operation.id)).state is OperationState.DONE


async def test_a_time_that_passed_long_ago_without_a_backend_is_left_to_a_person(site: Site) -> None:
    site.add()
    await site.start()
    operation = await _accepted(site, ForceOffVm(vm=VM, host=A), _in(site, 600))
    await site.kill()
    await site.clock.advance(600 + 2 * SETTINGS.resume_accepted_within_s)
    await site.start()
    assert (await site.ended(operation.id)).state is OperationState.NEEDS_ATTENTION
    assert site.state(VM) is VmState.RUNNING


async def test_it_is_cancelled_before_its_time_at_once(site: Site) -> None:
    site.add()
    await site.start()
    operation = await _accepted(site, ForceOffVm(vm=VM, host=A), _in(site, 600))
    await site.clock.run(site.service.cancel(ALICE, operation.id))
    assert (await site.ended(operation.id, limit_s=1)).state is OperationState.CANCELLED


async def test_what_has_not_begun_by_its_deadline_ends_and_nothing_was_done(site: Site) -> None:
    site.limits = Limits(migrations_out=1)
    for name in ("web-1", "db-1"):
        site.add(name)
        site.alter(an_id(name), memory_mib=262144, memory_max_mib=262144)
    await site.start()
    first = await site.accepted(migrate(VM))
    deadline = Schedule(deadline=site.clock.now() + timedelta(seconds=20))
    second = await _accepted(site, migrate(DB, to=HostId("kvm-c")), deadline)
    ended = await site.ended(second.id, limit_s=21)
    assert ended.state is OperationState.FAILED
    assert "deadline" in ended.outcome
    assert "nothing was done" in ended.outcome
    assert not (await site.operation(first)).has_ended


async def test_the_higher_priority_begins_before_who_came_first(site: Site) -> None:
    site.limits = Limits(starts=1)
    for name in ("web-1", "db-1", "mail-1"):
        site.add(name, state=VmState.SHUT_OFF)
    await site.start()
    site.world.slow(A, 1.0)
    await site.accepted(StartVm(vm=VM, host=A))
    usual = await _accepted(site, StartVm(vm=DB, host=A), Schedule())
    urgent = await _accepted(site, StartVm(vm=MAIL, host=A), Schedule(priority=5))
    first, second = await site.ended(urgent.id), await site.ended(usual.id)
    assert first.ended_at is not None
    assert second.steps[0].started_at is not None
    assert second.steps[0].started_at >= first.ended_at


async def test_a_deadline_that_has_passed_is_refused(site: Site) -> None:
    site.add(state=VmState.PAUSED)
    await site.start()
    past = Schedule(deadline=site.clock.now() - timedelta(seconds=1))
    answer = await _submit(site, ResumeVm(vm=VM, host=A), past)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.INVALID
    assert not await site.service.operations(ALICE)
