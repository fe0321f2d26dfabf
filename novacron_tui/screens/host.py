"""One host: how we stand with it, its load and versions, its VMs and pools."""

from collections.abc import Iterable, Sequence

from textual.widget import Widget

from novacron.model.fleet import Host
from novacron_tui.commands.command import Target
from novacron_tui.keys import Where
from novacron_tui.present.cells import Line, Role, span
from novacron_tui.present.host_detail import host_lines
from novacron_tui.present.picture import own_alerts_of
from novacron_tui.screens.reading import ReadingScreen
from novacron_tui.widgets.lines import Lines


class HostScreen(ReadingScreen):
    """Follows one host."""

    where = Where.HOST

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host

    def body(self) -> Iterable[Widget]:
        """Mount the text."""
        yield Lines(self._lines, name="text")

    def title_line(self, width: int) -> Line:
        """Name it."""
        return (span(" Host ", Role.DIM), span(self._host.id, Role.STRONG))

    def targets(self) -> tuple[Target, ...]:
        """Return the host."""
        return (self._host,)

    def draw(self) -> None:
        """Follow the host."""
        self._host = self.console_app.picture.fleet.hosts.get(self._host.id, self._host)
        super().draw()

    def _lines(self, width: int) -> Sequence[Line]:
        app = self.console_app
        return host_lines(self._host, own_alerts_of(app.picture, self._host), app.picture.fleet, app.sight, width)
