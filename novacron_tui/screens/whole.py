"""What had no room on a screen of tables and status lines, in full: asked for by a key, and left by it."""

from collections.abc import Sequence

from novacron_tui.keys import Key
from novacron_tui.present.cells import Line, Role, fold_line, span
from novacron_tui.screens.reading import ReadingScreen

_LABEL = 12


class WholeScreen(ReadingScreen):
    """Shows texts as they were when they were asked for, each with its label."""

    def __init__(self, texts: Sequence[tuple[str, Line]]) -> None:
        super().__init__()
        self._texts = [(label, line) for label, line in texts if any(part.text.strip() for part in line)]

    def title_line(self, width: int) -> Line:
        """Say what this is."""
        return (span(" In full", Role.STRONG),)

    def read(self, width: int) -> Sequence[Line]:
        """Return the texts, folded."""
        return [
            part
            for label, line in self._texts
            for part in fold_line((span(f" {label:<{_LABEL}}", Role.DIM), *line), width, indent=_LABEL + 1)
        ]

    async def press(self, key: Key) -> None:
        """Close on the key that opened it, else as everywhere."""
        if key.id == "whole":
            self.leave()
        else:
            await super().press(key)
