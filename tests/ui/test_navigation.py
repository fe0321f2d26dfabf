"""The ways between screens: panes by number from anywhere, keys that mean nothing, filters, and back from a host."""

import pytest

from novacron_tui.screens.fleet import FleetScreen
from novacron_tui.screens.host import HostScreen
from tests.ui.operator import LARGE, SMALL, Operator, a_console, at_console

_DETAILS = {
    "a host in full": ("2", "enter"),
    "a VM in full": ("1", "enter"),
    "the volumes of a pool": ("4", "j", "j", "j", "enter"),
    "an operation in full": ("3", "enter"),
    "the VMs of a host": ("2", "v"),
    "help": ("question_mark",),
    "XML": ("1", "y"),
}


@pytest.mark.parametrize("keys", _DETAILS.values(), ids=_DETAILS)
async def test_every_pane_is_one_key_away_from_every_screen(keys: tuple[str, ...]) -> None:
    async with at_console(a_console()) as operator:
        for number in "41":
            await operator.press(*keys)
            await operator.press(number)
            assert _pane(operator) == int(number) - 1


@pytest.mark.parametrize("keys", _DETAILS.values(), ids=_DETAILS)
async def test_tab_leads_from_every_screen_to_the_pane_next_to_the_one_it_came_from(keys: tuple[str, ...]) -> None:
    async with at_console(a_console()) as operator:
        await operator.press(*keys)
        before = operator.app.screen_stack[1]._current
        await operator.press("tab")
        assert _pane(operator) == (before + 1) % 5
        await operator.press("shift+tab")
        assert _pane(operator) == before


def _pane(operator: Operator) -> int:
    screen = operator.app.screen
    assert isinstance(screen, FleetScreen)
    return screen._current


@pytest.mark.parametrize("keys", [(), *_DETAILS.values()], ids=["the fleet", *_DETAILS])
async def test_a_key_that_means_nothing_says_so(keys: tuple[str, ...]) -> None:
    async with at_console(a_console()) as operator:
        await operator.press(*keys)
        await operator.press("f7")
        operator.sees("f7 means nothing here; ? lists the keys")
        for _ in range(3):
            operator.app.tick()
        await operator.settle()
        operator.sees_not("means nothing")


async def test_what_is_typed_into_a_filter_is_never_called_meaningless() -> None:
    async with at_console(a_console()) as operator:
        await operator.press("slash")
        await operator.type("wQ7%")
        operator.sees("wQ7%")
        operator.sees_not("means nothing")


async def test_a_filter_starts_empty_and_the_one_before_is_a_key_away() -> None:
    async with at_console(a_console()) as operator:
        await operator.press("slash")
        await operator.type("web")
        await operator.press("enter", "slash")
        operator.sees("web  → takes it", "cache-1")
        await operator.type("db")
        await operator.press("enter")
        operator.sees("/db", "db-1")
        await operator.press("slash", "right")
        await operator.type("-2")
        operator.sees("1 of 19", "db-2")
        await operator.press("escape")
        operator.sees("/db ", "2 of 19")


async def test_after_the_vms_of_a_host_a_filter_is_not_appended_to_the_hosts() -> None:
    async with at_console(a_console()) as operator:
        await operator.press("2", "v", "slash")
        await operator.type("web-1")
        await operator.press("enter")
        operator.sees("/web-1", "2 of 19")


async def test_back_from_the_vms_of_a_host_leads_to_its_row_and_the_filter_before() -> None:
    async with at_console(a_console(), size=LARGE) as operator:
        await operator.press("slash")
        await operator.type("web")
        await operator.press("enter", "2", "j", "j", "j")
        host = operator.app.screen.table.view.cursor_row
        await operator.press("v")
        operator.sees("esc host", f"host:={host.id}")
        await operator.press("space", "escape")
        operator.sees_not("selected")
        await operator.press("escape")
        assert _pane(operator) == 1
        assert operator.app.screen.table.view.cursor_row.id == host.id
        await operator.press("1")
        operator.sees("/web", "5 of 19")
        operator.sees_not("esc host")


async def test_back_from_the_vms_of_a_host_leads_to_its_own_screen_where_they_were_asked_for_there() -> None:
    async with at_console(a_console()) as operator:
        await operator.press("2", "enter", "v")
        operator.sees("4 of 19")
        await operator.press("escape")
        assert isinstance(operator.app.screen, HostScreen)
        operator.sees("Host kvm-ams-01")
        await operator.press("escape")
        assert _pane(operator) == 1


async def test_another_pane_forgets_the_way_back() -> None:
    async with at_console(a_console()) as operator:
        await operator.press("2", "v", "3", "1", "escape")
        assert _pane(operator) == 0
        operator.sees("cache-3", "web-1")


@pytest.mark.parametrize("key", ["d", "C"])
async def test_a_key_that_answers_no_question_says_so(key: str) -> None:
    async with at_console(a_console()) as operator:
        await operator.press("slash")
        await operator.type("web-1" if key == "d" else "db-2")
        await operator.press("enter", key, "w")
        operator.sees("w means nothing here")
        await operator.press("y")
        operator.sees_not("means nothing")


async def test_a_filter_is_shown_whole_at_eighty_columns_and_no_pane_is_cut() -> None:
    async with at_console(a_console(), size=SMALL) as operator:
        await operator.press("slash")
        await operator.type("host:kvm-ams-01 cache")
        await operator.press("enter", "asterisk")
        operator.sees("/host:kvm-ams-01 cache ", "2 selected")
        assert "…" not in operator.lines[1]
