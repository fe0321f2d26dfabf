"""Keys pressed faster than the screen paints: each acts once, on what it was pressed at, or not at all."""

import pytest
from textual import events

from novacron_tui.screens.confirm import ConfirmScreen
from novacron_tui.screens.fleet import FleetScreen
from novacron_tui.screens.vm import VmScreen
from tests.builders import a_fleet, a_host, a_reading, a_vm, an_id
from tests.ui.fake_backend import NAMES, FakeBackend
from tests.ui.operator import Operator, a_console, at_console

_LONG_S = 1e6


async def _in_haste(operator: Operator, *pressed: str) -> None:
    """Let several keys arrive in one read."""
    for key in pressed:
        operator.app.post_message(events.Key(key, key if len(key) == 1 else None))
    await operator.settle()


@pytest.mark.parametrize(
    "opener", [("enter",), ("question_mark",), ("y",), ("4", "enter"), ("2", "enter"), ("3", "enter")]
)
async def test_q_pressed_twice_in_haste_goes_back_one_screen_and_no_further(opener: tuple[str, ...]) -> None:
    async with at_console(a_console(), guard_s=_LONG_S) as operator:
        await operator.press(*opener)
        assert not isinstance(operator.app.screen, FleetScreen)
        await _in_haste(operator, "q", "q", "escape", "q")
        assert isinstance(operator.app.screen, FleetScreen)
        assert operator.app.is_running


async def test_a_key_after_enter_in_haste_is_taken_by_the_screen_that_was_opened() -> None:
    async with at_console(a_console(), guard_s=_LONG_S) as operator:
        await _in_haste(operator, "enter", "G")
        assert isinstance(operator.app.screen, VmScreen)
        await _in_haste(operator, "q", "j", "enter", "q", "q")
        assert isinstance(operator.app.screen, FleetScreen)
        assert operator.app.is_running


@pytest.mark.parametrize("key", ["y", "n", "escape", "enter"])
async def test_an_answer_given_twice_in_haste_counts_once(key: str) -> None:
    console = a_console()
    async with at_console(console, guard_s=_LONG_S) as operator:
        await operator.press("G", "d")
        assert isinstance(operator.app.screen, ConfirmScreen)
        operator.look()
        await _in_haste(operator, key, key, key)
        assert isinstance(operator.app.screen, FleetScreen)
        assert len(console.submitted) == (1 if key in {"y", "enter"} else 0)


async def test_a_crowd_is_not_shut_down_by_one_key() -> None:
    vms = [a_vm(f"vm-{number}") for number in range(30)]
    NAMES.update({an_id(vm.name): vm.name for vm in vms})
    console = FakeBackend(a_fleet(a_host("kvm-1", reading=a_reading("kvm-1", *vms))))
    async with at_console(console) as operator:
        await operator.press("asterisk", "d")
        operator.sees("Type 30 VMs to go on")
        await operator.press("enter", "y")
        assert console.submitted == []
        await operator.press("backspace")
        await operator.type("30 VMs")
        await operator.press("enter")
    assert len(console.submitted) == 30


@pytest.mark.parametrize("key", ["y", "enter", "n", "q"])
async def test_a_key_that_comes_with_the_question_does_not_answer_it(key: str) -> None:
    console = a_console()
    async with at_console(console, guard_s=_LONG_S) as operator:
        await operator.press("G")
        await _in_haste(operator, "d", key)
        assert isinstance(operator.app.screen, ConfirmScreen)
        await operator.press(key)
        assert isinstance(operator.app.screen, ConfirmScreen)
        await _in_haste(operator, "escape")
        assert isinstance(operator.app.screen, FleetScreen)
    assert console.submitted == []


@pytest.mark.parametrize("key", ["y", "enter"])
async def test_a_key_that_comes_with_the_question_whether_to_cancel_cancels_nothing(key: str) -> None:
    console = a_console()
    async with at_console(console, guard_s=_LONG_S) as operator:
        await operator.press("3")
        await _in_haste(operator, "C", key)
        operator.sees("Cancel this?")
    assert console.cancelled == []


async def test_a_command_typed_by_name_in_one_go_is_that_command() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _to_shut_off_vm(operator)
        await _in_haste(operator, ":", *"start", "enter")
    assert [intent.kind for intent in console.submitted] == ["start"]


async def test_the_danger_menu_takes_the_key_that_comes_with_its_own() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _to_shut_off_vm(operator)
        await _in_haste(operator, "x", "s")
        operator.sees("danger")
        await _in_haste(operator, "escape", "x", "E")
        operator.sees("Type build-2 to go on")
    assert console.submitted == []


async def test_a_form_takes_the_keys_that_come_with_its_own() -> None:
    async with at_console(a_console()) as operator:
        await _to_shut_off_vm(operator)
        await _in_haste(operator, "r", *"sa")
        operator.sees("Rename", "build-2sa")


async def test_pasted_text_and_the_keys_after_it_keep_their_order() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _to_shut_off_vm(operator)
        await operator.press("E")
        operator.app.post_message(events.Paste("build-2"))
        await _in_haste(operator, "enter")
    assert [intent.kind for intent in console.submitted] == ["delete"]


async def test_on_a_terminal_too_small_no_key_acts_and_none_answers() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _to_shut_off_vm(operator)
        await operator.pilot.resize_terminal(40, 6)
        await operator.settle()
        await operator.press("s", "d", "y")
        assert isinstance(operator.app.screen, FleetScreen)
        await operator.pilot.resize_terminal(80, 24)
        await operator.settle()
        await operator.press("E")
        await operator.pilot.resize_terminal(50, 24)
        await operator.settle()
        operator.sees("too small to ask")
        await operator.type("build-2")
        await operator.press("enter", "escape")
        assert isinstance(operator.app.screen, FleetScreen)
    assert console.submitted == []


async def _to_shut_off_vm(operator: Operator) -> None:
    await operator.press("slash")
    await operator.type("build-2")
    await operator.press("enter")
