"""What every dialog is: one box of lines over the screen it is about, driven by keys."""

from collections.abc import Sequence
from typing import TypeVar

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen

from novacron_tui.desk import Desk, desk_of
from novacron_tui.keys import pressed_name
from novacron_tui.present.box import box_window
from novacron_tui.present.cells import Line, Role, paragraph
from novacron_tui.present.footer import unassigned_key_line
from novacron_tui.screens.stack import can_be_drawn, is_on_top
from novacron_tui.widgets.box import BoxLines

Result = TypeVar("Result")


class BoxScreen(ModalScreen[Result]):
    """A dialog. It dismisses with a value and does nothing else."""

    AUTO_FOCUS = None

    def __init__(self) -> None:
        super().__init__()
        self._top = 0
        self._box = BoxLines(self._window)

    @property
    def desk(self) -> Desk:
        """Return the app, by what may be asked of it."""
        return desk_of(self)

    def compose(self) -> ComposeResult:
        """Mount the box."""
        yield self._box

    def lines(self, width: int) -> Sequence[Line]:
        """Return what the box says."""
        return ()

    def tail(self, width: int) -> Sequence[Line]:
        """Return what it asks: seen however much there is to be said."""
        return ()

    def line_of_cursor(self, width: int) -> int | None:
        """Return which of `lines` has to be seen; None: where it was scrolled to."""
        return None

    def state_changed(self) -> None:
        """Follow the latest state, where that changes what the box says."""

    async def pressed(self, event: events.Key) -> None:
        """Take a key."""

    def leave_with(self, value: Result) -> None:
        """Dismiss with a value, once: a second key or a late answer must not take down the screen below."""
        if is_on_top(self):
            self.dismiss(value)

    def refuse_key(self, event: events.Key) -> None:
        """Say on the status line of the screen behind that a key does nothing in this box."""
        self.desk.say(*unassigned_key_line(pressed_name(event.key, event.character)))

    def update(self) -> None:
        """Say what is to be said now."""
        if can_be_drawn(self):
            self._box.update()

    def receive_paste(self, text: str) -> None:
        """Take pasted text; it never counts as keys."""

    def paint_now(self) -> None:
        """Leave it to the next frame: what a box changes is one widget."""

    async def receive_key(self, event: events.Key) -> None:
        """Handle every key: none reaches the screen behind the box."""
        if event.key in {"ctrl+c", "ctrl+q"}:
            self.desk.detach()
            return
        if self.desk.is_too_small and event.key != "escape":
            return
        if event.key in {"pagedown", "pageup"}:
            # The window knows where the text ends: it takes no step beyond.
            self._top += 8 if event.key == "pagedown" else -8
            self.update()
            return
        await self.pressed(event)

    @property
    def most_lines(self) -> int:
        """How many lines a box may have on this terminal, without its border (console.tcss: 94 %)."""
        return max(4, self.app.size.height * 94 // 100 - 2)

    def _window(self, width: int) -> Sequence[Line]:
        if self.desk.is_too_small:
            return paragraph("This terminal is too small to ask; esc leaves.", width - 1, Role.WARNING, indent=1)
        shown, self._top = box_window(
            self.lines(width), self.tail(width), self.most_lines, self._top, self.line_of_cursor(width)
        )
        return shown
