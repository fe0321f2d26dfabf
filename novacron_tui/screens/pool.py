"""One pool: its volumes."""

from collections.abc import Iterable

from textual.widget import Widget

from novacron_tui.commands.command import Target, VolumeRow
from novacron_tui.keys import Key, KeyScope
from novacron_tui.present.cells import Line, Role, span
from novacron_tui.present.console_state import PoolRow, absence, pool_rows
from novacron_tui.present.quantity import age, size_mib
from novacron_tui.present.volumes import VOLUMES, ListedVolume, list_volumes, use_text, uses_as_of
from novacron_tui.screens.table import TableScreen
from novacron_tui.widgets.fleet_table import FleetTable


class PoolScreen(TableScreen):
    """Follows one pool of one host, and lists its volumes."""

    key_scope = KeyScope.VOLUMES

    def __init__(self, row: PoolRow, *, largest_first: bool = False) -> None:
        super().__init__()
        self._row = row
        self._gone = False
        self._table: FleetTable[ListedVolume] = FleetTable(VOLUMES, name="volumes")
        if largest_first:
            self._table.view.sort_by("allocation")
        self._listed: tuple[ListedVolume, ...] = ()
        self._listed_as_of: tuple[object, ...] = ()

    @property
    def table(self) -> FleetTable[ListedVolume]:
        """Its table."""
        return self._table

    def body(self) -> Iterable[Widget]:
        """Mount the table."""
        yield self._table

    def title_line(self, width: int) -> Line:
        """Name it, and say how old the list is."""
        row, desk = self._row, self.desk
        read = age(row.host.reading.inventory_at if row.host.reading else None, desk.now())
        return (
            span(" Pool ", Role.DIM),
            span(row.pool.name, Role.STRONG),
            span(f" on {row.host.id}  {size_mib(row.pool.available_mib)} free", Role.DIM),
            absence(desk.state.fleet, row.host.id)
            if self._gone
            else span(f"  read {read} ago ", Role.DIM)
            if row.host.is_current
            else span(f"  as read {read} ago: host {row.host.link.status} ", Role.UNKNOWN),
            *self.counts(20),
        )

    def row_status(self, row: ListedVolume) -> Line:
        """Say where the volume is, and who needs it."""
        base = f"  on {row.volume.backing_path}" if row.volume.backing_path else ""
        used = f"  used by {use_text(row)}" if use_text(row) else ""
        return (span(f" {row.volume.path}"), span(used, Role.TEXT), span(base, Role.DIM))

    def targets(self) -> tuple[Target, ...]:
        """Return the chosen volumes, each with its pool; none of a pool that is gone."""
        if self._gone:
            return ()
        return tuple(VolumeRow(row=self._row, volume=listed.volume) for listed in self._table.view.chosen)

    def draw(self) -> None:
        """Follow the pool."""
        desk = self.desk
        found = next((row for row in pool_rows(desk.state.fleet) if row.key == self._row.key), None)
        self._gone = found is None
        self._row = found or self._row
        if self._table.is_mounted:
            self._table.show(() if self._gone else self._list(), desk.cell_context)

    def _list(self) -> tuple[ListedVolume, ...]:
        """Look for users anew only when definitions were read since: that takes a pass over all VMs."""
        fleet = self.desk.state.fleet
        as_of = (self._row.pool.volumes, *uses_as_of(fleet))
        if as_of != self._listed_as_of:
            self._listed, self._listed_as_of = list_volumes(fleet, self._row), as_of
        return self._listed

    async def act(self, key: Key) -> None:
        """Go back when there is nothing to clear."""
        if key.id == "back" and not self.clear():
            self.leave()
        else:
            await super().act(key)
