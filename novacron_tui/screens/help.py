"""The help: the keys of the screen it was asked from."""

from collections.abc import Iterable

from textual.widget import Widget

from novacron_tui.keys import Key, Where
from novacron_tui.present.cells import Line, Role, span
from novacron_tui.present.help_lines import help_lines
from novacron_tui.screens.reading import ReadingScreen
from novacron_tui.widgets.lines import Lines


class HelpScreen(ReadingScreen):
    """Shows the keys of one place."""

    def __init__(self, about: Where) -> None:
        super().__init__()
        self._about = about

    def body(self) -> Iterable[Widget]:
        """Mount the text."""
        yield Lines(lambda width: help_lines(self._about, width), name="text")

    def title_line(self, width: int) -> Line:
        """Say what this is."""
        return (span(" Help", Role.STRONG),)

    async def press(self, key: Key) -> None:
        """Close on a second ?, else as everywhere."""
        if key.id == "help":
            self.leave()
        else:
            await super().press(key)
