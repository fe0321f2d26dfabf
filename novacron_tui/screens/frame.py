"""How a screen is painted: a key in one frame, and lines that only move by the terminal itself."""

from typing import Protocol, runtime_checkable

from textual.geometry import Region
from textual.screen import Screen

from novacron_tui.widgets.narrow_update import NarrowCompositor


@runtime_checkable
class _Output(Protocol):
    """An app that knows whether its terminal keeps up."""

    @property
    def is_output_behind(self) -> bool:
        """Whether the terminal has not taken the last frame yet."""


class FrameScreen(Screen[None]):
    """A screen whose frames hold everything that a key has changed, and no more."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor: NarrowCompositor = NarrowCompositor()

    def scroll_lines(self, lines: Region, step: int) -> bool:
        """Move whole lines up by `step`, down if it is negative, with the frame painted next; False: it cannot.

        Only what fills the width of the terminal, and where the terminal shows what was painted last.
        """
        if not self.is_current or lines.width != self.size.width or not self._compositor.is_clean:
            return False
        if self._is_output_behind:
            return False
        self._compositor.scroll_lines(lines, step)
        return True

    def paint_now(self) -> None:
        """Paint what has changed in one frame, without waiting until every widget has told so by itself."""
        if not self.is_current or self._layout_required:
            # Lines that were to be moved are painted where they are.
            if self._compositor.scroll:
                self._compositor.scroll = ""
                self.refresh()
            return
        for widget in self._compositor.visible_widgets:
            if widget._repaint_required and widget is not self:
                widget._repaint_required = False
                self._dirty_widgets.add(widget)
        if self._dirty_widgets or self._repaint_required:
            self._on_timer_update()

    @property
    def _is_output_behind(self) -> bool:
        return isinstance(self.app, _Output) and self.app.is_output_behind

    def _on_timer_update(self) -> None:
        """Paint, once the terminal has taken the frame before: what changes meanwhile is one frame, not a queue."""
        if self._is_output_behind:
            self._update_timer.resume()
        else:
            super()._on_timer_update()
