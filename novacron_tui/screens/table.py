"""A screen with a table: the keys that move, sort, select and filter, alike wherever rows are listed."""

from typing import Any

from textual import events

from novacron.model.safetext import SafeText
from novacron_tui.keys import Key
from novacron_tui.present.cells import Line, Role, Span, span
from novacron_tui.present.line_edit import LineEdit
from novacron_tui.present.table_view import TableView
from novacron_tui.screens.live import LiveScreen
from novacron_tui.widgets.fleet_table import FleetTable


class TableScreen(LiveScreen):
    """Drives the table a subclass names."""

    def __init__(self) -> None:
        super().__init__()
        self._typing: LineEdit | None = None
        self._filter_before = ""
        """The filter that was in use when another began to be typed."""

    @property
    def table(self) -> FleetTable[Any]:
        """The table that is looked at."""
        raise NotImplementedError

    def row_status(self, row: Any) -> Line:  # noqa: ANN401 - a row of any table
        """Return what the status line says of the row under the cursor."""
        return ()

    def typing_line(self) -> Line:
        """Show the filter while it is typed."""
        if self._typing is None:
            return ()
        line = (span(" / ", Role.KEY), *self._typing.spans(self.size.width - 6, active=True))
        if self._typing.text or not self._filter_before:
            return line
        return (*line, span(f" {self._filter_before}  ", Role.DIM), span("→", Role.KEY), span(" takes it", Role.DIM))

    def footer_keys(self) -> list[tuple[str, str]]:
        """Name the keys that do something; while a filter is typed most are text."""
        return super().footer_keys() if self._typing is None else [("enter", "keep this filter")]

    def standing_keys(self) -> list[tuple[str, str]]:
        """Name the keys that always do something."""
        return super().standing_keys() if self._typing is None else [("esc", "as before")]

    def idle_keys(self) -> frozenset[str]:
        """Without a row there is nothing to open or to select."""
        return frozenset() if self.table.view.cursor_row is not None else frozenset({"open", "select"})

    def status_line(self) -> Line:
        """Show what the row under the cursor says."""
        view = self.table.view
        if view.lost:
            return _LOST
        if view.filter_text and (hint := view.filter_hint):
            return (span(f" {hint}", Role.WARNING),)
        return () if view.cursor_row is None else self.row_status(view.cursor_row)

    def counts(self, room: int) -> Line:
        """Say how many rows are selected, and how many the filter shows."""
        view = self.table.view
        parts: list[Span] = []
        if view.selected:
            parts.append(span(f" {len(view.selected)} selected ", Role.KEY))
        if view.filter_text:
            text = SafeText.clip(view.filter_text, max(6, room))
            parts.append(span(f" /{text}", Role.KEY))
            parts.append(span(f" {len(view.rows)} of {view.total} ", Role.WARNING))
        return tuple(parts)

    def texts(self) -> list[tuple[str, Line]]:
        """Return every cell of the row under the cursor, also of columns that have no room."""
        row, context = self.table.view.cursor_row, self.desk.cell_context
        if row is None:
            return super().texts()
        cells = [(column.title, column.cell(row, context)) for column in self.table.view.spec.columns]
        return [*((title, (Span(cell.forms[0], cell.role),)) for title, cell in cells), *super().texts()[1:]]

    def draw_ages(self) -> None:
        """Let ages on screen grow."""
        self.table.tick(self.desk.cell_context)

    def clear(self) -> bool:
        """Clear the selection, or else the filter; False when there was neither."""
        view = self.table.view
        if view.selected:
            view.select(set())
        elif view.filter_text:
            view.set_filter("")
        else:
            return False
        self.table.rearranged()
        self.update_frame()
        return True

    def on_fleet_table_moved(self) -> None:
        """Say what the row under the cursor is, and which keys it has."""
        self.update_frame()

    def receive_paste(self, text: str) -> None:
        """Paste into the filter; elsewhere pasted text is ignored."""
        if self._typing is not None:
            self._set_typing(self._typing.insert(text))

    async def type(self, event: events.Key) -> bool:
        """Type into the filter."""
        if self._typing is None:
            return False
        if event.key in {"enter", "escape"}:
            if event.key == "escape":
                self.table.view.set_filter(self._filter_before)
            self._typing = None
            self.table.rearranged()
            self.update_frame()
            return True
        if event.key in {"right", "end"} and not self._typing.text:
            self._set_typing(LineEdit.of(self._filter_before))
            return True
        edited = self._typing.press(event.key, event.character)
        if edited is not None:
            self._set_typing(edited)
            return True
        # Arrows and pages still move, so that one can look while typing.
        return event.key not in {"up", "down", "pageup", "pagedown"}

    async def act(self, key: Key) -> None:
        """Move, sort, select, filter."""
        view = self.table.view
        if _move(view, key.id):
            self.table.repaint_changes(scrolls=True)
            self.update_frame()
            return
        match key.id:
            case "filter":
                self._filter_before = view.filter_text
                self._set_typing(LineEdit())
            case "select":
                view.toggle_selected()
                self.table.repaint_changes()
            case "select-all":
                view.select_all()
                self.table.repaint_changes()
            case "sort-next" | "sort-previous":
                shown = [column for column, _ in self.table.columns]
                view.sort_next(1 if key.id == "sort-next" else -1, shown)
                self.table.rearranged()
            case "sort-reverse":
                view.sort_by(view.sort)
                self.table.rearranged()
        self.update_frame()

    def _set_typing(self, edit: LineEdit) -> None:
        self._typing = edit
        self.table.view.set_filter(edit.text)
        self.table.rearranged()
        self.update_frame()


_LOST: Line = (
    span(" what was chosen is no longer shown here; ", Role.WARNING),
    span("j k", Role.KEY),
    span(" choose another", Role.WARNING),
)


def _move(view: TableView[Any], action: str) -> bool:
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
