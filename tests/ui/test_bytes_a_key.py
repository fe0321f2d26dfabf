"""What a key sends to the terminal at 10,000 VMs; lines that the terminal moved itself show what they should."""

import os

import pytest

from novacron_tui.terminal.keyboard import escape_delay_s
from tests.terminal import Terminal
from tests.ui.console_program import a_large_console
from tests.ui.operator import at_console
from tests.ui.test_on_a_terminal import console_on_a_terminal

_LEAST = 40
"""Bytes of one changed cell: where nothing is sent, nothing was measured."""


def _sent_by(terminal: Terminal, key: str) -> int:
    before = len(terminal.sent)
    terminal.press(key)
    terminal.quiet(0.6)
    return len(terminal.sent) - before


def test_a_key_at_ten_thousand_rows_sends_what_it_changes() -> None:
    with console_on_a_terminal("large") as terminal:
        terminal.wait_for("vm-0-0 ")
        terminal.quiet(1.0)
        assert _LEAST < _sent_by(terminal, "j") < 1200, "two rows and the status line"
        for _ in range(17):
            terminal.press("j")
        terminal.wait_for("vm-0-18 ")
        terminal.quiet(0.6)
        for key in ("j", "j", "j"):
            assert _LEAST < _sent_by(terminal, key) < 1500, "a scrolled page is one new line"
        terminal.press("G")
        terminal.wait_for("vm-499-19 ")
        terminal.quiet(0.6)
        _moved_lines_are_right(terminal)


def _moved_lines_are_right(terminal: Terminal) -> None:
    for key in (*"k" * 21, "\x04", "\x15", "k", "j", "j"):
        terminal.press(key)
    terminal.quiet(0.6)
    moved = terminal.text
    before = len(terminal.sent)
    terminal.press("\x0c")
    terminal.wait_for(lambda _: len(terminal.sent) - before > 2000)
    terminal.quiet(0.6)
    assert terminal.text == moved


@pytest.mark.parametrize(
    ("key", "most"),
    [("j", 0), ("G", 31), ("k", 0), ("greater_than_sign", 31), ("g", 31), ("pagedown", 31)],
)
async def test_a_key_computes_the_cells_of_rows_that_come_into_sight(key: str, most: int) -> None:
    async with at_console(a_large_console(), size=(120, 36)) as operator:
        table = operator.app.screen.table
        if key == "k":
            await operator.press("j")
        before = table.computed_rows
        await operator.press(key)
        assert table.computed_rows - before <= most


async def test_a_line_down_computes_one_row() -> None:
    async with at_console(a_large_console(), size=(120, 36)) as operator:
        table = operator.app.screen.table
        await operator.press("pagedown", "pagedown")
        before = table.computed_rows
        await operator.press("j", "j", "j")
        assert table.computed_rows - before == 3


def test_a_terminal_that_takes_nothing_for_a_while_gets_one_late_frame_and_no_queue_of_old_ones() -> None:
    with console_on_a_terminal("large") as terminal:
        terminal.wait_for("vm-0-0 ")
        terminal.quiet(1.0)
        before = len(terminal.sent)
        for _ in range(20):
            os.write(terminal._fd, b"Gg" * 25)
        os.write(terminal._fd, b"G")
        terminal.wait_for("vm-499-19 ")
        terminal.quiet(1.0)
        # 1,001 frames of a whole page would be several megabytes.
        assert len(terminal.sent) - before < 1_500_000
        assert "vm-499-19 " in terminal.text


@pytest.mark.parametrize(
    ("environment", "local"),
    [
        ({}, True),
        ({"SSH_CONNECTION": "::1 1 ::1 22"}, False),
        ({"SSH_TTY": "/dev/pts/1"}, False),
        ({"ESCDELAY": "9"}, False),
    ],
)
def test_escape_is_answered_within_thirty_milliseconds_on_a_local_line(environment: dict, local: bool) -> None:
    assert (escape_delay_s(environment) <= 0.03) is local
