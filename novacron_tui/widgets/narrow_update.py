"""Sends a changed cell and not the line to its left.

Textual 8.2 cuts a partial update on its right side only: a change in column 70 rewrites columns 0 to 70, once for
every changed cell of the line. Over a slow line that is the difference between 60 bytes and a kilobyte.
Rests on Textual's private compositor (pinned below 9); tests/ui/test_on_a_terminal.py tells when that moves.
"""

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor


class _NarrowUpdate(ChopsUpdate):
    """A partial update cut on both sides."""

    def render_segments(self, console: Console) -> str:
        """Render what lies inside the spans."""
        sequences: list[str] = []
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

    def render_partial_update(self) -> ChopsUpdate | None:
        """Return the update of what is dirty."""
        update = super().render_partial_update()
        return None if update is None else _NarrowUpdate(update.chops, update.spans, update.chop_ends)
