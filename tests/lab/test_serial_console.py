"""`novacron console VM` and the console's pane, on a pty and a real guest: also one that attacks the terminal."""

import re
import signal
from collections.abc import Iterator

import pytest

from novacron.lab.lab import Lab
from tests.lab.operators_shell import ShellJumpHost, at_a_shell, send_to_command, told
from tests.lab.serial_line import wait_booted
from tests.lab_fixtures import MakeVm
from tests.sent_bytes import foreign_parts
from tests.terminal import Terminal

pytestmark = pytest.mark.lab

_PATIENCE_S = 120.0
_ATTACK = (
    r"\033]52;c;cm0gLXJmIC8=\007",  # the clipboard
    r"\033]0;owned\007",  # the title
    r"\302\2350;owned\007",  # the same by its C1 twin
    r"\033[\302\2350;Aowned\007",  # and hidden in a sequence
    r"\033[6n\033[c\033[?25$p",  # questions that terminals answer
    r"\033[?1003h\033[?2004h",  # the mouse
    r"\005",
    r"\033[2J",
)


@pytest.fixture
def operator(lab: Lab, make_vm: MakeVm) -> Iterator[ShellJumpHost]:
    """An operator who sees a guest called talker that answers on its line."""
    make_vm("lab1", "talker")
    wait_booted(lab, "lab1", "talker")
    with at_a_shell(lab) as person:
        yield person


def _answered(console: Terminal, command: str, wanted: str) -> None:
    """Type a command until its answer is on the screen."""

    def asked(text: str) -> bool:
        if wanted in text:
            return True
        console.press(command, "enter")
        console.watch(1.0)
        return wanted in console.text

    console.wait_for(asked, timeout_s=_PATIENCE_S)


def test_the_console_is_typed_on_refused_to_a_second_one_taken_by_force_and_left(operator: ShellJumpHost) -> None:
    first = operator.terminal("console", "talker")
    first.wait_for("ctrl+] detaches", timeout_s=_PATIENCE_S)
    _answered(first, "echo in-$((20+3))", "in-23")
    assert re.search("talker:[/~]", first.text), "no prompt"
    assert "echo in-$((20+3))" in first.text, "the guest echoes what is typed"
    second = operator.run("console", "talker", code=3)
    assert b"talker: somebody else has its console open" in second.stderr
    assert b"--force" in second.stderr
    thief = operator.terminal("console", "talker", "--force")
    thief.wait_for("ctrl+] detaches", timeout_s=_PATIENCE_S)
    first.wait_for("the console of talker was closed at the other end", timeout_s=_PATIENCE_S)
    assert first.wait(_PATIENCE_S) == 0
    assert "detached" not in first.text, "they did not leave it"
    _answered(thief, "echo in-$((20+4))", "in-24")
    thief.press("ctrl+]")
    assert thief.wait(_PATIENCE_S) == 0
    assert "detached from talker" in thief.text


@pytest.mark.parametrize("ends", ["ctrl+]", "SIGTERM"])
def test_the_terminal_is_given_back_as_it_was(operator: ShellJumpHost, ends: str) -> None:
    shell = operator.shell("console", "talker")
    shell.wait_for("ctrl+] detaches", timeout_s=_PATIENCE_S)
    _answered(shell, "printf '\\033[?25l\\033[?7l\\033[2;5r\\033[31m'; echo set-$((1+1))", "set-2")
    assert b"\x1b[?25l" in shell.sent, "the guest may hide the cursor"
    if ends == "ctrl+]":
        shell.press("ctrl+]")
    else:
        send_to_command(shell, signal.SIGTERM)
    shell.wait_for("at an end", timeout_s=_PATIENCE_S)
    before, after = told(shell, "modes")
    assert before == after
    assert told(shell, "code") == ["0"]
    guests = bytes(shell.sent)
    for word in (b"\x1b[?25h", b"\x1b[?7h", b"\x1b[r", b"\x1b[m"):
        assert guests.rindex(word) > guests.rindex(b"\x1b[?25l"), "it stays as the guest had set it"


def test_without_a_terminal_it_types_what_it_is_given_and_ends(lab: Lab, operator: ShellJumpHost) -> None:
    done = operator.run("console", "talker")  # its input is what pytest has: nothing
    assert b"Traceback" not in done.stderr
    assert b"detached from talker" in done.stderr


def test_nothing_of_an_attacking_guest_reaches_the_operators_terminal(operator: ShellJumpHost) -> None:
    attack = "printf '" + "".join(_ATTACK) + "'; echo struck-$((40+2))"
    shell = operator.terminal("console", "talker")
    shell.wait_for("ctrl+] detaches", timeout_s=_PATIENCE_S)
    _answered(shell, attack, "struck-42")
    shell.press("ctrl+]")
    assert shell.wait(_PATIENCE_S) == 0
    for forbidden in (
        b"\x1b]",
        b"\xc2\x9d",
        b"\x9d",
        b"\x05",
        b"\x1b[6n",
        b"\x1b[c",
        b"\x1b[?25$p",
        b"\x1b[?1003",
        b"\x1b[?2004",
    ):
        assert forbidden not in shell.sent, forbidden
    pane = operator.terminal(columns=120, rows=40)
    pane.wait_for("talker", timeout_s=_PATIENCE_S)
    pane.press("c")
    pane.wait_for("all keys go to the guest", timeout_s=_PATIENCE_S)
    _answered(pane, attack, "struck-42")
    pane.press("ctrl+]")
    pane.wait_for("1 VMs", timeout_s=_PATIENCE_S)
    assert foreign_parts(bytes(pane.sent)) == []
    assert b"\x1b]" not in pane.sent
