"""The base of the console's widgets: lines painted from spans, in the colours of the app."""

from textual.widget import Widget

from novacron_tui.desk import Desk, desk_of
from novacron_tui.present.glyphs import Glyphs
from novacron_tui.widgets.painter import Painter


class Painted(Widget, can_focus=False):
    """A widget of the line API. Keys belong to the screen, so nothing here takes the focus."""

    ALLOW_SELECT = False

    @property
    def desk(self) -> Desk:
        """Return the app, by what may be asked of it."""
        return desk_of(self)

    @property
    def painter(self) -> Painter:
        """Return what turns spans into strips."""
        return Painter(self.desk.palette, ascii_only=self.glyphs.is_ascii)

    @property
    def glyphs(self) -> Glyphs:
        """Return the shapes this terminal can draw."""
        return self.desk.glyphs
