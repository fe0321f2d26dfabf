"""Power states and their reasons."""

import pytest

from novacron.model.errors import OperationError
from novacron.model.vm import StateReason, VmState
from tests.contract.hypervisor_pair import DEADLINE_S, HypervisorPair


async def test_start_makes_it_run(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    assert (await pair.state(pair.a, intent.vm))[0] is VmState.SHUT_OFF
    await pair.a.power.start(intent.vm, deadline_s=DEADLINE_S)
    assert await pair.state(pair.a, intent.vm) == (VmState.RUNNING, StateReason.BOOTED)


async def test_starting_what_runs_is_an_error_and_changes_nothing(pair: HypervisorPair) -> None:
    intent = await pair.a_running_vm()
    with pytest.raises(OperationError):
        await pair.a.power.start(intent.vm, deadline_s=DEADLINE_S)
    assert (await pair.state(pair.a, intent.vm))[0] is VmState.RUNNING


async def test_pause_and_resume_say_who_asked(pair: HypervisorPair) -> None:
    intent = await pair.a_running_vm()
    await pair.a.power.pause(intent.vm, deadline_s=DEADLINE_S)
    assert await pair.state(pair.a, intent.vm) == (VmState.PAUSED, StateReason.USER)
    await pair.a.power.resume(intent.vm, deadline_s=DEADLINE_S)
    assert await pair.state(pair.a, intent.vm) == (VmState.RUNNING, StateReason.UNPAUSED)


async def test_force_off_ends_it_at_once(pair: HypervisorPair) -> None:
    intent = await pair.a_running_vm()
    await pair.a.power.force_off(intent.vm, deadline_s=DEADLINE_S)
    assert await pair.state(pair.a, intent.vm) == (VmState.SHUT_OFF, StateReason.DESTROYED)


async def test_forcing_off_what_is_off_is_an_error(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    with pytest.raises(OperationError):
        await pair.a.power.force_off(intent.vm, deadline_s=DEADLINE_S)


async def test_what_is_off_can_be_neither_paused_nor_shut_down(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    with pytest.raises(OperationError):
        await pair.a.power.pause(intent.vm, deadline_s=DEADLINE_S)
    with pytest.raises(OperationError):
        await pair.a.power.shutdown(intent.vm, deadline_s=DEADLINE_S)


async def test_shutdown_lets_the_guest_power_off(pair: HypervisorPair) -> None:
    intent = await pair.a_booted_vm()
    await pair.a.power.shutdown(intent.vm, deadline_s=DEADLINE_S)

    async def is_off() -> bool:
        return (await pair.state(pair.a, intent.vm))[0] is VmState.SHUT_OFF

    assert await pair.eventually(is_off)
    assert (await pair.state(pair.a, intent.vm))[1] is StateReason.SHUTDOWN


async def test_a_reboot_starts_the_guest_anew_and_leaves_it_running(pair: HypervisorPair) -> None:
    intent = await pair.a_booted_vm()
    link = await pair.a.serial.open(intent.vm, force=False, deadline_s=DEADLINE_S)
    assert await pair.hears(link, b"# ", typing=pair.note)
    await pair.a.power.reboot(intent.vm, deadline_s=DEADLINE_S)
    assert await pair.hears(link, pair.not_noted, typing=pair.if_noted)
    await link.close()
    assert (await pair.state(pair.a, intent.vm))[0] is VmState.RUNNING
