"""A screen of text to read: it scrolls, and goes back."""

from novacron_tui.keys import Key
from novacron_tui.screens.live import LiveScreen
from novacron_tui.widgets.lines import Lines


class ReadingScreen(LiveScreen):
    """Scrolls the Lines named "text" and goes back where it came from."""

    @property
    def text(self) -> Lines:
        """What is read."""
        return self.query_one("#text", Lines)

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
        elif key.id == "back":
            self.app.pop_screen()
