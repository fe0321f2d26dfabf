"""The overview: what it shows at every size, and that each cell leads to its thing."""

import pytest

from novacron.model.vm import StateReason, VmState
from novacron_tui.keys import KeyScope
from novacron_tui.present.cells import line_width
from novacron_tui.present.glyphs import ASCII
from tests.builders import a_fleet, a_host, a_reading, a_vm
from tests.ui.console_program import a_hostile_console, a_large_console
from tests.ui.fake_backend import FakeBackend
from tests.ui.operator import a_console, at_console


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 36), (200, 50)])
async def test_the_overview_tells_the_fleet_at_every_size(size: tuple[int, int]) -> None:
    async with at_console(a_console(), size=size) as operator:
        await operator.press("0")
        operator.sees("Overview", "CPU", "memory", "storage", "Wrong", "kvm-ams-02", "mail-1")
        await operator.press("G")
        assert operator.app.screen.key_scope is KeyScope.OVERVIEW


async def test_each_cell_of_the_overview_leads_to_its_thing() -> None:
    async with at_console(a_console(), size=(120, 50)) as operator:
        await operator.press("0")
        operator.sees("Hosts by site and rack", "fra", "ams", "CPU %", "Disk/s", "Net/s", "1 under way", "migrate db-2")
        screen = operator.app.screen
        for place in screen._page.places:
            screen._cursor = place.key
            await operator.press("enter")
            if operator.app.screen is screen:
                operator.sees(f"{place.thing.subject} is no longer there")
                continue
            await operator.press("escape")
            assert operator.app.screen is screen, place.key


async def test_arrows_reach_every_thing_and_escape_leaves() -> None:
    async with at_console(a_console(), size=(120, 36)) as operator:
        await operator.press("0")
        screen = operator.app.screen
        seen = [screen.place.key]
        for _ in screen._page.places[1:]:
            await operator.press("right")
            seen.append(screen.place.key)
        assert seen == [place.key for place in screen._page.places]
        await operator.press("up", "down", "g")
        assert screen.place.key == seen[0]
        await operator.press("escape", "0", "2")
        operator.sees("OR WHAT IS WRONG")


async def test_foreign_names_leave_every_line_of_the_overview_as_wide_as_the_screen() -> None:
    async with at_console(a_hostile_console(), size=(120, 36), glyphs=ASCII) as operator:
        await operator.press("0", "down", "down")
        assert all(line_width(line) <= 120 for line in operator.app.screen.text.lines)


async def test_the_overview_holds_ten_thousand_vms() -> None:
    async with at_console(a_large_console(), size=(80, 24)) as operator:
        await operator.press("0")
        operator.sees("Wrong", "nothing", "of 16000 cores", "500/500")


async def test_a_vm_that_somebody_paused_is_not_told_as_wrong() -> None:
    wished = a_vm("wished", state=VmState.PAUSED, reason=StateReason.USER)
    failed = a_vm("failed", state=VmState.PAUSED, reason=StateReason.IO_ERROR)
    fleet = a_fleet(a_host("kvm-1", reading=a_reading("kvm-1", wished, failed)))
    async with at_console(FakeBackend(fleet)) as operator:
        await operator.press("0")
        places = operator.app.screen._page.places
        assert [place.thing.home.vm.name for place in places if place.key.startswith("trouble")] == ["failed"]


async def test_moving_the_cursor_lays_nothing_out() -> None:
    async with at_console(a_console(), size=(120, 36)) as operator:
        await operator.press("0")
        screen = operator.app.screen
        screen.draw_ages = lambda: None
        await operator.press("right")
        page = screen._page
        await operator.press("right", "down", "G", "g", "left")
        assert screen._page is page
