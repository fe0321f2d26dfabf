"""What widgets, screens and actions may ask of the app that runs them.

They know these Protocols and neither the app nor each other, so that each can be read, and tested, without the rest.
"""

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, Protocol, cast

from textual.message_pump import MessagePump
from textual.screen import Screen

from novacron.model.alert.alert import Alert
from novacron.model.caller import Caller
from novacron.model.fleet import FleetVm, Host
from novacron.model.operation import Operation
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Plan
from novacron.ports.backend import Backend
from novacron_tui.commands.command import Command, Context
from novacron_tui.commands.form import Form
from novacron_tui.input_guard import InputGuard
from novacron_tui.keys import KeyScope
from novacron_tui.outcome_notices import OutcomeNotices
from novacron_tui.palette import Palette
from novacron_tui.present.cells import Line, Span
from novacron_tui.present.column import CellContext
from novacron_tui.present.confirm import Review
from novacron_tui.present.console_state import ConsoleState, PoolRow
from novacron_tui.present.glyphs import Glyphs

FilledIn = Callable[[tuple[Intent, ...], Callable[[], None]], None]
"""Takes the intents of a form, and a function that opens the form again with what was filled in."""


class Navigator(Protocol):
    """Opens screens, and answers with what the operator decided on them."""

    def open_overview(self) -> None:
        """Show the fleet at a glance."""

    def open_palette(self, scope: KeyScope, context: Context) -> None:
        """Offer everything that has a key in this scope."""

    def open_danger(self, scope: KeyScope, context: Context) -> None:
        """Offer what can lose data or service."""

    def open_help(self, scope: KeyScope) -> None:
        """Show the keys of this scope."""

    def open_detail(self, row: Any) -> None:  # noqa: ANN401 - a row of any pane
        """Open the screen of one thing; rows without a screen of their own open nothing."""

    def open_full_text(self, texts: Sequence[tuple[str, Line]], *, is_row: bool) -> None:
        """Show in full what is cut on a screen, each text with its label; of a row also the columns without room."""

    def open_alert(self, alert: Alert) -> None:
        """Open what an alert is about, or say that it is no longer there."""

    def open_fullest(self, pool: PoolRow) -> None:
        """Open the volumes of a pool, the largest first."""

    def open_serial(self, vm: FleetVm) -> None:
        """Open the VM's serial console."""

    def open_xml(self, vm: FleetVm) -> None:
        """Show the VM's definition."""

    async def show_pane(self, pane: str) -> None:
        """Close what is open over the fleet screen and show the pane with this key identifier."""

    def show_vms_of(self, host: Host) -> None:
        """Close what is open over the fleet screen and list the VMs of one host."""

    def fill_in(self, form: Callable[[], Form], filled_in: FilledIn) -> None:
        """Open a form; `form` makes it from the latest state. `filled_in` is not called when the operator leaves it."""

    def confirm(
        self,
        title: str,
        intents: Sequence[Intent],
        decided: Callable[[tuple[Plan, ...] | None], None],
        *,
        review: Review | None = None,
        left_out: str = "",
    ) -> None:
        """Ask whether plans are to be carried out; None: they are not. Without `review` the plans are asked for."""

    def confirm_cancel(self, operations: Sequence[Operation], confirmed: Callable[[], None]) -> None:
        """Ask whether operations are to be cancelled; `confirmed` is called when they are."""

    def ask_for_note(self, operation: Operation, noted: Callable[[str], None]) -> None:
        """Ask for the note under which an operation is acknowledged; `noted` is not called without one."""


class Desk(Protocol):
    """The app, as far as widgets, screens and actions need it."""

    @property
    def state(self) -> ConsoleState:
        """The latest snapshots."""

    @property
    def backend(self) -> Backend:
        """The port to the backend."""

    @property
    def caller(self) -> Caller:
        """Who asks the backend: the user of this console."""

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock: aware UTC."""

    @property
    def navigator(self) -> Navigator:
        """What opens screens."""

    @property
    def notices(self) -> OutcomeNotices:
        """What has to be shown until the operator dismisses it."""

    @property
    def input_guard(self) -> InputGuard:
        """Whether keys are accepted just now."""

    @property
    def palette(self) -> Palette:
        """The colours in use."""

    @property
    def glyphs(self) -> Glyphs:
        """The shapes that this terminal can draw."""

    @property
    def fleet_title(self) -> str:
        """What the fleet is called in the header; may be empty."""

    @property
    def cell_context(self) -> CellContext:
        """What cells may depend on besides their row."""

    @property
    def screen(self) -> Screen[Any]:
        """The screen on top."""

    @property
    def is_too_small(self) -> bool:
        """Whether the terminal has no room to show what a key would act on."""

    def run_command(self, command: Command, context: Context) -> None:
        """Do what a command means to its targets, or say why not."""

    def say(self, *parts: Span) -> None:
        """Show a message on the status line for some seconds; without parts: show none."""

    def tell(self, text: str) -> None:
        """Show what became of a request until the operator dismisses it."""

    def spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        """Run work beside the screens, and beside other work of the same name."""

    def detach(self) -> None:
        """End the console; asked twice while something confirmed is not with the backend yet."""

    def next_theme(self) -> None:
        """Change to the next palette."""


def desk_of(node: MessagePump) -> Desk:
    """Return the app of a widget or screen by what may be asked of it."""
    return cast("Desk", node.app)
