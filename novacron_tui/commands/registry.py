"""All commands, by identifier and by what they act on."""

from collections.abc import Mapping
from typing import Final

from novacron_tui.commands.command import Command
from novacron_tui.commands.creation import CREATION
from novacron_tui.commands.definition import DEFINITION
from novacron_tui.commands.devices import DEVICES
from novacron_tui.commands.hosts import HOSTS
from novacron_tui.commands.migration import MIGRATION
from novacron_tui.commands.operations import OPERATIONS
from novacron_tui.commands.power import POWER
from novacron_tui.commands.storage import STORAGE
from novacron_tui.commands.views import VIEWS
from novacron_tui.keys import Key, KeyScope, keys_at

COMMANDS: Final[Mapping[str, Command]] = {
    command.id: command
    for command in (
        *POWER,
        *MIGRATION,
        *CREATION,
        *DEFINITION,
        *VIEWS,
        *DEVICES,
        *OPERATIONS,
        *HOSTS,
        *STORAGE,
    )
}


def commands_at(scope: KeyScope) -> list[Command]:
    """Return the commands that have a key there, in the order of the keys."""
    return [COMMANDS[key.id] for key in keys_at(scope) if key.id in COMMANDS]


def at_once(scope: KeyScope) -> list[Key]:
    """Return the keys that act on one row without showing it first: what they do is harmless and can be taken back."""
    commands = ((key, COMMANDS.get(key.id)) for key in keys_at(scope))
    return [key for key, command in commands if command is not None and command.intent and not command.asks]
