"""Lines of text that scroll: header, footer, details, help, XML. Only what changed is painted again."""

from collections.abc import Callable, Sequence

from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip

from novacron_tui.palette import Surface
from novacron_tui.present.cells import Line, Span, line_width
from novacron_tui.widgets.painted import Painted

Layout = Callable[[int], Sequence[Line]]
"""Gives the lines for a width: called again when the width changes."""


class Lines(Painted):
    """Shows the lines a layout gives, from `top` on."""

    DEFAULT_CSS = """
    Lines { width: 1fr; height: 1fr; }
    Lines.-one { height: 1; }
    """

    def __init__(
        self, layout: Layout = lambda _width: (), *, surface: Surface = Surface.BASE, name: str | None = None
    ) -> None:
        super().__init__(id=name)
        self._layout_of = layout
        self._surface = surface
        self._lines: tuple[Line, ...] = ()
        self.top = 0

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown, all of it."""
        return self._lines

    def show(self, layout: Layout) -> None:
        """Show other lines, painting only where they differ."""
        self._layout_of = layout
        self.update()

    def update(self) -> None:
        """Ask the layout again."""
        if not self.size.width:
            return
        before, after = self._lines, tuple(self._layout_of(self.size.width))
        self._lines = after
        top = min(self.top, max(0, len(after) - self.size.height))
        if top != self.top:
            self.top = top
            self.refresh()
            return
        for y in range(self.size.height):
            index = self.top + y
            old = before[index] if index < len(before) else ()
            new = after[index] if index < len(after) else ()
            if old != new:
                start, end = _changed(old, new)
                self.refresh(Region(start, y, max(1, min(end, self.size.width) - start), 1))

    def repaint(self) -> None:
        """Paint everything again: the palette changed."""
        self._lines = ()
        self.update()
        self.refresh()

    def scroll_lines(self, step: int) -> None:
        """Scroll by so many lines."""
        top = min(max(0, self.top + step), max(0, len(self._lines) - self.size.height))
        if top != self.top:
            self.top = top
            self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        """Lay out anew."""
        self._lines = ()
        self.update()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        self.scroll_lines(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        self.scroll_lines(-3)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """Take all there is."""
        return container.width

    def render_line(self, y: int) -> Strip:
        """Paint one line."""
        index = self.top + y
        spans = self._lines[index] if index < len(self._lines) else ()
        return self.painter.strip(spans, self.size.width, self._surface)


def _changed(old: Sequence[Span], new: Sequence[Span]) -> tuple[int, int]:
    """Return from which cell to which two lines differ."""
    start = 0
    for before, after in zip(old, new, strict=False):
        if before != after:
            break
        start += line_width((before,))
    else:
        return start, max(line_width(old), line_width(new))
    old_width, new_width = line_width(old), line_width(new)
    end = max(old_width, new_width)
    if old_width == new_width:
        for before, after in zip(reversed(old), reversed(new), strict=False):
            if before != after:
                break
            end -= line_width((before,))
    return start, max(start, end)
