"""The table of keys: complete, without conflicts, and with danger where it belongs."""

import pytest

from novacron_tui.commands.registry import COMMANDS
from novacron_tui.keys import GROUPS, KEYS, Where, find, keys_at


@pytest.mark.parametrize("where", list(Where))
def test_no_key_means_two_things_in_one_place(where: Where) -> None:
    pressed = [name for key in keys_at(where) for name in key.keys]
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
            assert command.asks or command.act is not None


def test_no_lower_case_letter_acts_without_a_question_but_on_what_is_harmless() -> None:
    for key in KEYS:
        command = COMMANDS.get(key.id)
        if command is not None and command.intent is not None and not command.asks:
            assert key.id in {"vm.start", "vm.resume", "vm.autostart", "pool.start"}


@pytest.mark.parametrize("where", list(Where))
def test_the_way_out_is_the_same_everywhere(where: Where) -> None:
    for pressed in ("escape", "q", "ctrl+c", "?", ":"):
        assert find(where, pressed) is not None
