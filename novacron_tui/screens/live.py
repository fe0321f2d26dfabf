"""What every full screen is: header, title, body, status and footer, drawn from the latest state of the console."""

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from textual import events
from textual.app import ComposeResult
from textual.widget import Widget

from novacron_tui import keys
from novacron_tui.commands.command import Context, Target
from novacron_tui.commands.registry import COMMANDS, commands_at
from novacron_tui.desk import Desk, desk_of
from novacron_tui.keys import Key, KeyScope
from novacron_tui.palette import Surface
from novacron_tui.present.cells import Line, Role, Span, fit_line, line_width, paragraph, span
from novacron_tui.present.footer import footer_line, unassigned_key_line
from novacron_tui.present.header import header_line
from novacron_tui.present.key_names import key_name
from novacron_tui.screens.frame import FrameScreen
from novacron_tui.screens.stack import can_be_drawn, is_on_top
from novacron_tui.widgets.lines import Lines

_MESSAGE_S = 12
"""How long a message stays on the status line."""
_HINT_S = 3
"""How long it is said that a key means nothing."""
_UNCUT = 4000
"""Cells of a line that nothing is cut from."""
_SAMPLE = 200
"""Of this many targets at most it is counted what is possible to them."""
_CONSIDERED = frozenset({"detach", "back", "open"})
"""Actions that, like commands, are ignored until the operator can have seen what they act on."""


class LiveScreen(FrameScreen):
    """A screen that follows the state of the console. Subclasses say what is in the body, and what it is about."""

    AUTO_FOCUS = None
    key_scope: KeyScope = KeyScope.TEXT
    ways_out: frozenset[str] = frozenset({"ctrl+c", "ctrl+q", "escape", "q"})
    """Keys that are heard also where nothing can be shown."""

    def __init__(self) -> None:
        super().__init__()
        self._message: Line = ()
        self._message_left_s = 0
        self._possible_for: tuple[object, ...] = ()
        self._possible: Mapping[str, int] = {}

    @property
    def desk(self) -> Desk:
        """Return the app, by what may be asked of it."""
        return desk_of(self)

    def compose(self) -> ComposeResult:
        """Mount the frame around the body."""
        yield _one(Lines(self._header, surface=Surface.BAR, name="header"))
        yield _one(Lines(self._title_fitted, surface=Surface.BASE, name="title"))
        yield from self.body()
        yield _one(Lines(self._status, surface=Surface.BASE, name="status"))
        yield _one(Lines(self._footer, surface=Surface.BAR, name="footer"))
        yield Lines(_too_small, name="too-small")

    # What a subclass gives.

    def body(self) -> Iterable[Widget]:
        """Yield the widgets between title and status."""
        return ()

    def title_line(self, width: int) -> Line:
        """Return the line under the header."""
        return ()

    def status_line(self) -> Line:
        """Return what the status line says when there is no message."""
        return ()

    def typing_line(self) -> Line:
        """Return what is being typed: no message may cover it."""
        return ()

    def targets(self) -> tuple[Target, ...]:
        """Return what a command would act on."""
        return ()

    def idle_keys(self) -> frozenset[str]:
        """Return the keys that are no commands and would do nothing now."""
        return frozenset()

    def footer_keys(self) -> list[tuple[str, str]]:
        """Return the keys to be named: those that would do something to what is under the cursor."""
        possible = self._possible_commands()
        never = {"danger", *COMMANDS, *self.idle_keys()}
        named = [key for key in keys.footer_keys(self.key_scope) if key.id in possible or key.id not in never]
        # Of a mixed selection, what most of it can comes first: the line ends where there is no more room.
        named.sort(key=lambda key: (_place(key), -possible.get(key.id, 0)))
        return [(key_name(key.keys[0]), key.label) for key in named]

    def _possible_commands(self) -> Mapping[str, int]:
        """Return what is possible, and to how many of a sample of the targets.

        It is computed again only when the targets, or what is known of them, change: 10,000 selected rows take
        longer than a key may.
        """
        context = self.context()
        known = (self.key_scope, context.state, *context.targets)
        if len(known) != len(self._possible_for) or not all(map(operator.is_, known, self._possible_for)):
            possible = [command for command in commands_at(self.key_scope) if command.enabled(context) is None]
            sample = replace(context, targets=context.targets[:: 1 + len(context.targets) // _SAMPLE])
            counts = {command.id: len(command.allowed(sample)) for command in possible}
            danger = {"danger": 0} if any(command.danger for command in possible) else {}
            self._possible_for, self._possible = known, counts | danger
        return self._possible

    def standing_keys(self) -> list[tuple[str, str]]:
        """Return the keys that are named whatever the row."""
        return [(key_name(key.keys[0]), key.label) for key in keys.standing_keys(self.key_scope)]

    def draw(self) -> None:
        """Bring the body up to date with the latest state."""

    def draw_ages(self) -> None:
        """Bring up to date what changes by time alone."""

    def repaint(self) -> None:
        """Paint everything again: the palette changed."""
        for lines in self.query(Lines):
            lines.repaint()

    async def act(self, key: Key) -> None:
        """Do what a key that is no command means here."""

    async def type(self, event: events.Key) -> bool:
        """Take a key that is being typed into something; False when it is not."""
        return False

    def texts(self) -> list[tuple[str, Line]]:
        """Return what may be cut on this screen, each with a label."""
        return [("title", self.title_line(_UNCUT)), ("status", self._to_be_said())]

    # What all of them do.

    def context(self) -> Context:
        """Return what a command acts on."""
        desk = self.desk
        return Context(state=desk.state, now=desk.now(), targets=self.targets())

    def state_changed(self) -> None:
        """Draw the newer state, if this screen is seen."""
        if self.is_seen:
            self.draw()
            self.update_frame()

    @property
    def is_seen(self) -> bool:
        """Whether this screen is on top, or covered by dialogs only: it is then kept up to date."""
        stack = self.app.screen_stack
        if not can_be_drawn(self) or self not in stack:
            return False
        return not any(isinstance(screen, LiveScreen) for screen in stack[stack.index(self) + 1 :])

    def tick(self) -> None:
        """Let a second pass."""
        if not self.is_seen:
            return
        if self._message_left_s and is_on_top(self):
            self._message_left_s -= 1
            if not self._message_left_s:
                self._message = ()
        self.draw_ages()
        self.update_frame()

    def say(self, parts: Sequence[Span], seconds: int = _MESSAGE_S) -> None:
        """Show a message on the status line for a while."""
        self._message = (span(" "), *parts) if parts else ()
        self._message_left_s = seconds
        self.update_frame()

    def dismiss_message(self) -> bool:
        """Remove the message and the notices from the status line; False when there were no notices."""
        desk = self.desk
        had_failed = desk.notices.dismiss_all()
        self.say(())
        return had_failed

    def leave(self) -> None:
        """Go back to the screen before, once."""
        if is_on_top(self):
            self.app.pop_screen()

    def update_frame(self) -> None:
        """Bring header, title, status and footer up to date; what did not change is not painted."""
        for lines in self.query("Lines.-one").results(Lines):
            lines.update()

    def on_screen_resume(self) -> None:
        """Draw the latest state: it may have changed while another screen was open."""
        self.draw()
        self.update_frame()

    def receive_paste(self, text: str) -> None:
        """Take pasted text; it never counts as keys."""

    async def receive_key(self, event: events.Key) -> None:
        """Look a key up in the one table of keys."""
        desk = self.desk
        if desk.is_too_small and event.key not in self.ways_out:
            return
        if await self.type(event):
            return
        pressed = keys.pressed_name(event.key, event.character)
        key = keys.find(self.key_scope, pressed)
        if key is None:
            self.say(_nothing(pressed), _HINT_S)
        # Typed faster than it was painted: a second q must not end the console, nor an F pull a plug.
        elif desk.input_guard.accepts_keys or not (key.id in _CONSIDERED or key.id in COMMANDS):
            await self.press(key)

    async def press(self, key: Key) -> None:
        """Do what a key means, or say why not."""
        desk = self.desk
        if key.id in COMMANDS:
            desk.run_command(COMMANDS[key.id], self.context())
            return
        match key.id:
            case "palette":
                desk.navigator.open_palette(self.key_scope, self.context())
            case "danger":
                desk.navigator.open_danger(self.key_scope, self.context())
            case "help":
                desk.navigator.open_help(self.key_scope)
            case "theme":
                desk.next_theme()
            case "redraw":
                self.refresh(layout=True)
            case "detach":
                desk.detach()
            case "overview":
                desk.navigator.open_overview()
            case "whole":
                desk.navigator.open_full_text(self.texts(), is_row=self.key_scope in keys.TABLES)
            case pane if pane.startswith("pane-"):
                await desk.navigator.show_pane(pane)
            case _:
                await self.act(key)

    def _header(self, width: int) -> Sequence[Line]:
        desk = self.desk
        return (header_line(desk.state, desk.fleet_title, desk.now(), width, desk.glyphs),)

    def _title_fitted(self, width: int) -> Sequence[Line]:
        return (fit_line(self.title_line(width), width),)

    def _status(self, width: int) -> Sequence[Line]:
        if typed := self.typing_line():
            return (fit_line(typed, width),)
        said = self._to_be_said()
        if line_width(said) <= width:
            return (said,)
        return ((*fit_line(said, width - 2), span(" w", Role.KEY)),)

    def _to_be_said(self) -> Line:
        # What failed stays until somebody has taken notice: a night is longer than a message.
        return self._message or self.desk.notices.line(self.desk.glyphs) or self.status_line()

    def _footer(self, width: int) -> Sequence[Line]:
        return (footer_line(self.footer_keys(), self.standing_keys(), width),)


def _one(lines: Lines) -> Lines:
    lines.add_class("-one")
    return lines


def _place(key: Key) -> int:
    """Order the footer's keys: what opens the row, then commands, then what belongs to the table."""
    return 1 if key.id in COMMANDS else 0 if key.id == "open" else 2


def _nothing(pressed: str) -> Line:
    """Say that a key does nothing on this screen."""
    return (*unassigned_key_line(pressed), span("; ", Role.DIM), span("?", Role.KEY), span(" lists the keys", Role.DIM))


def _too_small(width: int) -> Sequence[Line]:
    text = "This terminal is too small to show the fleet truthfully: 60 columns and 12 rows are needed."
    return [(), *paragraph(text, width, Role.WARNING, indent=1)]
