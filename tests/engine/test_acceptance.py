"""What is accepted, what is refused and why: idempotency, changes since the look, locks, the journal."""

import asyncio

import pytest

from novacron.model.alert.alert import AlertRule
from novacron.model.errors import NotFound
from novacron.model.ids import OperationId
from novacron.model.link import LinkStatus
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.creation import CreateVm
from novacron.model.operations.deletion import DeleteVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.power import ForceOffVm, PauseVm, ResumeVm, ShutdownVm, StartVm
from novacron.model.operations.storage import DeleteVolume, SetPoolActive
from novacron.model.plan.plan import Danger, Plan
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmDisk, VmState
from tests.builders import an_id
from tests.callers import ALICE, BOB
from tests.engine.site import A, B, Site, migrate
from tests.memory_journal import MemoryJournal

VM = an_id("web-1")


async def test_the_same_key_gives_the_same_operation(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    answers = [await site.submit(StartVm(vm=VM, host=A), key="k") for _ in range(3)]
    assert len({answer.id for answer in answers if isinstance(answer, Operation)}) == 1
    assert len(await site.service.operations(ALICE)) == 1


async def test_the_same_key_submitted_twice_at_once_gives_one_operation(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    intent = StartVm(vm=VM, host=A)
    digest = await site.digest(intent)
    work = [site.service.submit(ALICE, intent, plan_digest=digest, idempotency_key="k") for _ in range(5)]
    answers = await site.clock.run(asyncio.gather(*work))
    assert len({answer.id for answer in answers if isinstance(answer, Operation)}) == 1


async def test_a_key_that_was_used_for_something_else_answers_nothing_that_was_not_asked(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    first = await site.submit(StartVm(vm=VM, host=A), key="nightly")
    answer = await site.submit(ForceOffVm(vm=VM, host=A), key="nightly")
    assert isinstance(first, Operation)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.INVALID
    assert first.title in answer.reason
    assert len(await site.service.operations(ALICE)) == 1


async def test_two_users_with_the_same_key_get_each_their_own_operation(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    site.add("web-2", state=VmState.SHUT_OFF)
    await site.start()
    of_alice = await site.submit(StartVm(vm=VM, host=A), key="nightly", caller=ALICE)
    of_bob = await site.submit(StartVm(vm=an_id("web-2"), host=A), key="nightly", caller=BOB)
    again = await site.submit(StartVm(vm=VM, host=A), key="nightly", caller=ALICE)
    assert isinstance(of_alice, Operation)
    assert isinstance(of_bob, Operation)
    assert isinstance(again, Operation)
    assert of_alice.id == again.id != of_bob.id


async def test_a_users_key_answers_nobody_else_while_it_is_being_submitted(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    intent = StartVm(vm=VM, host=A)
    digest = await site.digest(intent)
    work = [
        site.service.submit(caller, intent, plan_digest=digest, idempotency_key="nightly") for caller in (ALICE, BOB)
    ]
    first, second = await site.clock.run(asyncio.gather(*work))
    assert isinstance(first, Operation)
    assert isinstance(second, Refusal), "the VM is being worked on, and by somebody else"


async def test_a_key_of_an_earlier_backend_is_remembered(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    first = await site.submit(StartVm(vm=VM, host=A), key="k")
    await site.kill()
    await site.start()
    again = await site.submit(StartVm(vm=VM, host=A), key="k")
    assert isinstance(first, Operation)
    assert isinstance(again, Operation)
    assert first.id == again.id


async def _submit_as_confirmed(site: Site, intent: Intent, digest: str) -> Operation | Refusal:
    return await site.clock.run(site.service.submit(ALICE, intent, plan_digest=digest, idempotency_key="k"))


async def test_a_vm_that_changed_since_the_preview_is_refused_with_the_difference(site: Site) -> None:
    site.add()
    await site.start()
    digest = await site.digest(ForceOffVm(vm=VM, host=A))
    site.alter(VM, state=VmState.PAUSED)
    answer = await _submit_as_confirmed(site, ForceOffVm(vm=VM, host=A), digest)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.CHANGED
    assert "no longer: VM web-1 is running" in answer.reason
    assert "now: VM web-1 is paused" in answer.reason
    assert not await site.service.operations(ALICE)


async def test_a_change_that_no_reading_has_seen_yet_is_refused_too(site: Site) -> None:
    site.add()
    await site.start()
    digest = await site.digest(PauseVm(vm=VM, host=A))
    site.alter(VM, state=VmState.SHUT_OFF)
    answer = await _submit_as_confirmed(site, PauseVm(vm=VM, host=A), digest)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.WRONG_STATE


async def test_other_vms_may_change_without_a_refusal(site: Site) -> None:
    site.add()
    other = site.add("web-2")
    await site.start()
    digest = await site.digest(PauseVm(vm=VM, host=A))
    site.alter(other, state=VmState.PAUSED)
    await site.clock.advance(5)
    assert isinstance(await _submit_as_confirmed(site, PauseVm(vm=VM, host=A), digest), Operation)


async def test_a_plan_for_another_vm_or_of_nowhere_is_no_confirmation(site: Site) -> None:
    site.add()
    other = site.add("web-2")
    await site.start()
    for digest in ("", "0" * 32, await site.digest(PauseVm(vm=other, host=A))):
        answer = await _submit_as_confirmed(site, PauseVm(vm=VM, host=A), digest)
        assert isinstance(answer, Refusal)
        assert answer.code is RefusalCode.CHANGED


async def test_a_plan_confirmed_before_the_backend_was_restarted_holds_if_nothing_changed(site: Site) -> None:
    site.add()
    await site.start()
    digest = await site.digest(PauseVm(vm=VM, host=A))
    await site.kill()
    await site.start()
    assert isinstance(await _submit_as_confirmed(site, PauseVm(vm=VM, host=A), digest), Operation)


async def test_a_disk_attached_after_the_preview_is_not_deleted_with_the_vm(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    intent = DeleteVm(vm=VM, host=A, with_disks=True)
    digest = await site.digest(intent)
    store = site.world.host(A).pools["local"].store
    path = store.add("late.qcow2", capacity_mib=10, allocation_mib=1, owner="")
    disks = site.world.host(A).machines[VM].disks
    site.alter(VM, disks=(*disks, VmDisk(target="vdb", source=path, format="qcow2")))
    answer = await _submit_as_confirmed(site, intent, digest)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.CHANGED
    assert "late.qcow2" in answer.reason
    assert path in store.volumes


async def test_a_disk_kept_in_the_preview_is_kept_when_its_other_user_has_gone(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    other = site.add("web-2", state=VmState.SHUT_OFF)
    site.alter(other, disks=site.world.host(A).machines[VM].disks)
    await site.start()
    intent = DeleteVm(vm=VM, host=A, with_disks=True)
    digest = await site.digest(intent)
    del site.world.host(A).machines[other]
    answer = await _submit_as_confirmed(site, intent, digest)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.CHANGED
    assert "no longer: keeps" in answer.reason


async def test_the_second_operation_on_a_vm_is_refused_with_the_firsts_name(site: Site) -> None:
    site.add()
    site.alter(VM, obeys_power_button=False)
    await site.start()
    first = await site.operation(await site.accepted(ShutdownVm(vm=VM, host=A)))
    refusal = await site.refused(ForceOffVm(vm=VM, host=A))
    assert refusal.code is RefusalCode.LOCKED
    for word in (first.title, first.id, "alice"):
        assert word in refusal.reason
    previewed = await site.clock.run(site.service.preview(ALICE, ForceOffVm(vm=VM, host=A)))
    assert isinstance(previewed, Refusal)
    await site.clock.run(site.service.cancel(ALICE, first.id))
    await site.ended(first.id)
    assert (await site.do(ForceOffVm(vm=VM, host=A))).state is OperationState.DONE


async def test_two_migrations_of_one_vm_submitted_at_once_make_one(site: Site) -> None:
    site.add()
    await site.start()
    ways = [migrate(VM, to=to) for to in (B, site.world.specs[2].id)]
    digests = [await site.digest(way) for way in ways]
    both = [
        site.service.submit(ALICE, way, plan_digest=digest, idempotency_key=way.destination)
        for way, digest in zip(ways, digests, strict=True)
    ]
    answers = await site.clock.run(asyncio.gather(*both))
    assert [isinstance(answer, Operation) for answer in answers].count(True) == 1
    assert [getattr(answer, "code", None) for answer in answers].count(RefusalCode.LOCKED) == 1


async def test_a_pool_in_use_by_an_operation_is_not_stopped_and_its_volume_not_deleted(site: Site) -> None:
    await site.start()
    site.world.slow(A, 1.0)
    intent = CreateVm(vm=VM, host=A, name="web-1", pool="shared", base_volume="debian-12.qcow2")
    await site.accepted(intent)
    for rival in (
        SetPoolActive(host=A, pool="shared", active=False),
        DeleteVolume(host=A, pool="shared", volume="debian-12.qcow2"),
    ):
        assert (await site.refused(rival)).code is RefusalCode.LOCKED


async def test_what_cannot_be_journaled_is_refused_and_what_runs_goes_on(site: Site) -> None:
    assert isinstance(site.journal, MemoryJournal)
    site.add()
    site.add("web-2", state=VmState.SHUT_OFF)
    await site.start()
    running = await site.accepted(ShutdownVm(vm=VM, host=A))
    site.journal.fails = "database or disk is full"
    refusal = await site.refused(StartVm(vm=an_id("web-2"), host=A))
    assert refusal.code is RefusalCode.JOURNAL
    assert "full" in refusal.reason
    assert "full" in (await site.service.status(ALICE)).journal_error
    assert (await site.ended(running)).state is OperationState.DONE
    assert not site.journal.operations[running].has_ended
    site.journal.fails = ""
    await site.clock.advance(5)
    assert site.journal.operations[running].state is OperationState.DONE
    assert (await site.service.status(ALICE)).journal_error == ""
    assert (await site.do(StartVm(vm=an_id("web-2"), host=A))).state is OperationState.DONE


async def test_start_is_refused_while_the_vm_is_active_elsewhere(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    site.add(host=B)
    await site.start()
    assert (await site.refused(StartVm(vm=VM, host=A))).code is RefusalCode.ACTIVE_ELSEWHERE


async def test_start_and_resume_are_refused_while_a_host_that_had_the_vm_does_not_answer(site: Site) -> None:
    site.add(state=VmState.PAUSED)
    site.add(host=B, state=VmState.SHUT_OFF)
    await site.start()
    site.world.refuse(B, LinkStatus.UNREACHABLE)
    await site.clock.advance(5)
    assert (await site.refused(ResumeVm(vm=VM, host=A))).code is RefusalCode.UNKNOWN_ELSEWHERE


async def test_a_dead_host_that_never_had_the_vm_is_no_reason_to_refuse(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF, pool="local")
    site.world.refuse(B, LinkStatus.UNREACHABLE)
    await site.start()
    assert (await site.do(StartVm(vm=VM, host=A))).state is OperationState.DONE


async def test_a_host_that_was_never_read_may_run_a_vm_on_shared_storage(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    site.world.refuse(B, LinkStatus.UNREACHABLE)
    await site.start()
    refusal = await site.refused(StartVm(vm=VM, host=A))
    assert refusal.code is RefusalCode.UNKNOWN_ELSEWHERE
    assert "kvm-b, which was never read" in refusal.reason
    assert "vouch for kvm-b" in refusal.remedy
    vouched = StartVm(vm=VM, host=A, vouched=(B,))
    plan = await site.clock.run(site.service.preview(ALICE, vouched))
    assert isinstance(plan, Plan)
    assert plan.danger is Danger.TYPE_NAME
    assert any("you vouch that kvm-b" in line for line in plan.warnings)
    assert (await site.do(vouched)).state is OperationState.DONE


async def test_a_copy_that_the_fleet_has_not_seen_yet_is_found_right_before_the_start(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    site.add(host=B, state=VmState.SHUT_OFF)
    await site.start()
    site.alter(VM, B, state=VmState.RUNNING)
    refusal = await site.refused(StartVm(vm=VM, host=A))
    assert refusal.code is RefusalCode.ACTIVE_ELSEWHERE
    assert "running on kvm-b" in refusal.reason
    assert site.running_on(VM) == [B]


async def test_a_vm_on_a_host_that_does_not_answer_is_refused(site: Site) -> None:
    site.add()
    await site.start()
    site.world.hang(A)
    await site.clock.advance(10)
    assert (await site.refused(PauseVm(vm=VM, host=A))).code is RefusalCode.HOST_NOT_CURRENT


async def test_cancel_says_why_not(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    unknown = await site.clock.run(site.service.cancel(ALICE, OperationId("none")))
    assert isinstance(unknown, Refusal)
    assert unknown.code is RefusalCode.NOT_FOUND
    ended = await site.do(StartVm(vm=VM, host=A))
    late = await site.clock.run(site.service.cancel(ALICE, ended.id))
    assert isinstance(late, Refusal)
    assert late.code is RefusalCode.TOO_LATE


async def test_what_cannot_be_stopped_half_way_says_so(site: Site) -> None:
    site.add()
    await site.start()
    site.world.slow(A, 1.0)
    operation = await site.accepted(PauseVm(vm=VM, host=A))
    answer = await site.clock.run(site.service.cancel(ALICE, operation))
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.WRONG_STATE


async def test_identifiers_sort_by_time_even_when_the_wall_clock_stands(site: Site) -> None:
    for number in range(5):
        site.add(f"vm-{number}", state=VmState.SHUT_OFF)
    await site.start()
    made = [await site.accepted(StartVm(vm=an_id(f"vm-{number}"), host=A)) for number in range(5)]
    assert made == sorted(made)
    assert len(set(made)) == 5


async def test_an_unknown_host_is_an_error_that_names_it(site: Site) -> None:
    await site.start()
    with pytest.raises(NotFound, match="no-such"):
        await site.service.reconnect(ALICE, "no-such")  # type: ignore[arg-type]


async def test_a_journal_that_is_found_damaged_later_is_told(site: Site) -> None:
    assert isinstance(site.journal, MemoryJournal)
    site.journal.damage = "it is damaged: page 7"
    await site.start()
    await site.clock.advance(3)
    assert "page 7" in (await site.service.status(ALICE)).journal_error
    assert [alert.rule for alert in await site.alerts()] == [AlertRule.JOURNAL_FAILED]
