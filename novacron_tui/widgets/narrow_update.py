"""Sends a changed cell and not the line to its left, and lines that only move as an order to move them.

Textual 8.2 cuts a partial update on its right side only: a change in column 70 rewrites columns 0 to 70, once for
every changed cell of the line. Over a slow line that is the difference between 60 bytes and a kilobyte.
Rests on Textual's private compositor (pinned below 9); tests/ui/test_on_a_terminal.py tells when that moves.
"""

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual.geometry import Region


class _NarrowUpdate(ChopsUpdate):
    """A partial update cut on both sides, after lines have been moved."""

    def __init__(self, update: ChopsUpdate, scroll: str) -> None:
        super().__init__(update.chops, update.spans, update.chop_ends)
        self._scroll = scroll

    def render_segments(self, console: Console) -> str:
        """Render what lies inside the spans."""
        sequences: list[str] = [self._scroll]
        for y, start, end in self.spans:
            for chop_end, (chop_start, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                left, right = max(start, chop_start), min(end, chop_end)
                if strip is None or left >= right:
                    continue
                part = strip.crop(left - chop_start, right - chop_start)
                sequences += (Control.move_to(left, y).segment.text, part.render(console))
        return "".join(sequences)


class NarrowCompositor(Compositor):
    """Textual's compositor with narrow partial updates."""

    scroll: str = ""
    """What moves lines on the terminal, sent before the next partial update; a full one needs it no more."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing that changed waits to be painted."""
        return not self._dirty_regions and not self.scroll

    def scroll_lines(self, lines: Region, step: int) -> None:
        """Move whole lines up by `step`, down if it is negative, with the next partial update.

        By lines inserted and deleted within margins: every terminal knows these, SU and SD not every one.
        """
        order = f"{step}M" if step > 0 else f"{-step}L"
        self.scroll = f"\x1b[{lines.y + 1};{lines.bottom}r\x1b[{lines.y + 1};1H\x1b[{order}\x1b[r"

    def render_partial_update(self) -> ChopsUpdate | None:
        """Return the update of what is dirty."""
        update = super().render_partial_update()
        scroll, self.scroll = self.scroll, ""
        return None if update is None else _NarrowUpdate(update, scroll)

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        """Return the update of everything."""
        self.scroll = ""
        return super().render_full_update(simplify)
