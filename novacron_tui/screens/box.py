"""What every dialog is: one box of lines over the screen it is about, driven by keys."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar, cast

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen

from novacron_tui.present.cells import Line
from novacron_tui.widgets.box import BoxLines

if TYPE_CHECKING:
    from novacron_tui.app import NovaCronApp

Result = TypeVar("Result")


class BoxScreen(ModalScreen[Result]):
    """A dialog. It dismisses with a value and does nothing else."""

    AUTO_FOCUS = None

    @property
    def console_app(self) -> "NovaCronApp":
        """Return the app, by its own type."""
        return cast("NovaCronApp", self.app)

    @property
    def box(self) -> BoxLines:
        """Its lines."""
        return self.query_one(BoxLines)

    def compose(self) -> ComposeResult:
        """Mount the box."""
        yield BoxLines(self.lines)

    def lines(self, width: int) -> Sequence[Line]:
        """Return what the box says."""
        return ()

    def picture_changed(self) -> None:
        """Take notice of the newer picture, where that changes what the box says."""

    async def pressed(self, event: events.Key) -> None:
        """Take a key."""

    def update(self) -> None:
        """Say what is to be said now."""
        if self.is_mounted:
            self.box.update()

    async def on_key(self, event: events.Key) -> None:
        """Keep every key here: what stands behind the box does not hear it."""
        event.stop()
        event.prevent_default()
        if event.key in {"ctrl+c", "ctrl+q"}:
            self.console_app.exit()
            return
        scrolled = {"pagedown": 8, "pageup": -8, "ctrl+d": 6, "ctrl+u": -6}.get(event.key)
        if scrolled is not None and len(self.box.lines) > self.box.size.height:
            self.box.scroll_lines(scrolled)
            return
        await self.pressed(event)
