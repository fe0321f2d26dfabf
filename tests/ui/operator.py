"""An operator at a terminal, for tests: presses keys, and reads what is on the screen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from novacron.ports.backend import AlertsChanged, Backend
from novacron_tui.app import NovaCronApp
from novacron_tui.present.glyphs import UNICODE, Glyphs
from tests.callers import ALICE
from tests.ui.fake_backend import FakeBackend
from tests.ui.fleet import SHOWN_AT, a_mixed_fleet, some_alerts, some_operations

SMALL = (80, 24)
LARGE = (200, 50)


class Operator:
    """Somebody who sees the screen and has a keyboard."""

    def __init__(self, app: NovaCronApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def lines(self) -> list[str]:
        """The screen, line by line."""
        strips = self.app.screen._compositor.render_strips()
        return [strip.text for strip in strips]

    @property
    def text(self) -> str:
        """The screen as one text, without trailing blanks."""
        return "\n".join(line.rstrip() for line in self.lines)

    async def press(self, *keys: str) -> None:
        """Press keys, each when the one before has had its effect."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def type(self, text: str) -> None:
        """Type text, character by character."""
        for character in text:
            await self.pilot.press(_KEY_NAMES.get(character, character))
        await self.settle()

    async def settle(self) -> None:
        """Wait until the bridge, the screens and their workers have nothing left to do."""
        for _ in range(4):
            await self.pilot.pause()

    def sees(self, *texts: str) -> None:
        """Check that all of these are on the screen."""
        for text in texts:
            assert text in self.text, f"{text!r} is not on the screen:\n{self.text}"

    def sees_not(self, *texts: str) -> None:
        """Check that none of these is on the screen."""
        for text in texts:
            assert text not in self.text, f"{text!r} is on the screen:\n{self.text}"

    def look(self) -> None:
        """Let the moment pass for which keys are taken to be meant for what was there before."""
        for guard in (self.app.input_guard, getattr(self.app.screen, "_guard", None)):
            if guard is not None:
                guard._until = 0.0

    def line_with(self, text: str) -> str:
        """Return the first line that holds a text, but for a filter that is the text."""
        found = next((line for line in self.lines if text in line and f"/name:={text}" not in line), None)
        assert found is not None, f"no line has {text!r}:\n{self.text}"
        return found


@asynccontextmanager
async def at_console(
    console: Backend,
    *,
    size: tuple[int, int] = SMALL,
    glyphs: Glyphs = UNICODE,
    theme: str | None = None,
    title: str = "test fleet",
    guard_s: float = 0.0,
) -> AsyncIterator[Operator]:
    """Open the console at a clock that does not move. Without `guard_s` no key is too early for it."""
    app = NovaCronApp(
        console, caller=ALICE, theme=theme, title=title, now=lambda: SHOWN_AT, glyphs=glyphs, guard_s=guard_s
    )
    async with app.run_test(size=size) as pilot:
        operator = Operator(app, pilot)
        await operator.settle()
        yield operator


def a_console() -> FakeBackend:
    """Return a console on the mixed fleet, with its operations and alerts."""
    console = FakeBackend(a_mixed_fleet())
    console.show_operations(*some_operations())
    console.push(AlertsChanged(alerts=some_alerts()))
    return console


_KEY_NAMES = {
    " ": "space",
    "-": "minus",
    ":": "colon",
    "/": "slash",
    "?": "question_mark",
    "*": "asterisk",
    ".": "full_stop",
    "=": "equals_sign",
    "~": "tilde",
    "_": "underscore",
}
