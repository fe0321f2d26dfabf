"""The console application: holds the latest state, mounts the first screen, and applies the theme.

It decides nothing about the fleet. What a key does is in keys.py, commands/ and actions/; which screen opens in
navigator.py; what is painted in present/.
"""

import os
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from novacron.model.caller import Caller
from novacron.ports import backend as port
from novacron.ports.backend import Backend
from novacron_tui.actions.run_command import CommandRunner
from novacron_tui.actions.submit import Submission
from novacron_tui.bridge import (
    AlertsChanged,
    BackendFound,
    BackendLost,
    Bridge,
    FleetChanged,
    OperationsChanged,
    StatusRead,
)
from novacron_tui.commands.command import Command, Context
from novacron_tui.input_guard import GUARD_S
from novacron_tui.navigator import ScreenNavigator
from novacron_tui.outcome_notices import OutcomeNotices
from novacron_tui.palette import Palette, load_palette, palette_names
from novacron_tui.present.cells import Role, Span, span
from novacron_tui.present.column import CellContext
from novacron_tui.present.console_state import ConsoleState, FleetFollower, busy_vms
from novacron_tui.present.glyphs import Glyphs, glyphs_for
from novacron_tui.present.status import ended_line
from novacron_tui.screens.box import BoxScreen
from novacron_tui.screens.live import LiveScreen
from novacron_tui.terminal.hang_up import end_with_terminal
from novacron_tui.terminal.keyed_app import KeyedApp
from novacron_tui.terminal.theme import textual_theme


def _utc_now() -> datetime:
    return datetime.now(UTC)


class NovaCronApp(KeyedApp, inherit_bindings=False):
    """The console on one backend."""

    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = Path(__file__).with_name("console.tcss")

    def __init__(
        self,
        backend: Backend,
        *,
        caller: Caller,
        theme: str | None = None,
        title: str = "",
        now: Callable[[], datetime] = _utc_now,
        glyphs: Glyphs | None = None,
        guard_s: float = GUARD_S,
    ) -> None:
        colour = "NO_COLOR" not in os.environ
        self.palette = load_palette(theme, colour=colour)
        self.glyphs = glyphs or glyphs_for(dict(os.environ))
        # Without colour the terminal's own two are used: nothing but weight is ever sent.
        super().__init__(guard_s=guard_s, ansi_color=True if not colour else None)
        self.animation_level = "none"
        self.backend = backend
        self.caller = caller
        self.fleet_title = title
        self.now = now
        self.state = ConsoleState()
        self._follower = FleetFollower()
        self.bridge = Bridge(backend, caller, self.post_message, now)
        self.navigator = ScreenNavigator(self, self)
        self.notices = OutcomeNotices()
        self._runner = CommandRunner(self)
        self._warned_of: frozenset[Submission] = frozenset()
        self._use(self.palette)

    def on_mount(self) -> None:
        """Show the fleet and begin to listen."""
        if not self.is_headless:
            end_with_terminal()
        self.set_class(self.glyphs.is_ascii, "-ascii")
        self.navigator.open_fleet()
        self.bridge.start()
        self.set_interval(1.0, self.tick)

    async def on_unmount(self) -> None:
        """Stop listening; the backend goes on."""
        await self.bridge.stop()

    @property
    def cell_context(self) -> CellContext:
        """Return what cells may depend on besides their row."""
        return CellContext(now=self.now(), glyphs=self.glyphs, operations=self.state.busy)

    def on_fleet_changed(self, message: FleetChanged) -> None:
        """Take the newer fleet."""
        if isinstance(message.change, port.FleetChanged):
            self._show(self._follower.with_fleet(self.state, message.change.fleet, self.now()))

    def on_operations_changed(self, message: OperationsChanged) -> None:
        """Take the newer operations, and say how those asked for here ended."""
        if isinstance(message.change, port.OperationsChanged):
            operations = message.change.operations
            self._show(replace(self.state, operations=operations, busy=busy_vms(operations)))
            self._announce()

    def on_alerts_changed(self, message: AlertsChanged) -> None:
        """Take the newer alerts."""
        if isinstance(message.change, port.AlertsChanged):
            self._show(replace(self.state, alerts=message.change.alerts))

    def on_backend_lost(self, message: BackendLost) -> None:
        """Show that all this is old now; the first loss counts, not the latest attempt."""
        if isinstance(message.change, port.BackendLost) and self.state.lost is None:
            self._show(replace(self.state, lost=message.change))

    def on_backend_found(self, message: BackendFound) -> None:
        """Show that snapshots are current again."""
        if isinstance(message.change, port.BackendFound):
            self._show(replace(self.state, lost=None, consoles=message.change.consoles))

    def on_status_read(self, message: StatusRead) -> None:
        """Show whether this backend runs operations, or another one on the same journal."""
        runs = message.status.operations_run_by
        if runs != self.state.operations_run_by:
            self._show(replace(self.state, operations_run_by=runs))

    def run_command(self, command: Command, context: Context) -> None:
        """Do what a command means to its targets, or say why not."""
        self._runner.run(command, context)

    def say(self, *parts: Span) -> None:
        """Show a message on the status line for some seconds; without parts: show none."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, LiveScreen):
                screen.say(parts)
                return

    def tell(self, text: str) -> None:
        """Show what became of a request until the operator dismisses it."""
        self.notices.add(text)
        self.say()

    def spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        """Run work beside the screens, and beside other work of the same name."""
        self.run_worker(work, name=name, group=name)

    def detach(self) -> None:
        """End the console; asked twice while something confirmed is not with the backend yet."""
        if self._runner.submissions - self._warned_of:
            self._warned_of = self._runner.submissions
            left = sum(submission.size for submission in self._warned_of)
            self.say(span(f"{left} not handed over to the backend yet: wait, or once more to drop them", Role.CRITICAL))
            return
        self.exit()

    def next_theme(self) -> None:
        """Change to the next palette."""
        if not self.palette.has_colour:
            self.say(span("without colour, by NO_COLOR or the kind of terminal, there is one look", Role.DIM))
            return
        names = palette_names()
        at = names.index(self.palette.name) if self.palette.name in names else -1
        self._use(load_palette(names[(at + 1) % len(names)]))
        for screen in self.screen_stack:
            if isinstance(screen, LiveScreen):
                screen.repaint()

    def tick(self) -> None:
        """Let what is shown grow older: once a second, and perhaps once more while the screens are taken down."""
        for screen in self.screen_stack:
            if isinstance(screen, LiveScreen):
                screen.tick()

    def _use(self, palette: Palette) -> None:
        self.palette = palette
        if palette.has_colour:
            self.register_theme(textual_theme(palette))
        # Without colour: Textual's own theme of the terminal's colours, which its NoColor filter then takes away.
        self.theme = palette.name if palette.has_colour else "ansi-dark"

    def _show(self, state: ConsoleState) -> None:
        self.state = state
        for screen in self.screen_stack:
            if isinstance(screen, LiveScreen | BoxScreen):
                screen.state_changed()

    def _announce(self) -> None:
        ended = self.notices.take_ended(self.state.operations)
        if ended:
            self.say(*ended_line(ended, self.glyphs))
