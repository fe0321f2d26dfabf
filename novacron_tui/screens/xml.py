"""A VM's definition as its hypervisor has it."""

from collections.abc import Sequence

from novacron.model.errors import NovaCronError
from novacron.model.fleet import FleetVm
from novacron.model.safetext import SafeText
from novacron_tui.present.cells import Line, Role, Span, fold_line, span
from novacron_tui.present.width import settle
from novacron_tui.screens.reading import ReadingScreen

_LONGEST = 20_000
"""Lines of XML that are shown."""


class XmlScreen(ReadingScreen):
    """Shows the XML of one VM."""

    def __init__(self, vm: FleetVm) -> None:
        super().__init__()
        self._vm = vm
        self._said: list[Line] = [(span(" asking ...", Role.DIM),)]
        self._folded: tuple[int, list[Line]] = (0, [])
        """The lines as they are for one width."""

    def title_line(self, width: int) -> Line:
        """Say whose it is."""
        home = self._vm.home
        return (span(f" {home.vm.name}", Role.STRONG), span(f"  XML on {home.host.id}", Role.DIM))

    def read(self, width: int) -> Sequence[Line]:
        """Return what the host said."""
        if self._folded[0] != width:
            self._folded = (width, [part for line in self._said for part in fold_line(line, width, _hang(line))])
        return self._folded[1]

    def on_mount(self) -> None:
        """Ask for it."""
        self.run_worker(self._ask(), name="definition")

    async def _ask(self) -> None:
        try:
            desk, host = self.desk, self._vm.home.host.id
            xml = await desk.backend.definition(desk.caller, self._vm.id, host)
            self._said = list(_xml_lines(xml))
        except NovaCronError as error:
            self._said = [(span(f" {error}", Role.CRITICAL),)]
        self._folded = (0, [])
        self.text.update()


def _hang(line: Line) -> int:
    """Return how far the rest of a long line is indented: beyond its own indent."""
    return len(line[0].text) + 4 if len(line) > 1 else 1


def _xml_lines(xml: str) -> Sequence[Line]:
    """Show tags and text apart; only "\\n" breaks a line, anything else that might is shown as an escape."""
    return [_xml_line(text) for text in xml.split("\n")[:_LONGEST]]


def _xml_line(text: str) -> Line:
    safe = settle(SafeText.clip(text, 1000))
    body = safe.lstrip(" ")
    indent = Span(SafeText(" " * (1 + len(safe) - len(body))))
    return (indent, span(body, Role.ACCENT if body.startswith("<") else Role.TEXT))
