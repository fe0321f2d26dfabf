"""Power states and their reasons."""

import pytest

from novacron.model.errors import OperationError
from novacron.model.vm import StateReason, VmState
from tests.contract.ground import DEADLINE_S, Ground


async def test_start_makes_it_run(ground: Ground) -> None:
    intent = await ground.a_defined_vm()
    assert (await ground.state(ground.a, intent.vm))[0] is VmState.SHUT_OFF
    await ground.a.power.start(intent.vm, deadline_s=DEADLINE_S)
    assert await ground.state(ground.a, intent.vm) == (VmState.RUNNING, StateReason.BOOTED)


async def test_starting_what_runs_is_an_error_and_changes_nothing(ground: Ground) -> None:
    intent = await ground.a_running_vm()
    with pytest.raises(OperationError):
        await ground.a.power.start(intent.vm, deadline_s=DEADLINE_S)
    assert (await ground.state(ground.a, intent.vm))[0] is VmState.RUNNING


async def test_pause_and_resume_say_who_asked(ground: Ground) -> None:
    intent = await ground.a_running_vm()
    await ground.a.power.pause(intent.vm, deadline_s=DEADLINE_S)
    assert await ground.state(ground.a, intent.vm) == (VmState.PAUSED, StateReason.USER)
    await ground.a.power.resume(intent.vm, deadline_s=DEADLINE_S)
    assert await ground.state(ground.a, intent.vm) == (VmState.RUNNING, StateReason.UNPAUSED)


async def test_force_off_ends_it_at_once(ground: Ground) -> None:
    intent = await ground.a_running_vm()
    await ground.a.power.force_off(intent.vm, deadline_s=DEADLINE_S)
    assert await ground.state(ground.a, intent.vm) == (VmState.SHUT_OFF, StateReason.DESTROYED)


async def test_forcing_off_what_is_off_is_an_error(ground: Ground) -> None:
    intent = await ground.a_defined_vm()
    with pytest.raises(OperationError):
        await ground.a.power.force_off(intent.vm, deadline_s=DEADLINE_S)


async def test_what_is_off_can_be_neither_paused_nor_shut_down(ground: Ground) -> None:
    intent = await ground.a_defined_vm()
    with pytest.raises(OperationError):
        await ground.a.power.pause(intent.vm, deadline_s=DEADLINE_S)
    with pytest.raises(OperationError):
        await ground.a.power.shutdown(intent.vm, deadline_s=DEADLINE_S)


async def test_shutdown_lets_the_guest_power_off(ground: Ground) -> None:
    intent = await ground.a_booted_vm()
    await ground.a.power.shutdown(intent.vm, deadline_s=DEADLINE_S)

    async def is_off() -> bool:
        return (await ground.state(ground.a, intent.vm))[0] is VmState.SHUT_OFF

    assert await ground.eventually(is_off)
    assert (await ground.state(ground.a, intent.vm))[1] is StateReason.SHUTDOWN


async def test_a_reboot_starts_the_guest_anew_and_leaves_it_running(ground: Ground) -> None:
    intent = await ground.a_booted_vm()
    link = await ground.a.serial.open(intent.vm, force=False, deadline_s=DEADLINE_S)
    assert await ground.hears(link, b"# ", typing=ground.note)
    await ground.a.power.reboot(intent.vm, deadline_s=DEADLINE_S)
    assert await ground.hears(link, ground.not_noted, typing=ground.if_noted)
    await link.close()
    assert (await ground.state(ground.a, intent.vm))[0] is VmState.RUNNING
