"""What became of a guest that was asked to restart, to power off or to wake: read, and told as it is."""

from novacron.model.operation import OperationState
from novacron.model.operations.power import RebootVm, ResumeVm, ShutdownVm
from novacron.model.vm import VmState
from tests.engine.site import A, Site


async def test_a_guest_that_sleeps_is_woken(site: Site) -> None:
    vm = site.add()
    site.world.put_to_sleep(vm)
    await site.start()
    ended = await site.do(ResumeVm(vm=vm, host=A))
    assert ended.state is OperationState.DONE, ended.outcome
    assert site.state(vm, A) is VmState.RUNNING


async def test_a_reboot_tells_what_became_of_it_and_not_what_should_have(site: Site) -> None:
    vm = site.add()
    site.alter(vm, on_reboot="destroy")
    await site.start()
    ended = await site.do(RebootVm(vm=vm, host=A))
    assert site.state(vm, A) is VmState.SHUT_OFF
    assert ended.state is OperationState.FAILED
    assert "shut off" in ended.outcome
    assert "on_reboot=destroy" in ended.outcome


async def test_a_guest_that_goes_off_a_while_after_a_reboot_is_told_to_be_off(site: Site) -> None:
    vm = site.add()
    await site.start()
    operation = await site.accepted(RebootVm(vm=vm, host=A))
    await site.clock.advance(3)
    site.world.crash_vm(vm)
    ended = await site.ended(operation)
    assert ended.state is OperationState.FAILED
    assert "crashed" in ended.outcome


async def test_a_vm_that_is_started_again_right_after_it_went_off_is_not_told_to_be_off(site: Site) -> None:
    vm = site.add()
    await site.start()
    operation = await site.accepted(ShutdownVm(vm=vm, host=A))
    while site.state(vm, A) is not VmState.SHUT_OFF:
        await site.clock.advance(0.2)
    site.world.start(site.world.host(A), vm)
    ended = await site.ended(operation)
    assert ended.state is OperationState.FAILED
    assert "started it again" in ended.outcome
