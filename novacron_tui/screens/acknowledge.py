"""The note with which somebody acknowledges an operation that needed attention."""

from collections.abc import Sequence

from textual import events

from novacron.model.operation import NOTE_LENGTH, Operation
from novacron_tui.present.cells import Line
from novacron_tui.present.confirm import acknowledge_lines, note_line
from novacron_tui.present.line_edit import LineEdit
from novacron_tui.screens.box import BoxScreen


class AcknowledgeScreen(BoxScreen[str | None]):
    """Dismisses with the note, or None."""

    def __init__(self, operation: Operation) -> None:
        super().__init__()
        self._operation = operation
        self._typed = LineEdit()

    def lines(self, width: int) -> Sequence[Line]:
        """Say what is acknowledged."""
        return acknowledge_lines(self._operation, width, self.desk.glyphs)

    def tail(self, width: int) -> Sequence[Line]:
        """Ask for the note."""
        return note_line(self._typed, width)

    def receive_paste(self, text: str) -> None:
        """Take it into the note."""
        self._edit(self._typed.insert(text))

    async def pressed(self, event: events.Key) -> None:
        """Type, and decide."""
        if event.key == "escape":
            self.leave_with(None)
        elif event.key == "enter":
            if self._typed.text.strip():
                self.leave_with(self._typed.text.strip())
        else:
            edited = self._typed.press(event.key, event.character)
            if edited is None:
                self.refuse_key(event)
            else:
                self._edit(edited)

    def _edit(self, edited: LineEdit) -> None:
        if len(edited.text) <= NOTE_LENGTH:
            self._typed = edited
            self.update()
