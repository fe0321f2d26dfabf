"""The table of keys: complete, without conflicts, and with danger where it belongs."""

from pathlib import Path

import pytest

from novacron_tui.commands.registry import COMMANDS, at_once
from novacron_tui.keys import GROUPS, KEYS, KeyScope, find, keys_at
from novacron_tui.present.help_lines import help_lines
from novacron_tui.screens.help import key_help

_README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize("scope", list(KeyScope))
def test_no_key_means_two_things_in_one_place(scope: KeyScope) -> None:
    pressed = [name for key in keys_at(scope) for name in key.keys]
    assert len(pressed) == len(set(pressed))


def test_every_command_has_a_key() -> None:
    assert set(COMMANDS) <= {key.id for key in KEYS}


def test_every_key_belongs_to_a_group_that_help_shows() -> None:
    assert {key.group for key in KEYS} == set(GROUPS)


def test_dangerous_commands_have_shifted_letters_and_ask() -> None:
    for key in KEYS:
        command = COMMANDS.get(key.id)
        if command is not None and command.danger:
            assert all(name.isupper() for name in key.keys)
            assert command.asks or command.form is not None or command.act is not None


def test_no_lower_case_letter_acts_without_a_question_but_on_what_is_harmless() -> None:
    for key in KEYS:
        command = COMMANDS.get(key.id)
        if command is not None and command.intent is not None and not command.asks:
            assert key.id in {"vm.start", "vm.resume", "vm.autostart", "pool.start"}


@pytest.mark.parametrize("scope", list(KeyScope))
def test_the_way_out_is_the_same_everywhere(scope: KeyScope) -> None:
    for pressed in ("escape", "q", "ctrl+c", "?", ":"):
        assert find(scope, pressed) is not None


def test_readme_names_the_commands_that_act_at_once_and_no_others() -> None:
    at_once_anywhere = {key.id: key for where in KeyScope for key in at_once(where)}
    assert set(at_once_anywhere) == {"vm.start", "vm.resume", "vm.autostart", "pool.start"}
    (said,) = (part for part in _README.read_text().split("\n\n") if part.startswith("Every action is shown before"))
    assert [key.keys for key in at_once_anywhere.values()] == [("s",), ("u",), ("a",), ("s",)]
    assert "`s` start, `u` resume, `a` autostart, and `s` on a pool act at once" in " ".join(said.split())


def test_help_names_the_keys_that_act_at_once() -> None:
    texts = {
        scope: "".join(part.text for line in help_lines(scope, GROUPS, key_help(scope), 200) for part in line)
        for scope in KeyScope
    }
    assert "s, u, a on one row: at once" in texts[KeyScope.VMS]
    assert "s on one row: at once" in texts[KeyScope.STORAGE]
    assert "Every action is shown before it happens." in texts[KeyScope.VOLUMES]
