"""An app that is driven by keys: each is handled in its turn, by the screen that the key before it has opened."""

from collections.abc import Callable
from typing import Protocol, TypeVar, runtime_checkable

from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.screen import Screen

from novacron_tui.input_guard import InputGuard
from novacron_tui.terminal.keyboard import Keyboard

Answer = TypeVar("Answer")

_LEAST_COLUMNS = 60
_LEAST_ROWS = 12
_TOO_SMALL = "-too-small"
"""console.tcss covers the screens of an app of this class."""


@runtime_checkable
class KeyReceiver(Protocol):
    """A screen that takes keys."""

    async def receive_key(self, event: events.Key) -> None:
        """Take a key."""

    def receive_paste(self, text: str) -> None:
        """Take text that was pasted."""

    def paint_now(self) -> None:
        """Paint what the key has changed in one frame."""


class KeyedApp(App[None], inherit_bindings=False):
    """Gives each key to the screen that is on top once the key before it has been handled.

    Textual queues keys at the screen that is on top when they arrive: what is typed after `:` would act on rows.
    """

    def __init__(self, *, guard_s: float, ansi_color: bool | None = None) -> None:
        super().__init__(driver_class=Keyboard, ansi_color=ansi_color)
        self.input_guard = InputGuard(guard_s)
        """Ignores keys for `guard_s` seconds after a question opens, or the screen on top is closed."""

    async def on_event(self, event: events.Event) -> None:
        """Handle keys and pasted text one by one."""
        if not isinstance(event, events.Key | events.Paste):
            if isinstance(event, events.MouseUp):
                # The table moves its cursor to the row clicked on later than a key is handled that follows the click.
                self.input_guard.ignore_keys()
            await super().on_event(event)
        elif self.is_running and self.is_attached and self.screen_stack and isinstance(self.screen, KeyReceiver):
            screen = self.screen
            if isinstance(event, events.Paste):
                screen.receive_paste(event.text)
            else:
                await screen.receive_key(event)
            if screen is self.screen:
                screen.paint_now()

    @property
    def is_output_behind(self) -> bool:
        """Whether the terminal has not taken the last frame yet: another one would be old when it is seen."""
        return isinstance(self._driver, Keyboard) and self._driver.is_behind

    def put_question(self, question: Screen[Answer], answered: Callable[[Answer | None], None]) -> None:
        """Open a screen that asks; keys that were pressed before it could be read are ignored."""
        self.input_guard.ignore_keys()
        self.push_screen(question, answered)

    def pop_screen(self) -> AwaitComplete:
        """Close the screen on top; keys that were pressed at it do not reach the one below."""
        self.input_guard.ignore_keys()
        return super().pop_screen()

    def on_resize(self, event: events.Resize) -> None:
        """Note whether the terminal is too small to show what a key would act on."""
        self.set_class(event.size.width < _LEAST_COLUMNS or event.size.height < _LEAST_ROWS, _TOO_SMALL)

    @property
    def is_too_small(self) -> bool:
        """Whether there is no room to show what a key would act on."""
        return self.has_class(_TOO_SMALL)

    def _set_pointer_shape(self, shape: str) -> None:
        """Send no OSC 22 with every change of screen: terminals that do not know it may show it."""
