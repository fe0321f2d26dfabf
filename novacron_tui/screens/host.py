"""One host: its connection, its load and versions, its VMs and pools."""

from collections.abc import Sequence
from dataclasses import replace

from novacron.model.fleet import Host
from novacron.model.link import LinkStatus
from novacron_tui.commands.command import Target
from novacron_tui.keys import KeyScope
from novacron_tui.present.cells import Line, Role, span
from novacron_tui.present.console_state import own_alerts_of
from novacron_tui.present.host_detail import host_lines
from novacron_tui.screens.reading import ReadingScreen


class HostScreen(ReadingScreen):
    """Follows one host."""

    key_scope = KeyScope.HOST

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._gone = False

    def title_line(self, width: int) -> Line:
        """Name it."""
        gone = span("  no longer in this fleet: this was known last", Role.CRITICAL) if self._gone else span("")
        return (span(" Host ", Role.DIM), span(self._host.id, Role.STRONG), gone)

    def targets(self) -> tuple[Target, ...]:
        """Return the host."""
        return () if self._gone else (self._host,)

    def draw(self) -> None:
        """Follow the host."""
        found = self.desk.state.fleet.hosts.get(self._host.id)
        self._gone = found is None
        self._host = found or replace(self._host, link=replace(self._host.link, status=LinkStatus.STALE))
        super().draw()

    def read(self, width: int) -> Sequence[Line]:
        """Describe the host."""
        desk = self.desk
        return host_lines(self._host, own_alerts_of(desk.state, self._host), desk.state.fleet, desk.cell_context, width)
