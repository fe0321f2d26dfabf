"""The question before something under way is cancelled: what it is, how far it is, and what is left then."""

from collections.abc import Sequence

from textual import events

from novacron.model.operation import Operation
from novacron_tui.present.cells import Line
from novacron_tui.present.confirm import button_line, cancel_lines
from novacron_tui.screens.box import BoxScreen


class CancelScreen(BoxScreen[bool]):
    """Dismisses with True when the operations are to be cancelled."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        super().__init__()
        self._operations = tuple(operations)
        self._on_yes = True

    def lines(self, width: int) -> Sequence[Line]:
        """Say what would be cancelled, and how far it is now."""
        state, glyphs = self.desk.state, self.desk.glyphs
        now = [state.operation(asked.id) or asked for asked in self._operations]
        return cancel_lines(now, width, glyphs)

    def tail(self, width: int) -> Sequence[Line]:
        """Ask."""
        return [(), button_line(yes_first=True, on_yes=self._on_yes)]

    def state_changed(self) -> None:
        """Follow how far they are."""
        self.update()

    async def pressed(self, event: events.Key) -> None:
        """Decide."""
        if event.key != "escape" and not self.desk.input_guard.accepts_keys:
            return
        if event.key == "y" or (event.key == "enter" and self._on_yes):
            self.leave_with(True)
        elif event.key in {"n", "q", "escape", "enter"}:
            self.leave_with(False)
        elif event.key in {"tab", "shift+tab", "left", "right", "h", "l"}:
            self._on_yes = not self._on_yes
            self.update()
        else:
            self.refuse_key(event)
