"""The console on a real pty read by a terminal emulator: what is really sent."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from wcwidth import wcswidth

from tests.sent_bytes import foreign_parts
from tests.terminal import Terminal

_ROOT = Path(__file__).parents[2]


@contextmanager
def _console(kind: str, *, columns: int = 80, rows: int = 24, **wishes: str) -> Iterator[Terminal]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(_ROOT),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": "/nonexistent",
        **wishes,
    }
    argv = [sys.executable, "-m", "tests.ui.console_program", kind]
    terminal = Terminal(argv, env=environment, columns=columns, rows=rows)
    try:
        yield terminal
    finally:
        terminal.close()


def test_one_changed_cell_sends_about_sixty_bytes() -> None:
    with _console("mixed") as terminal:
        terminal.wait_for("web-10")
        terminal.watch(1.5)
        os.kill(terminal.pid, signal.SIGUSR1)
        terminal.watch(0.5)
        before = len(terminal.sent)
        os.kill(terminal.pid, signal.SIGUSR1)
        cost = terminal.watch(0.7)
        assert "12" in terminal.text
        assert 0 < cost < 120, bytes(terminal.sent[before:])


def test_a_console_with_no_news_sends_nothing() -> None:
    with _console("mixed") as terminal:
        terminal.wait_for("web-10")
        terminal.watch(1.5)
        assert terminal.watch(3.0) == 0


def test_moving_the_cursor_repaints_two_lines() -> None:
    with _console("mixed") as terminal:
        terminal.wait_for("web-10")
        terminal.watch(1.0)
        before = len(terminal.sent)
        terminal.press("j")
        terminal.watch(0.5)
        assert len(terminal.sent) - before < 2000


def test_the_first_row_is_painted_within_a_second_even_on_a_busy_machine() -> None:
    with _console("mixed") as terminal:
        assert terminal.wait_for("web-10") < 2.0


_EVERYWHERE = (
    *("j", "G", "/", "x", "enter", "esc"),
    *("enter", "G", "g", "esc"),
    *("y", "G", "esc"),
    *("F", "esc", "d", "esc", "m", "esc", "n", "esc", "z", "esc", "x", "esc", ":", "esc", "c", "ctrl+]"),
    *("2", "j", "j", "G", "enter", "G", "esc"),
    *("3", "j", "G", "enter", "G", "esc"),
    *("4", "j", "G", "enter", "j", "D", "esc", "esc", "S", "esc"),
    *("5", "j", "G", "g", "?", "esc"),
)


@pytest.mark.parametrize(
    "wishes", [{}, {"NO_COLOR": "1"}, {"NOVACRON_ASCII": "1", "TERM": "linux"}], ids=["colour", "mono", "ascii"]
)
def test_no_foreign_text_is_obeyed_by_the_terminal(wishes: dict[str, str]) -> None:
    with _console("hostile", **wishes) as terminal:
        terminal.wait_for("NAME")
        terminal.watch(0.5)
        for key in _EVERYWHERE:
            terminal.press(key)
            terminal.watch(0.12)
        sent = bytes(terminal.sent)
        assert not foreign_parts(sent)
        assert b"\x1b]" not in sent
        if "NO_COLOR" in wishes:
            assert not re.search(rb"\x1b\[[\d;]*(?:3[0-7]|4[0-7]|38|48)[;m]", sent)
        if "NOVACRON_ASCII" in wishes:
            assert sent.isascii()
        terminal.press("1")
        terminal.watch(0.5)
        lines = terminal.text.split("\n")
        assert lines[0].startswith(" NovaCron"), "the frame still stands"
        assert "q detach" in lines[-1]


def test_every_row_of_a_hostile_fleet_keeps_its_columns() -> None:
    with _console("hostile", columns=100, rows=40) as terminal:
        terminal.wait_for("NAME")
        terminal.watch(1.0)
        lines = terminal.text.split("\n")
        header = next(line for line in lines if "NAME" in line)
        at = header.index("STATE")
        rows = [line for line in lines[3:-3] if "running" in line]
        assert len(rows) > 15
        assert {wcswidth(line[: line.index("● running")]) for line in rows} == {at}


def test_the_terminal_is_given_back_as_it_was() -> None:
    with _console("mixed") as terminal:
        terminal.wait_for("web-10")
        terminal.press("q")
        assert terminal.wait() == 0
        assert b"\x1b[?1049l" in terminal.sent
        assert b"\x1b[?25h" in terminal.sent
