"""What each verb does to the world, and what it says of it."""

from dataclasses import replace

import pytest

from novacron.model.errors import NotFound
from novacron.model.ids import OperationId
from novacron.model.operation import OperationState, StepState
from novacron.model.operations.creation import CreateVm
from novacron.model.operations.definition import RenameVm, SetAutostart
from novacron.model.operations.deletion import DeleteVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.power import ForceOffVm, PauseVm, RebootVm, ResumeVm, ShutdownVm, StartVm
from novacron.model.operations.resizing import ResizeVm
from novacron.model.operations.storage import DeleteVolume, SetPoolActive
from novacron.model.refusal import RefusalCode
from novacron.model.vm import VmState
from tests.builders import an_id
from tests.callers import ALICE, BOB
from tests.engine.site import SETTINGS, A, B, Site, a_site

VM = an_id("web-1")


@pytest.mark.parametrize(
    ("before", "intent", "after"),
    [
        (VmState.SHUT_OFF, StartVm(vm=VM, host=A), VmState.RUNNING),
        (VmState.CRASHED, StartVm(vm=VM, host=A), VmState.RUNNING),
        (VmState.PAUSED, ResumeVm(vm=VM, host=A), VmState.RUNNING),
        (VmState.RUNNING, PauseVm(vm=VM, host=A), VmState.PAUSED),
        (VmState.RUNNING, ForceOffVm(vm=VM, host=A), VmState.SHUT_OFF),
        (VmState.RUNNING, ShutdownVm(vm=VM, host=A), VmState.SHUT_OFF),
        (VmState.RUNNING, RebootVm(vm=VM, host=A), VmState.RUNNING),
    ],
)
async def test_a_verb_brings_the_vm_into_its_state(site: Site, before: VmState, intent: Intent, after: VmState) -> None:
    site.add(state=before)
    await site.start()
    ended = await site.do(intent)
    assert ended.state is OperationState.DONE, ended.outcome
    assert site.state(VM) is after
    assert [step.state for step in ended.steps] == [StepState.FINISHED] * len(ended.steps)


async def test_who_hears_of_the_end_also_sees_it_in_the_fleet(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    await site.do(StartVm(vm=VM, host=A))
    found = (await site.fleet()).find_vm(VM)
    assert found is not None
    assert found.home.vm.state is VmState.RUNNING


async def test_a_guest_that_ignores_the_power_button_is_a_failure_that_names_the_way_out(site: Site) -> None:
    site.add()
    site.alter(VM, obeys_power_button=False)
    await site.start()
    ended = await site.do(ShutdownVm(vm=VM, host=A, timeout_s=30))
    assert ended.state is OperationState.FAILED
    assert "force it off" in ended.outcome
    assert site.state(VM) is VmState.RUNNING


async def test_waiting_for_a_guest_to_power_off_can_be_stopped(site: Site) -> None:
    site.add()
    site.alter(VM, obeys_power_button=False)
    await site.start()
    operation = await site.accepted(ShutdownVm(vm=VM, host=A))
    await site.clock.advance(5)
    await site.clock.run(site.service.cancel(BOB, operation))
    await site.clock.run(site.service.cancel(ALICE, operation))
    ended = await site.ended(operation, limit_s=5)
    assert ended.state is OperationState.CANCELLED
    assert ended.cancel_asked is not None
    assert ended.cancel_asked.actor == "bob"
    assert ended.give_up_asked is None
    assert "may still power off" in ended.outcome


async def test_rename_autostart_and_resize_are_read_back(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    for intent in (
        RenameVm(vm=VM, host=A, new_name="web-2"),
        SetAutostart(vm=VM, host=A, enabled=True),
        ResizeVm(vm=VM, host=A, vcpus=3, memory_mib=1024),
    ):
        ended = await site.do(intent)
        assert ended.state is OperationState.DONE, ended.outcome
    machine = site.world.host(A).machines[VM]
    assert (machine.name, machine.autostart) == ("web-2", True)


def a_new_vm(**changes: object) -> CreateVm:
    chosen: dict[str, object] = {"pool": "shared", "disk_mib": 1024, "network": "default", "start": True, **changes}
    return CreateVm(vm=VM, host=A, name="web-1", **chosen)  # type: ignore[arg-type]


async def test_create_makes_disk_definition_and_a_running_vm(site: Site) -> None:
    await site.start()
    ended = await site.do(a_new_vm())
    assert ended.state is OperationState.DONE, ended.outcome
    assert site.state(VM) is VmState.RUNNING
    assert [step.id for step in ended.steps] == ["create-disk", "define", "start-new"]


async def test_a_cancelled_create_leaves_nothing_of_its_own(site: Site) -> None:
    await site.start()
    store = site.world.host(A).pool("shared").store
    before = set(store.volumes)
    operation = await site.accepted(a_new_vm(base_volume="debian-12.qcow2"))
    await site.clock.run(site.service.cancel(ALICE, operation))
    ended = await site.ended(operation)
    assert ended.state is OperationState.CANCELLED, ended.outcome
    assert set(store.volumes) == before
    assert site.state(VM) is None


async def test_a_create_that_finds_a_foreign_disk_fails_and_leaves_that_disk_alone(site: Site) -> None:
    store = site.world.host(A).pool("shared").store
    await site.start()
    first = await site.do(a_new_vm(start=False))
    path = first.steps[0].detail
    store.volumes[path].owner = an_id("somebody else")
    site.world.host(A).machines.clear()
    await site.clock.advance(5)
    ended = await site.do(a_new_vm(start=False))
    assert ended.state is OperationState.FAILED
    assert "is there already" in ended.outcome
    assert path in store.volumes


async def test_delete_with_disks_removes_both(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    ended = await site.do(DeleteVm(vm=VM, host=A, with_disks=True))
    assert ended.state is OperationState.DONE, ended.outcome
    assert site.state(VM) is None
    assert not any("web-1" in path for path in site.world.host(A).pool("shared").store.volumes)


async def test_delete_without_disks_keeps_them(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    await site.do(DeleteVm(vm=VM, host=A))
    assert "/srv/shared/web-1.qcow2" in site.world.host(A).pool("shared").store.volumes


async def test_delete_never_takes_a_disk_that_another_vm_has(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    other = site.add("web-2", host=B, state=VmState.SHUT_OFF)
    shared_disk = site.world.host(A).machines[VM].disks
    site.alter(other, B, disks=shared_disk)
    await site.start()
    ended = await site.do(DeleteVm(vm=VM, host=A, with_disks=True))
    assert ended.state is OperationState.DONE
    assert shared_disk[0].source in site.world.host(A).pool("shared").store.volumes


async def test_a_vm_that_is_started_behind_our_back_is_not_deleted(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    # No event and no reading in between: the fleet still says "shut off" when it is decided.
    site.alter(VM, state=VmState.RUNNING)
    refusal = await site.refused(DeleteVm(vm=VM, host=A, with_disks=True))
    assert "running on kvm-a" in refusal.reason
    assert site.state(VM) is VmState.RUNNING


async def test_pools_and_volumes(site: Site) -> None:
    await site.start()
    assert (await site.do(SetPoolActive(host=A, pool="local", active=False))).state is OperationState.DONE
    assert site.world.host(A).pool("local").active is False
    assert (await site.do(SetPoolActive(host=A, pool="local", active=True))).state is OperationState.DONE
    ended = await site.do(DeleteVolume(host=A, pool="local", volume="debian-12.qcow2"))
    assert ended.state is OperationState.DONE, ended.outcome


async def test_a_cold_migration_moves_the_definition(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    ended = await site.do(MigrateVm(vm=VM, host=A, destination=B))
    assert ended.state is OperationState.DONE, ended.outcome
    assert (site.state(VM, A), site.state(VM, B)) == (None, VmState.SHUT_OFF)


async def begin_a_start_and_lose_its_answer(site: Site, *, happens: bool) -> OperationId:
    """Let the host take a second for each answer, and freeze it while the start is on its way."""
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    site.world.slow(A, 1.0)
    operation = await site.accepted(StartVm(vm=VM, host=A))
    await site.clock.advance(1.5)
    site.world.hang(A)
    await site.clock.advance(120)
    assert (await site.operation(operation)).state is OperationState.SETTLING
    if happens:
        site.world.start(site.world.host(A), VM)
    site.world.heal(A)
    return operation


async def test_a_start_whose_answer_was_lost_and_that_happened_is_done(site: Site) -> None:
    operation = await begin_a_start_and_lose_its_answer(site, happens=True)
    ended = await site.ended(operation)
    assert ended.state is OperationState.DONE, ended.outcome
    assert site.state(VM) is VmState.RUNNING


async def test_a_start_whose_answer_was_lost_and_that_did_not_happen_is_left_to_a_person(site: Site) -> None:
    operation = await begin_a_start_and_lose_its_answer(site, happens=False)
    ended = await site.ended(operation)
    assert ended.state is OperationState.NEEDS_ATTENTION, ended.outcome
    assert "shut off" in ended.outcome
    assert site.state(VM) is VmState.SHUT_OFF


async def test_a_start_on_a_host_that_froze_before_it_was_asked_is_refused(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    site.world.hang(A)
    refusal = await site.refused(StartVm(vm=VM, host=A))
    assert refusal.code is RefusalCode.HOST_NOT_CURRENT
    assert not await site.service.operations(ALICE)


async def test_a_no_from_the_hypervisor_is_a_failure_in_its_words(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    site.world.host(A).set_networks(())
    await site.start()
    ended = await site.do(StartVm(vm=VM, host=A))
    assert ended.state is OperationState.FAILED
    assert "no network with matching name" in ended.outcome


async def test_a_fault_of_ours_in_a_step_ends_the_operation_and_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("novacron.engine.work.runner.handler_of", broken)
    ended = await site.do(StartVm(vm=VM, host=A))
    assert ended.state is OperationState.NEEDS_ATTENTION
    assert "ZeroDivisionError" in ended.outcome
    monkeypatch.undo()
    assert (await site.do(StartVm(vm=VM, host=A))).state is OperationState.DONE


async def test_an_operation_that_is_no_longer_listed_is_found_by_its_id() -> None:
    site = a_site(settings=replace(SETTINGS, operations_kept=1))
    try:
        site.add()
        await site.start()
        first = await site.do(PauseVm(vm=VM, host=A))
        for intent in (ResumeVm(vm=VM, host=A), PauseVm(vm=VM, host=A), ResumeVm(vm=VM, host=A)):
            await site.do(intent)
        assert first.id not in [one.id for one in await site.service.operations(ALICE)]
        assert (await site.clock.run(site.service.find_operation(ALICE, first.id))).state is OperationState.DONE
        with pytest.raises(NotFound):
            await site.clock.run(site.service.find_operation(ALICE, OperationId("no-such")))
    finally:
        await site.kill()
