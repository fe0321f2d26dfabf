"""What every widget of the console is: lines painted from spans, told by the app how they look."""

from typing import TYPE_CHECKING, cast

from textual.widget import Widget

from novacron_tui.present.glyphs import Glyphs
from novacron_tui.widgets.painter import Painter

if TYPE_CHECKING:
    from novacron_tui.app import NovaCronApp


class Painted(Widget, can_focus=False):
    """A widget of the line API. Keys belong to the screen, so nothing here takes the focus."""

    ALLOW_SELECT = False

    @property
    def console_app(self) -> "NovaCronApp":
        """Return the app, by its own type."""
        return cast("NovaCronApp", self.app)

    @property
    def painter(self) -> Painter:
        """Return what turns spans into strips."""
        return self.console_app.painter

    @property
    def glyphs(self) -> Glyphs:
        """Return the shapes this terminal can draw."""
        return self.console_app.glyphs
