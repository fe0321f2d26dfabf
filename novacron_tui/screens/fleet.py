"""The fleet screen: the five panes and the filter line."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from textual import events
from textual.widget import Widget

from novacron.model.alert.alert import Alert
from novacron.model.fleet import FleetVm
from novacron.model.ids import HostId
from novacron_tui.commands.command import Target
from novacron_tui.keys import Key, KeyScope
from novacron_tui.present.cells import Line
from novacron_tui.present.header import pane_at, tabs_line
from novacron_tui.screens.panes import PANES, Pane
from novacron_tui.screens.table import TableScreen
from novacron_tui.widgets.fleet_table import FleetTable
from novacron_tui.widgets.lines import Lines

_VMS, _HOSTS = 0, 1
"""Indexes in PANES."""
_BESIDE_A_FILTER = 50
"""Cells for what is shown beside its text: panes by their keys, what is selected, how many rows match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _HostListed:
    """That the VMs of one host are listed, and what `back` returns to."""

    host: HostId
    is_detail: bool
    """Whether on the host's own screen; else in the pane of hosts."""
    filter_text: str
    """How the VMs were filtered before."""


class FleetScreen(TableScreen):
    """The first screen, under all others. Panes are mounted when first looked at."""

    def __init__(self) -> None:
        super().__init__()
        self._current = 0
        self._tables: dict[int, FleetTable[Any]] = {}
        self._host_listed: _HostListed | None = None
        self.key_scope = PANES[0].key_scope

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
        state = self.desk.state
        panes = [
            (str(number), pane.title, pane.count(state) if state.has_fleet else None)
            for number, pane in enumerate(PANES, start=1)
        ]
        return tabs_line(panes, self._current, self.counts(width - _BESIDE_A_FILTER), width)

    async def on_click(self, event: events.Click) -> None:
        """Look at the pane whose name was clicked on."""
        title = self.query_one("#title", Lines)
        if event.screen_y == title.region.y and title.lines:
            index = pane_at(title.lines[0], [str(number) for number in range(1, len(PANES) + 1)], event.screen_x)
            if index is not None:
                await self.show_pane(index)

    def targets(self) -> tuple[Target, ...]:
        """Return what is selected, or under the cursor; with VMs also what is under way on them."""
        chosen: tuple[Target, ...] = self.table.view.chosen
        busy = self.desk.state.busy
        under_way = [busy[vm.id] for vm in chosen if isinstance(vm, FleetVm) and vm.id in busy]
        return (*chosen, *under_way)

    def draw(self) -> None:
        """Give the visible table its rows."""
        desk = self.desk
        if desk.state.has_fleet and self.table.is_mounted:
            self.table.show(self.pane.rows(desk.state), desk.cell_context)

    def repaint(self) -> None:
        """Paint everything again."""
        super().repaint()
        for table in self._tables.values():
            table.repaint()

    def standing_keys(self) -> list[tuple[str, str]]:
        """Name the key that goes back to the host whose VMs are listed."""
        standing = super().standing_keys()
        return [("esc", "host"), *standing] if self._host_listed is not None and self._typing is None else standing

    async def show_pane_of(self, key: str) -> None:
        """Look at the pane that a key of the group "Panes" means, by its identifier."""
        name = key.removeprefix("pane-")
        step = {"next": 1, "previous": -1}.get(name)
        await self.show_pane((self._current + step) % len(PANES) if step else int(name) - 1)

    async def show_pane(self, index: int) -> None:
        """Look at another pane."""
        self._typing = None
        self._host_listed = None
        if index not in self._tables:
            await self.mount(self._make_table(index), after=self.table)
        self.table.display = False
        self._current = index
        self.key_scope = self.pane.key_scope
        self.table.display = True
        self.draw()
        if self.key_scope is KeyScope.OPERATIONS:
            self._look_at_operations()
        self.update_frame()

    async def show_vms_of(self, host: HostId, *, is_detail: bool) -> None:
        """Look at the VMs of one host, whose own screen or row was looked at before."""
        await self.show_pane(_VMS)
        self._host_listed = _HostListed(host=host, is_detail=is_detail, filter_text=self.table.view.filter_text)
        self.table.view.set_filter(f"host:={host}")
        self.table.repaint()
        self.update_frame()

    async def _go_back_to_host(self, way: _HostListed) -> None:
        """Go where the host's VMs were asked for; the VMs are filtered as they were before."""
        self.table.view.set_filter(way.filter_text)
        self.table.repaint()
        await self.show_pane(_HOSTS)
        self.table.view.move_to_key(way.host)
        self.table.repaint_changes()
        self.update_frame()
        host = self.desk.state.fleet.hosts.get(way.host)
        if way.is_detail and host is not None:
            self.desk.navigator.open_detail(host)

    def row_status(self, row: Any) -> Line:  # noqa: ANN401 - a row of any pane
        """Return what the pane says of a row."""
        return self.pane.status(row, self.desk.cell_context)

    async def act(self, key: Key) -> None:
        """Open, go back; the rest as in any table."""
        if key.id == "open":
            await self._open()
        elif key.id == "back":
            await self._back()
        else:
            await super().act(key)

    async def _back(self) -> None:
        """Take back what was done last: a message, a selection, the list of one host's VMs, a filter."""
        if self.dismiss_message():
            return
        if self._host_listed is not None and not self.table.view.selected:
            await self._go_back_to_host(self._host_listed)
        else:
            self.clear()

    async def _open(self) -> None:
        row = self.table.view.cursor_row
        if isinstance(row, Alert):
            self.desk.navigator.open_alert(row)
        elif row is not None:
            self.desk.navigator.open_detail(row)

    def _look_at_operations(self) -> None:
        """Put the cursor on what was asked for last: that is what one comes to see. What failed is seen now."""
        desk = self.desk
        desk.notices.dismiss_failed()
        if desk.notices.latest is not None and self.table.view.move_to_key(desk.notices.latest):
            desk.notices.latest = None
            self.table.repaint_changes()

    def _make_table(self, index: int) -> FleetTable[Any]:
        pane = PANES[index]
        table: FleetTable[Any] = FleetTable(pane.spec, name=f"pane-{index + 1}")
        self._tables[index] = table
        return table
