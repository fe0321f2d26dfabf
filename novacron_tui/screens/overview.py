"""The overview: the fleet at a glance; every cell leads to its thing."""

from collections.abc import Sequence

from novacron.model.alert.alert import Alert
from novacron_tui.keys import Key, KeyScope
from novacron_tui.present.cells import Line, Role, span
from novacron_tui.present.overview import Overview, Place, overview, with_cursor
from novacron_tui.screens.reading import ReadingScreen


class OverviewScreen(ReadingScreen):
    """Follows the fleet; the cursor stays on its thing wherever that moves."""

    key_scope = KeyScope.OVERVIEW

    def __init__(self) -> None:
        super().__init__()
        self._page = Overview(lines=(), places=())
        self._page_width = 0
        """The width that `_page` is laid out for; 0: it has to be laid out anew."""
        self._cursor = ""
        """The key of the thing under the cursor; empty before there is one."""

    @property
    def place(self) -> Place | None:
        """Where the cursor is; on the first thing when its own is no longer shown."""
        places = self._page.places
        return next((place for place in places if place.key == self._cursor), places[0] if places else None)

    def title_line(self, width: int) -> Line:
        """Say what this is."""
        return (span(" Overview", Role.STRONG), span("  arrows and enter open what is marked", Role.DIM))

    def status_line(self) -> Line:
        """Name what is under the cursor."""
        place = self.place
        if place is None:
            return ()
        kind, _, name = place.key.partition(" ")
        subject = getattr(place.thing, "title", "") or getattr(place.thing, "subject", "")
        named = subject or (place.thing.home.vm.name if hasattr(place.thing, "home") else name)
        return (span(f" {named}", Role.TEXT), span(f"  {_KINDS.get(kind, kind)}", Role.DIM))

    def read(self, width: int) -> Sequence[Line]:
        """Return the overview with the cursor in it; moving that lays nothing out, which takes a pass over all VMs."""
        if width != self._page_width:
            desk = self.desk
            self._page = overview(desk.state, desk.state.history, desk.cell_context, width)
            self._page_width = width
        return with_cursor(self._page.lines, self.place)

    def draw(self) -> None:
        """Lay it out for the latest state."""
        self._page_width = 0
        super().draw()

    def draw_ages(self) -> None:
        """Lay it out anew: ages have grown."""
        self._page_width = 0
        super().draw_ages()

    async def act(self, key: Key) -> None:
        """Move among the things, open one, or go back."""
        match key.id:
            case "open":
                self._open()
            case "next" | "previous":
                self._step(1 if key.id == "next" else -1)
            case "down" | "up":
                self._step_line(1 if key.id == "down" else -1)
            case "first" | "last":
                self._move_to(self._page.places[:1] if key.id == "first" else self._page.places[-1:])
            case _:
                await super().act(key)

    def _open(self) -> None:
        place = self.place
        if place is None:
            return
        if isinstance(place.thing, Alert):
            self.desk.navigator.open_alert(place.thing)
        else:
            self.desk.navigator.open_detail(place.thing)

    def _step(self, step: int) -> None:
        place, places = self.place, self._page.places
        if place is not None:
            at = min(max(0, places.index(place) + step), len(places) - 1)
            self._move_to(places[at : at + 1])

    def _step_line(self, step: int) -> None:
        """Go to the nearest thing of the next line that has one."""
        here = self.place
        if here is None:
            return
        lines = sorted({place.y for place in self._page.places if (place.y - here.y) * step > 0}, reverse=step < 0)
        if lines:
            there = [place for place in self._page.places if place.y == lines[0]]
            self._move_to([min(there, key=lambda place: abs(place.x - here.x))])

    def _move_to(self, places: Sequence[Place]) -> None:
        if not places:
            return
        self._cursor = places[0].key
        height = self.text.size.height
        if not self.text.top <= places[0].y < self.text.top + height:
            self.text.scroll_lines(places[0].y - self.text.top - height // 2)
        self.text.update()
        self.update_frame()


_KINDS = {
    "alert": "alert",
    "down": "host that does not answer",
    "trouble": "VM",
    "full": "pool that is nearly full",
    "host": "host",
    "cpu": "VM, by CPU",
    "disk": "VM, by disk",
    "net": "VM, by network",
    "operation": "operation",
}
