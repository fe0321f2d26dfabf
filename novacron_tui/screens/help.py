"""The help: the keys of the screen it was asked from."""

from collections.abc import Sequence

from novacron_tui.keys import Key, Where
from novacron_tui.present.cells import Line, Role, span
from novacron_tui.present.help_lines import help_lines
from novacron_tui.screens.reading import ReadingScreen


class HelpScreen(ReadingScreen):
    """Shows the keys of one place."""

    def __init__(self, about: Where) -> None:
        super().__init__()
        self._about = about

    def title_line(self, width: int) -> Line:
        """Say what this is."""
        return (span(" Help", Role.STRONG),)

    def read(self, width: int) -> Sequence[Line]:
        """Return what the keys do there."""
        return help_lines(self._about, width)

    async def press(self, key: Key) -> None:
        """Close on a second ?, else as everywhere."""
        if key.id == "help":
            self.leave()
        else:
            await super().press(key)
