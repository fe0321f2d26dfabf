"""Spans to what Textual writes: the last step, and the only place where text meets a terminal style.

Takes spans alone, whose text is SafeText: no widget of the console hands a plain string to Textual.
"""

from collections.abc import Iterable
from typing import Final

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from novacron.model.safetext import SafeText
from novacron_tui.palette import Palette, Surface
from novacron_tui.present.cells import Role, Span, line_width
from novacron_tui.present.width import width_of

_ASCII_FOR: Final = {"…": "~", "·": ".", "→": ">", "←": "<", "↑": "^", "↓": "v"}


class Painter:
    """Paints spans in a palette, in ASCII alone where the terminal has no more."""

    def __init__(self, palette: Palette, *, ascii_only: bool) -> None:
        self.palette = palette
        self._ascii_only = ascii_only

    def segments(self, spans: Iterable[Span], surface: Surface = Surface.BASE) -> list[Segment]:
        """Paint spans."""
        style = self.palette.style
        if self._ascii_only:
            return [Segment(_to_ascii(part.text), style(part.role, surface)) for part in spans]
        return [Segment(str(part.text), style(part.role, surface)) for part in spans]

    def strip(self, spans: tuple[Span, ...], width: int, surface: Surface = Surface.BASE) -> Strip:
        """Paint one whole line of exactly `width` cells."""
        used = line_width(spans)
        segments = self.segments(spans, surface)
        if used < width:
            segments.append(Segment(" " * (width - used), self.blank(surface)))
            return Strip(segments, width).simplify()
        strip = Strip(segments, used).simplify()
        return strip if used == width else strip.adjust_cell_length(width, self.blank(surface))

    def blank(self, surface: Surface = Surface.BASE) -> Style:
        """Return the look of nothing."""
        return self.palette.style(Role.TEXT, surface)


def _to_ascii(text: str) -> str:
    """Write it in ASCII, cell for cell: what has no letter becomes question marks of the same width."""
    if text.isascii():
        return str(text)
    return "".join(
        character if character.isascii() else _ASCII_FOR.get(character, "?" * width_of(SafeText(character)))
        for character in text
    )
