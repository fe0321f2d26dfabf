"""A screen of text to read: it scrolls, and goes back."""

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from novacron_tui.keys import Key
from novacron_tui.present.cells import Line, Role, span
from novacron_tui.screens.live import LiveScreen
from novacron_tui.widgets.lines import Lines


class ReadingScreen(LiveScreen):
    """Scrolls its text and goes back where it came from.

    The text is held here and not looked for: answers may come before it is mounted, and after it was taken down.
    """

    def __init__(self) -> None:
        super().__init__()
        self.text = Lines(self.read, name="text")

    def body(self) -> Iterable[Widget]:
        """Mount the text."""
        yield self.text

    def read(self, width: int) -> Sequence[Line]:
        """Return what is read."""
        return ()

    def status_line(self) -> Line:
        """Say which part of the text is seen, where that is not all of it."""
        text, height = self.text, self.text.size.height
        if len(text.lines) <= height:
            return ()
        where = f" lines {text.top + 1} to {min(text.top + height, len(text.lines))} of {len(text.lines)}"
        below = text.top + height < len(text.lines)
        return (span(where, Role.DIM), span("   j pgdn" if below else "   k pgup", Role.KEY), span(" more", Role.DIM))

    def on_screen_resume(self) -> None:
        """Catch up; how much text there is turns out when it is laid out."""
        super().on_screen_resume()
        self.call_after_refresh(self.update_frame)

    def on_resize(self) -> None:
        """Say anew which part is seen."""
        self.call_after_refresh(self.update_frame)

    def draw(self) -> None:
        """Say what is to be said now."""
        self.text.update()

    def draw_ages(self) -> None:
        """Let ages grow."""
        self.text.update()

    async def act(self, key: Key) -> None:
        """Scroll, or go back."""
        page = max(1, self.text.size.height - 1)
        steps = {
            "down": 1,
            "up": -1,
            "half-down": page // 2,
            "half-up": -(page // 2),
            "page-down": page,
            "page-up": -page,
            "first": -len(self.text.lines),
            "last": len(self.text.lines),
        }
        if key.id in steps:
            self.text.scroll_lines(steps[key.id])
            self.update_frame()
        elif key.id == "back":
            self.leave()
