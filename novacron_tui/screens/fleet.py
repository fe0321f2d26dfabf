"""The fleet screen: the five panes, the filter line, and the way into everything else."""

from collections.abc import Iterable
from typing import Any

from textual import events
from textual.widget import Widget

from novacron.model.alert.alert import Alert
from novacron.model.fleet import FleetVm
from novacron.model.ids import HostId
from novacron_tui.commands.command import Target
from novacron_tui.keys import Key
from novacron_tui.present.cells import Line, Role, Span, span
from novacron_tui.present.header import tabs_line
from novacron_tui.present.line_edit import LineEdit
from novacron_tui.screens.live import LiveScreen
from novacron_tui.screens.panes import PANES, Pane
from novacron_tui.widgets.fleet_table import FleetTable


class FleetScreen(LiveScreen):
    """The first screen, under all others. Panes are mounted when first looked at."""

    def __init__(self) -> None:
        super().__init__()
        self._current = 0
        self._tables: dict[int, FleetTable[Any]] = {}
        self._typing: LineEdit | None = None
        self.where = PANES[0].where

    @property
    def pane(self) -> Pane:
        """The pane that is looked at."""
        return PANES[self._current]

    @property
    def table(self) -> FleetTable[Any]:
        """Its table."""
        return self._tables[self._current]

    def body(self) -> Iterable[Widget]:
        """Mount the first pane alone: the others wait until somebody looks."""
        yield self._make_table(0)

    def title_line(self, width: int) -> Line:
        """Name the panes."""
        picture = self.console_app.picture
        panes = [
            (str(number), pane.title, pane.count(picture) if picture.has_fleet else None)
            for number, pane in enumerate(PANES, start=1)
        ]
        view = self.table.view
        note: list[Span] = []
        if view.selected:
            note.append(span(f" {len(view.selected)} selected ", Role.KEY))
        if view.filter_text:
            note.append(span(f" {len(view.rows)} of {view.total} ", Role.WARNING))
        return tabs_line(panes, self._current, tuple(note), width)

    def status_line(self) -> Line:
        """Show the filter while it is typed or holds; else what the row under the cursor says."""
        view = self.table.view
        if self._typing is not None:
            return (span(" / ", Role.KEY), *self._typing.spans(self.size.width - 6, active=True))
        row = view.cursor_row
        told = () if row is None else self.pane.status(row, self.console_app.sight)
        if view.filter_text:
            return (span(f" /{view.filter_text} ", Role.WARNING), *told)
        return told

    def targets(self) -> tuple[Target, ...]:
        """Return what is selected, or under the cursor; with VMs also what is under way on them."""
        chosen: tuple[Target, ...] = self.table.view.chosen
        busy = self.console_app.picture.busy
        under_way = [busy[vm.id] for vm in chosen if isinstance(vm, FleetVm) and vm.id in busy]
        return (*chosen, *under_way)

    def draw(self) -> None:
        """Give the visible table its rows."""
        app = self.console_app
        if app.picture.has_fleet and self.table.is_mounted:
            self.table.show(self.pane.rows(app.picture), app.sight)

    def draw_ages(self) -> None:
        """Let ages on screen grow."""
        self.table.tick(self.console_app.sight)

    def repaint(self) -> None:
        """Paint everything again."""
        super().repaint()
        for table in self._tables.values():
            table.repaint()

    async def show_pane(self, index: int) -> None:
        """Look at another pane."""
        self._typing = None
        if index not in self._tables:
            await self.mount(self._make_table(index), after=self.table)
        self.table.display = False
        self._current = index
        self.where = self.pane.where
        self.table.display = True
        self.draw()
        self.update_frame()

    async def show_vms_of(self, host: HostId) -> None:
        """Look at the VMs of one host."""
        await self.show_pane(0)
        self.table.view.set_filter(f"host:={host}")
        self.table.repaint()
        self.update_frame()

    def on_fleet_table_moved(self) -> None:
        """Say what the row under the cursor is, and which keys it has."""
        self.update_frame()

    def on_paste(self, event: events.Paste) -> None:
        """Paste into the filter; anywhere else pasted text is not taken for keys."""
        if self._typing is not None:
            self._set_typing(self._typing.insert(event.text))

    async def type(self, event: events.Key) -> bool:
        """Type into the filter."""
        if self._typing is None:
            return False
        if event.key in {"enter", "escape"}:
            if event.key == "escape":
                self.table.view.set_filter("")
            self._typing = None
            self.table.repaint()
            return True
        edited = self._typing.press(event.key, event.character)
        if edited is not None:
            self._set_typing(edited)
            return True
        # Arrows and pages still move, so that one can look while typing.
        return event.key not in {"up", "down", "pageup", "pagedown"}

    async def act(self, key: Key) -> None:
        """Move, sort, select, filter, change panes, open."""
        view = self.table.view
        if _move(view, key.id):
            self.table.repaint_changes()
            return
        if key.id.startswith("pane-"):
            name = key.id.removeprefix("pane-")
            step = {"next": 1, "previous": -1}.get(name)
            await self.show_pane((self._current + step) % len(PANES) if step else int(name) - 1)
            return
        match key.id:
            case "filter":
                self._typing = LineEdit.of(view.filter_text)
                self.update_frame()
            case "select":
                view.toggle_selected()
                view.move(1)
                self.table.repaint_changes()
            case "select-all":
                view.select_all()
                self.table.repaint_changes()
            case "sort-next" | "sort-previous":
                shown = [column for column, _ in self.table.columns]
                view.sort_next(1 if key.id == "sort-next" else -1, shown)
                self.table.repaint()
            case "sort-reverse":
                view.sort_by(view.sort)
                self.table.repaint()
            case "open":
                await self._open()
            case "back":
                self._back()

    def _set_typing(self, edit: LineEdit) -> None:
        self._typing = edit
        self.table.view.set_filter(edit.text)
        self.table.repaint()

    def _back(self) -> None:
        view = self.table.view
        if view.selected:
            view.selected = set()
        elif view.filter_text:
            view.set_filter("")
        self._message = ()
        self.table.repaint()

    async def _open(self) -> None:
        row = self.table.view.cursor_row
        if isinstance(row, Alert):
            await self._open_alert(row)
        elif row is not None:
            self.console_app.flow.open_detail(row)

    async def _open_alert(self, alert: Alert) -> None:
        picture, flow = self.console_app.picture, self.console_app.flow
        vm = picture.fleet.find_vm(alert.vm) if alert.vm else None
        host = picture.fleet.hosts.get(alert.host) if alert.host else None
        operation = picture.operation(alert.operation) if alert.operation else None
        subject = vm or operation or host
        if subject is None:
            self.say((span(f"{alert.subject} is no longer there", Role.DIM),))
        else:
            flow.open_detail(subject)

    def _make_table(self, index: int) -> FleetTable[Any]:
        pane = PANES[index]
        table: FleetTable[Any] = FleetTable(pane.subject, name=f"pane-{index + 1}")
        self._tables[index] = table
        return table


def _move(view: Any, action: str) -> bool:  # noqa: ANN401 - a view of any rows
    """Move the cursor of a table; False when the action is none that moves."""
    page = max(1, view.height - 1)
    steps = {
        "down": 1,
        "up": -1,
        "half-down": page // 2,
        "half-up": -(page // 2),
        "page-down": page,
        "page-up": -page,
    }
    if action in steps:
        view.move(steps[action])
    elif action == "first":
        view.move_to(0)
    elif action == "last":
        view.move_to(len(view.rows) - 1)
    else:
        return False
    return True
