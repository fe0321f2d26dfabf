"""The lines inside a dialog: as high as what they say."""

from textual.geometry import Size

from novacron_tui.palette import Surface
from novacron_tui.widgets.lines import Layout, Lines


class BoxLines(Lines):
    """Lines that take the height they need, up to what the terminal has."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, surface=Surface.BOX)
        self.add_class("box")

    def update(self) -> None:
        """Ask the layout again, and grow or shrink with it."""
        before = len(self.lines)
        super().update()
        if len(self.lines) != before:
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Take a line for each line."""
        return max(1, len(self._layout_of(width)))
