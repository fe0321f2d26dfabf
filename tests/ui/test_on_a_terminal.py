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
def console_on_a_terminal(kind: str, *, columns: int = 80, rows: int = 24, **wishes: str) -> Iterator[Terminal]:
    """Run the console of `console_program` on a pty; `wishes` are added to its environment."""
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
    with console_on_a_terminal("mixed") as terminal:
        terminal.wait_for("web-10")
        terminal.quiet(1.5)
        for percent in ("11", "12"):
            assert _cpu_of_web_1(terminal.text) != percent
            before = len(terminal.sent)
            os.kill(terminal.pid, signal.SIGUSR1)
            terminal.wait_for(lambda text, percent=percent: _cpu_of_web_1(text) == percent)
            terminal.quiet(1.5)
            assert 0 < len(terminal.sent) - before < 120, bytes(terminal.sent[before:])


def _cpu_of_web_1(text: str) -> str:
    found = re.search(r"^ web-1 .* kvm-fra-01 +(\S+)", text, re.MULTILINE)
    return found[1] if found else ""


def test_a_console_with_no_news_sends_nothing() -> None:
    with console_on_a_terminal("mixed") as terminal:
        terminal.wait_for("web-10")
        # However late the last of the start is painted: from then on there is nothing, or this never ends.
        terminal.quiet(5.0)


def test_moving_the_cursor_repaints_two_lines() -> None:
    with console_on_a_terminal("mixed") as terminal:
        terminal.wait_for("\n build-1  running")
        terminal.quiet(1.0)
        before = len(terminal.sent)
        terminal.press("j")
        terminal.wait_for("\n build-2  shut off")
        terminal.quiet(1.0)
        # Both rows in full, one in the cursor's colours, and the status line.
        assert 160 < len(terminal.sent) - before < 2000


_EMPTY_SCREEN = """
from textual.app import App
class Empty(App):
    def compose(self):
        from textual.widgets import Static
        yield Static("empty")
Empty().run()
"""


def test_the_first_row_is_there_in_thrice_the_time_of_an_empty_screen() -> None:
    took = []
    # Both on the same machine in the same minute, and again when one of them was held up: a busy machine is no reason.
    for _ in range(5):
        empty = Terminal([sys.executable, "-c", _EMPTY_SCREEN], env=os.environ)
        try:
            least_s = empty.wait_for("empty")
        finally:
            empty.close()
        with console_on_a_terminal("mixed") as terminal:
            took.append((terminal.wait_for("web-10"), least_s))
        if took[-1][0] < 3 * least_s:
            return
    raise AssertionError(f"the first row, and an empty screen, in seconds: {took}")


_LONG = "x" * 60
_WALK = (
    *(("j", "\n $(reboot)`reboot`  running"), ("G", "\n \\u{2028}separators\\u{2029}  running")),
    *(("/", "\n /\n"), ("x", "/x 4 of 23"), ("enter", f"\n {_LONG}"), ("esc", "/x 4 of 23")),
    *(("enter", "RSS 700M"), ("G", "\n Identity"), ("g", "RSS 700M"), ("esc", "RSS 700M")),
    *(("y", "lines 1 to 20 of 31"), ("G", "lines 12 to 31 of 31"), ("esc", "lines 12 to 31 of 31")),
    *(("F", "to go on:"), ("esc", "to go on:"), ("d", "y yes"), ("esc", "y yes")),
    *(
        ("m", "To host"),
        ("esc", "To host"),
        ("n", "New VM"),
        ("esc", "New VM"),
        ("z", "has this size"),
        ("esc", "has this size"),
    ),
    *(("x", "pull the plug"), ("esc", "pull the plug"), (":", "XML definition"), ("esc", "XML definition")),
    *(("c", "all keys go to the guest"), ("ctrl+]", "q detach")),
    *(("2", "OR WHAT IS WRONG"), ("j", "\n kvm-2 unreachable: "), ("j", "\n kvm-3 unreachable: ")),
    *(("G", "\n kvm-24 unreachable: "), ("enter", "Host kvm-24"), ("esc", "Host kvm-24")),
    *(("3", "OPERATION  "), ("j", "clipboard: failed"), ("G", "\n tags-\\u{e0041}\\u{e0042}\\u{e007f}: failed")),
    *(("enter", "Operation tags-"), ("esc", "Operation tags-")),
    *(("4", "SCOPE"), ("j", "\n $(reboot)`reboot` on kvm-1"), ("G", "\n \\u{2028}separators\\u{2029} on kvm-1")),
    *(("enter", "USED BY"), ("D", "to go on:"), ("esc", "to go on:"), ("esc", "USED BY")),
    *(("S", "y yes"), ("esc", "y yes")),
    *(("5", "SEVERITY"), ("j", "\\u{7}clipboard: web"), ("G", "\n tags-\\u{e0041}\\u{e0042}\\u{e007f}: tags")),
    *(("g", "\n web-\\u{1b}[2Jcleared: web"), ("?", "\n Keys: alerts"), ("esc", "\n Keys: alerts")),
    ("1", "HOST  "),
)
"""Each key, and a sign on the screen that came with it, or after esc: that has gone."""


def _walk(terminal: Terminal) -> None:
    """Look at every kind of screen there is."""
    for key, sign in _WALK:
        if key == "esc":
            terminal.escape(sign)
        else:
            assert sign not in terminal.text, f"{sign!r} tells nothing of {key!r}"
            terminal.press(key)
            terminal.wait_for(sign)


@pytest.mark.parametrize(
    "wishes", [{}, {"NO_COLOR": "1"}, {"NOVACRON_ASCII": "1", "TERM": "linux"}], ids=["colour", "mono", "ascii"]
)
def test_no_foreign_text_is_obeyed_by_the_terminal(wishes: dict[str, str]) -> None:
    with console_on_a_terminal("hostile", **wishes) as terminal:
        terminal.wait_for("\n  leading and trailing   running")
        _walk(terminal)
        terminal.quiet(0.5)
        sent = bytes(terminal.sent)
        assert not foreign_parts(sent)
        assert b"\x1b]" not in sent
        if "NO_COLOR" in wishes:
            assert not re.search(rb"\x1b\[[\d;]*(?:3[0-7]|4[0-7]|38|48)[;m]", sent)
        if "NOVACRON_ASCII" in wishes:
            assert sent.isascii()
        lines = terminal.text.split("\n")
        assert lines[0].startswith(" NovaCron"), "the frame still stands"
        assert "q detach" in lines[-1]


def test_every_row_of_a_hostile_fleet_keeps_its_columns() -> None:
    with console_on_a_terminal("hostile", columns=100, rows=40) as terminal:
        terminal.wait_for("NAME")
        terminal.quiet(1.0)
        lines = terminal.text.split("\n")
        header = next(line for line in lines if "NAME" in line)
        at = header.index("STATE")
        rows = [line for line in lines[3:-3] if "running" in line]
        assert len(rows) > 15
        assert {wcswidth(line[: line.index("● running")]) for line in rows} == {at}


def test_the_terminal_is_given_back_as_it_was() -> None:
    with console_on_a_terminal("mixed") as terminal:
        terminal.wait_for("web-10")
        terminal.press("q")
        assert terminal.wait() == 0
        assert b"\x1b[?1049l" in terminal.sent
        assert b"\x1b[?25h" in terminal.sent


def test_escape_is_heard_where_a_stalled_line_delivers_it_with_the_next_key() -> None:
    with console_on_a_terminal("mixed") as terminal:
        terminal.wait_for("web-10")
        terminal.press("/", "web-1", "enter", "d")
        terminal.wait_for("y yes")
        terminal.quiet(0.5)
        terminal.press("\x1b\r")
        terminal.wait_for(lambda text: "y yes" not in text)
        terminal.press("\x1bs\x1b:")
        terminal.wait_for("Migrate")
        terminal.quiet(0.5)
        assert "accepted" not in terminal.text


def test_bytes_that_are_no_text_are_no_keys_and_end_nothing() -> None:
    with console_on_a_terminal("mixed") as terminal:
        terminal.wait_for("web-10")
        os.write(terminal._fd, b"\xff\xe4\xc3")
        terminal.press("2")
        terminal.wait_for("OR WHAT IS WRONG")
