"""Keys pressed faster than the screen paints: each acts once, on what it was pressed at, or not at all."""

import pytest
from textual import events

from novacron_tui.screens.confirm import ConfirmScreen
from novacron_tui.screens.fleet import FleetScreen
from novacron_tui.screens.vm import VmScreen
from tests.builders import a_fleet, a_host, a_reading, a_vm, an_id
from tests.ui.fake_console import NAMES, FakeConsole
from tests.ui.operator import Operator, a_console, at_console


async def _in_haste(operator: Operator, *pressed: str) -> None:
    """Let several keys reach the screen that is seen before it has acted on the first."""
    screen = operator.app.screen
    for key in pressed:
        screen.post_message(events.Key(key, key if len(key) == 1 else None))
    await operator.settle()


@pytest.mark.parametrize(
    "opener", [("enter",), ("question_mark",), ("y",), ("4", "enter"), ("2", "enter"), ("3", "enter")]
)
async def test_q_pressed_twice_in_haste_goes_back_one_screen_and_no_further(opener: tuple[str, ...]) -> None:
    async with at_console(a_console()) as operator:
        await operator.press(*opener)
        assert not isinstance(operator.app.screen, FleetScreen)
        await _in_haste(operator, "q", "q", "escape", "q")
        assert isinstance(operator.app.screen, FleetScreen)
        assert operator.app.is_running


async def test_a_key_after_enter_in_haste_is_not_taken_by_the_screen_that_is_left() -> None:
    async with at_console(a_console()) as operator:
        await _in_haste(operator, "enter", "q")
        assert isinstance(operator.app.screen, VmScreen)


@pytest.mark.parametrize("key", ["y", "n", "escape", "enter"])
async def test_an_answer_given_twice_in_haste_counts_once(key: str) -> None:
    console = a_console()
    async with at_console(console) as operator:
        await operator.press("G", "d")
        assert isinstance(operator.app.screen, ConfirmScreen)
        await _in_haste(operator, key, key, key)
        assert isinstance(operator.app.screen, FleetScreen)
        assert len(console.submitted) == (1 if key in {"y", "enter"} else 0)


async def test_a_crowd_is_not_shut_down_by_one_key() -> None:
    vms = [a_vm(f"vm-{number}") for number in range(30)]
    NAMES.update({an_id(vm.name): vm.name for vm in vms})
    console = FakeConsole(a_fleet(a_host("kvm-1", reading=a_reading("kvm-1", *vms))))
    async with at_console(console) as operator:
        await operator.press("asterisk", "d")
        operator.sees("Type 30 VMs to go on")
        await operator.press("enter", "y")
        assert console.submitted == []
        await operator.press("backspace")
        await operator.type("30 VMs")
        await operator.press("enter")
    assert len(console.submitted) == 30
