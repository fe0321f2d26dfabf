"""The help: the keys of the screen it was asked from."""

from collections.abc import Sequence

from novacron_tui import keys
from novacron_tui.commands.registry import at_once
from novacron_tui.keys import Key, KeyScope
from novacron_tui.present.cells import Line, Role, span
from novacron_tui.present.help_lines import KeyHelp, help_lines
from novacron_tui.present.key_names import key_name
from novacron_tui.screens.reading import ReadingScreen


class HelpScreen(ReadingScreen):
    """Shows the keys of one place."""

    def __init__(self, about: KeyScope) -> None:
        super().__init__()
        self._about = about
        self._keys = key_help(about)

    def title_line(self, width: int) -> Line:
        """Say what this is."""
        return (span(" Help", Role.STRONG),)

    def read(self, width: int) -> Sequence[Line]:
        """Return what the keys do there."""
        return help_lines(self._about.value, keys.GROUPS, self._keys, width)

    async def press(self, key: Key) -> None:
        """Close on a second ?, else as everywhere."""
        if key.id == "help":
            self.leave()
        else:
            await super().press(key)


def key_help(scope: KeyScope) -> list[KeyHelp]:
    """Return what the help says of each key that means something in this scope."""
    immediate = at_once(scope)
    return [
        KeyHelp(
            names=tuple(key_name(name) for name in key.keys),
            label=key.label,
            group=key.group,
            is_immediate=key in immediate,
        )
        for key in keys.keys_at(scope)
    ]
