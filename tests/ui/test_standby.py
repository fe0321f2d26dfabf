"""A backend beside one that runs the operations of the same journal: it shows them, says so, and changes nothing."""

import pytest

from novacron_tui.present.glyphs import ASCII
from tests.ui.operator import LARGE, SMALL, a_console, at_console

OTHER = "jump-b:4711"


@pytest.mark.parametrize(("size", "said"), [(SMALL, "! standby"), (LARGE, f"! standby: {OTHER} runs operations")])
async def test_the_header_says_that_this_backend_stands_by(size: tuple[int, int], said: str) -> None:
    console = a_console()
    console.operations_run_by = OTHER
    async with at_console(console, size=size) as operator:
        operator.sees(said)
        operator.sees("web-1 ", "running")


@pytest.mark.parametrize("keys", [("s",), ("m",), ("n",), ("3", "C")])
async def test_what_would_change_something_is_refused_at_the_key(keys: tuple[str, ...]) -> None:
    console = a_console()
    console.operations_run_by = OTHER
    async with at_console(console, size=LARGE) as operator:
        await operator.type("/state:shut")
        await operator.press("enter")
        if keys != ("s",):
            await operator.press("escape")
        await operator.press(*keys)
        operator.sees(f"{OTHER} runs operations: ask there")
        assert not console.submitted
        assert not console.cancelled


async def test_what_only_reads_goes_on() -> None:
    console = a_console()
    console.operations_run_by = OTHER
    async with at_console(console) as operator:
        await operator.press("y")
        operator.sees("XML on")


async def test_a_backend_that_takes_over_says_so_and_acts() -> None:
    console = a_console()
    console.operations_run_by = OTHER
    async with at_console(console) as operator:
        operator.sees("standby")
        console.operations_run_by = ""
        await operator.app.bridge.read_status()
        await operator.settle()
        operator.sees_not("standby")
        await operator.press("n")
        operator.sees("New VM")


async def test_a_terminal_without_glyphs_shows_it_too() -> None:
    console = a_console()
    console.operations_run_by = OTHER
    async with at_console(console, glyphs=ASCII) as operator:
        operator.sees("standby")
