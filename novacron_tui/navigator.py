"""The one place that opens screens; whoever wants one opened asks for it through desk.Navigator."""

from collections.abc import Callable, Sequence
from typing import Any

from textual.screen import Screen

from novacron.model.alert.alert import Alert
from novacron.model.fleet import FleetVm, Host
from novacron.model.operation import Operation
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Plan
from novacron_tui.commands.command import Context
from novacron_tui.commands.form import Form
from novacron_tui.desk import Desk, FilledIn
from novacron_tui.keys import Key, KeyScope
from novacron_tui.present.cells import Line, Role, line_width, span
from novacron_tui.present.confirm import Review
from novacron_tui.present.console_state import PoolRow, pool_of
from novacron_tui.screens.acknowledge import AcknowledgeScreen
from novacron_tui.screens.cancel import CancelScreen
from novacron_tui.screens.confirm import ConfirmScreen
from novacron_tui.screens.fleet import FleetScreen
from novacron_tui.screens.form import FormScreen
from novacron_tui.screens.help import HelpScreen
from novacron_tui.screens.host import HostScreen
from novacron_tui.screens.live import LiveScreen
from novacron_tui.screens.operation import OperationScreen
from novacron_tui.screens.overview import OverviewScreen
from novacron_tui.screens.palette import PaletteScreen, palette_entries
from novacron_tui.screens.pool import PoolScreen
from novacron_tui.screens.vm import VmScreen
from novacron_tui.screens.whole import WholeScreen
from novacron_tui.screens.xml import XmlScreen
from novacron_tui.terminal.keyed_app import KeyedApp


class ScreenNavigator:
    """Opens screens on the stack of one app. `desk` is the same app, by what screens may ask of it."""

    def __init__(self, app: KeyedApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    def open_fleet(self) -> None:
        """Open the first screen, under all others."""
        self._app.push_screen(FleetScreen())

    def open_overview(self) -> None:
        """Show the fleet at a glance, once."""
        if not isinstance(self._app.screen, OverviewScreen):
            self._app.push_screen(OverviewScreen())

    def open_palette(self, scope: KeyScope, context: Context) -> None:
        """Offer everything that has a key in this scope."""
        self._open_palette(PaletteScreen(":", palette_entries(scope, context)))

    def open_danger(self, scope: KeyScope, context: Context) -> None:
        """Offer what can lose data or service."""
        entries = palette_entries(scope, context, danger=True)
        if not entries:
            self._desk.say(span("nothing here is dangerous", Role.DIM))
            return
        self._open_palette(PaletteScreen("danger", entries, by_key=True))

    def open_help(self, scope: KeyScope) -> None:
        """Show the keys of this scope."""
        self._app.push_screen(HelpScreen(scope))

    def open_detail(self, row: Any) -> None:  # noqa: ANN401 - a row of any pane
        """Open the screen of one thing; rows without a screen of their own open nothing."""
        screen = _detail_screen(row)
        if screen is not None:
            self._app.push_screen(screen)

    def open_alert(self, alert: Alert) -> None:
        """Open what an alert is about, or say that it is no longer there."""
        state = self._desk.state
        pool = pool_of(state.fleet, alert)
        if pool is not None:
            self.open_fullest(pool)
            return
        vm = state.fleet.find_vm(alert.vm) if alert.vm else None
        host = state.fleet.hosts.get(alert.host) if alert.host else None
        operation = state.operation(alert.operation) if alert.operation else None
        subject = vm or operation or host
        if subject is None:
            self._desk.say(span(f"{alert.subject} is no longer there", Role.DIM))
        else:
            self.open_detail(subject)

    def open_full_text(self, texts: Sequence[tuple[str, Line]], *, is_row: bool) -> None:
        """Show in full what is cut on a screen, each text with its label; of a row also the columns without room."""
        if any(line_width(line) > self._app.size.width for _, line in texts) or is_row:
            self._app.push_screen(WholeScreen(texts))
        else:
            self._desk.say(span("nothing is cut here", Role.DIM))

    def open_fullest(self, pool: PoolRow) -> None:
        """Open the volumes of a pool, the largest first."""
        self._app.push_screen(PoolScreen(pool, largest_first=True))

    def open_serial(self, vm: FleetVm) -> None:
        """Open the VM's serial console."""
        # Loads the terminal emulator (pyte), which few sessions need.
        from novacron_tui.screens.serial import SerialScreen

        self._app.push_screen(SerialScreen(vm))

    def open_xml(self, vm: FleetVm) -> None:
        """Show the VM's definition."""
        self._app.push_screen(XmlScreen(vm))

    async def show_pane(self, pane: str) -> None:
        """Close what is open over the fleet screen and show the pane with this key identifier."""
        await (await self._fleet_screen()).show_pane_of(pane)

    def show_vms_of(self, host: Host) -> None:
        """Close what is open over the fleet screen and list the VMs of one host."""
        is_detail = not isinstance(self._app.screen, FleetScreen)

        async def show() -> None:
            await (await self._fleet_screen()).show_vms_of(host.id, is_detail=is_detail)

        self._desk.spawn(show(), "show")

    def fill_in(self, form: Callable[[], Form], filled_in: FilledIn) -> None:
        """Open a form; `form` makes it from the latest state. `filled_in` is not called when the operator leaves it."""

        def open_form(screen: FormScreen) -> None:
            def answered(intents: tuple[Intent, ...] | None) -> None:
                if intents is not None:
                    filled_in(intents, lambda: open_form(FormScreen(form, screen.filled)))

            self._app.push_screen(screen, answered)

        open_form(FormScreen(form))

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
        self._app.put_question(ConfirmScreen(title, intents, review, left_out=left_out), decided)

    def confirm_cancel(self, operations: Sequence[Operation], confirmed: Callable[[], None]) -> None:
        """Ask whether operations are to be cancelled; `confirmed` is called when they are."""
        self._app.put_question(CancelScreen(operations), lambda yes: confirmed() if yes else None)

    def ask_for_note(self, operation: Operation, noted: Callable[[str], None]) -> None:
        """Ask for the note under which an operation is acknowledged; `noted` is not called without one."""
        self._app.put_question(AcknowledgeScreen(operation), lambda note: noted(note) if note else None)

    def _open_palette(self, palette: PaletteScreen) -> None:
        async def press(chosen: Key | None) -> None:
            if chosen is not None and isinstance(self._app.screen, LiveScreen):
                await self._app.screen.press(chosen)

        self._app.push_screen(palette, press)

    async def _fleet_screen(self) -> FleetScreen:
        """Close the screens that are open over the fleet screen, and return it."""
        while not isinstance(self._app.screen, FleetScreen):
            await self._app.pop_screen()
        return self._app.screen


def _detail_screen(row: object) -> Screen[None] | None:
    """Return the screen of a row, or None when it has none."""
    match row:
        case FleetVm():
            return VmScreen(row)
        case Host():
            return HostScreen(row)
        case Operation():
            return OperationScreen(row)
        case PoolRow():
            return PoolScreen(row)
        case _:
            return None
