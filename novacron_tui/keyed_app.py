"""An app that is driven by keys: each is heard in its turn, by the screen that the one before has led to."""

from collections.abc import Callable
from typing import Protocol, TypeVar, runtime_checkable

from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.screen import Screen

from novacron_tui.calm import Calm
from novacron_tui.keyboard import Keyboard

Answer = TypeVar("Answer")

_LEAST_COLUMNS = 60
_LEAST_ROWS = 12
_TOO_SMALL = "-too-small"
"""console.tcss covers the screens of an app of this class."""


@runtime_checkable
class Hearer(Protocol):
    """A screen that takes keys."""

    async def hear(self, event: events.Key) -> None:
        """Take a key."""

    def hear_paste(self, text: str) -> None:
        """Take text that was pasted."""


class KeyedApp(App[None], inherit_bindings=False):
    """Textual queues keys at the screen that is on top when they arrive: what is typed after `:` would act on rows."""

    def __init__(self, *, calm_s: float, ansi_color: bool | None = None) -> None:
        super().__init__(driver_class=Keyboard, ansi_color=ansi_color)
        self.calm_s = calm_s
        self.calm = Calm(calm_s)
        """Holds once a question has stood, or a screen has been uncovered, for a moment."""

    async def on_event(self, event: events.Event) -> None:
        """Hear keys and pasted text one by one."""
        if not isinstance(event, events.Key | events.Paste):
            if isinstance(event, events.MouseUp):
                self.calm.disturb()  # The row clicked on takes its turn later than a key that comes with the click.
            await super().on_event(event)
        elif self.is_running and self.is_attached and self.screen_stack and isinstance(self.screen, Hearer):
            if isinstance(event, events.Paste):
                self.screen.hear_paste(event.text)
            else:
                await self.screen.hear(event)

    def put_question(self, question: Screen[Answer], answered: Callable[[Answer | None], None]) -> None:
        """Push a screen that asks: for a moment it takes no key for an answer, since none was pressed at it."""
        self.calm.disturb()
        self.push_screen(question, answered)

    def pop_screen(self) -> AwaitComplete:
        """Uncover the screen below: for a moment it takes no key that was pressed at the one above."""
        self.calm.disturb()
        return super().pop_screen()

    def on_resize(self, event: events.Resize) -> None:
        """Say when the terminal is too small to be truthful."""
        self.set_class(event.size.width < _LEAST_COLUMNS or event.size.height < _LEAST_ROWS, _TOO_SMALL)

    @property
    def is_too_small(self) -> bool:
        """Whether there is no room to show what a key would act on."""
        return self.has_class(_TOO_SMALL)

    def _set_pointer_shape(self, shape: str) -> None:
        """Send no OSC 22 with every change of screen: terminals that do not know it may show it."""
