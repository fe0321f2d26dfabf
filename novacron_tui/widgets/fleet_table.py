"""The table of every pane: any number of rows, of which only those on screen are ever looked at.

Textual's own DataTable repaints itself whole for one changed cell (10 KB); here a changed cell is a region of one
line, and a second without changes writes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from novacron_tui.palette import Surface
from novacron_tui.present.cells import Line, Role, Span, fit_cell, paragraph, span
from novacron_tui.present.column import GAP, CellContext, Column, TableSpec, choose_columns
from novacron_tui.present.table_view import TableView
from novacron_tui.present.width import fit
from novacron_tui.widgets.painted import Painted

T = TypeVar("T")
_MARGIN = 1
"""Cells before the first column, where selected rows are marked, and behind the last, for the position."""

_PREPARED_A_SECOND = 2000
"""Rows of which the searched text is made in advance: about five milliseconds' work."""


@dataclass(frozen=True, slots=True)
class _PaintedRow:
    """One line as it is painted on screen."""

    mark: Span
    cells: tuple[Span, ...]
    surface: Surface


_BLANK = _PaintedRow(span(""), (), Surface.BASE)
"""A line that has been scrolled in: like no row."""


@runtime_checkable
class LineScroller(Protocol):
    """A screen that can have the terminal scroll lines."""

    def scroll_lines(self, lines: Region, step: int) -> bool:
        """Move whole lines up by `step`, down if it is negative, with the frame painted next; False: it cannot."""


class FleetTable(Painted, Generic[T]):
    """Paints a TableView: a header line, then the rows that fit."""

    DEFAULT_CSS = "FleetTable { width: 1fr; height: 1fr; }"

    class Moved(Message):
        """The cursor is on another row, or its row changed."""

    def __init__(self, spec: TableSpec[T], *, name: str | None = None) -> None:
        super().__init__(id=name)
        self.view = TableView(spec)
        self.columns: tuple[tuple[Column[T], int], ...] = ()
        self._cell_context: CellContext | None = None
        self._painted: list[_PaintedRow | None] = []
        self._painted_top = 0
        """Which row the first of `_painted` is."""
        self._painted_header: Line = ()
        self._cells: dict[str, tuple[T, tuple[Span, ...]]] = {}
        """Rows that were looked at since facts or columns changed, with their cells, by the row's key."""
        self._thumb: tuple[int, int] = (0, 0)
        self.computed_rows = 0
        """Of how many rows cells have been computed so far."""

    def show(self, rows: Iterable[T], context: CellContext) -> None:
        """Take newer facts and paint what they change."""
        was_told = self._cell_context is not None and bool(self.view.rows)
        self._cell_context = context
        self._cells.clear()
        self.view.set_rows(rows)
        self.repaint_changes()
        if not self.view.rows or not was_told:
            self.refresh()  # Why there is no row is said in place of the rows.

    def tick(self, context: CellContext) -> None:
        """Let a second pass: ages on screen grow, and the filter is made ready for its first letter."""
        self._cell_context = context
        ageing = self.view.spec.is_ageing
        self._cells = {key: (row, cells) for key, (row, cells) in self._cells.items() if not ageing(row)}
        self.view.search.prepare(_PREPARED_A_SECOND)
        if any(ageing(row) for row in self.view.visible):
            self.repaint_changes()

    def repaint_changes(self, *, scrolls: bool = False) -> None:
        """Paint the cells that are not what they were.

        `scrolls`: the terminal may be told to move the lines that stay, as the frame is painted at once.
        """
        if self._cell_context is None or not self._painted:
            return
        if (header := self._header()) != self._painted_header:
            self._painted_header = header
            self.refresh(Region(0, 0, self.size.width, 1))
        before: Sequence[_PaintedRow | None] = self._painted
        step = self.view.top - self._painted_top
        was_marked = set(range(*self._thumb))
        if scrolls and 0 < abs(step) < len(before) and self._scroll_lines(step):
            blank = [_BLANK] * abs(step)
            before = [*before[step:], *blank] if step > 0 else [*blank, *before[:step]]
            was_marked = {y - step for y in was_marked}
        self._painted_top = self.view.top
        self._painted = self._wanted()
        for y, wanted in enumerate(self._painted):
            if wanted != before[y]:
                self._refresh_line(y, before[y], wanted)
        self._thumb = self._thumb_now()
        for y in was_marked ^ set(range(*self._thumb)):
            if 0 <= y < len(before):
                self.refresh(Region(self.size.width - _MARGIN, y + 1, _MARGIN, 1))

    def _scroll_lines(self, step: int) -> bool:
        """Let the terminal move the rows by that many lines; False where it cannot."""
        scroller = self.screen
        rows = self.region.shrink((1, 0, 0, 0))
        if not isinstance(scroller, LineScroller) or self._repaint_regions or not scroller.scroll_lines(rows, step):
            return False
        # What is kept of painted lines is kept by their place on screen.
        self._styles_cache.clear()
        return True

    def rearranged(self) -> None:
        """Paint what a filter or another order has changed."""
        was_empty = all(row is None for row in self._painted)
        self.repaint_changes()
        if was_empty or not self.view.rows:
            self.refresh()  # Why there is no row is said in place of the rows.

    def repaint(self) -> None:
        """Paint everything again: sorting, palette or width changed."""
        self._lay_out()
        self.refresh()
        self.post_message(self.Moved())

    def on_resize(self, event: events.Resize) -> None:
        """Choose columns anew."""
        self.repaint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        self.view.scroll(3)
        self._moved()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        self.view.scroll(-3)
        self._moved()

    def _moved(self) -> None:
        """Paint where the mouse has put the cursor, and tell the screen."""
        self.repaint_changes()
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on a row, or sort by the column clicked on."""
        if event.y > 0:
            self.view.move_to(self.view.top + event.y - 1)
            self._moved()
            return
        x = _MARGIN
        for column, width in self.columns:
            if x <= event.x < x + width:
                self.view.sort_by(column.id)
                self.repaint()
            x += width + GAP

    def render_line(self, y: int) -> Strip:
        """Paint one line from what was decided in repaint_changes."""
        width = self.size.width
        if y == 0:
            return self.painter.strip(self._header(), width, Surface.BAR)
        row = self._painted[y - 1] if y - 1 < len(self._painted) else None
        if row is None:
            return self.painter.strip(self._empty_line(y - 1), width)
        spans: list[Span] = [row.mark]
        for part in row.cells:
            spans += (part, span(" " * GAP))
        strip = self.painter.strip(tuple(spans), width, row.surface)
        top, bottom = self._thumb
        if top <= y - 1 < bottom:
            thumb = self.painter.strip((span(self.glyphs.thumb, Role.DIM),), _MARGIN, row.surface)
            return Strip.join([strip.crop(0, width - _MARGIN), thumb])
        return strip

    def _lay_out(self) -> None:
        width, height = self.size.width, max(0, self.size.height - 1)
        self.columns = choose_columns(self.view.spec.columns, width - 2 * _MARGIN)
        self.view.set_height(height)
        self._cells.clear()
        self._painted_top = self.view.top
        self._painted_header = self._header()
        self._painted = self._wanted(height) if self._cell_context is not None else [None] * height
        self._thumb = self._thumb_now()

    def _wanted(self, height: int | None = None) -> "list[_PaintedRow | None]":
        lines: list[_PaintedRow | None] = [self._row(row, self.view.top + y) for y, row in enumerate(self.view.visible)]
        return lines + [None] * ((len(self._painted) if height is None else height) - len(lines))

    def _row(self, row: T, index: int) -> _PaintedRow:
        selected = self.view.key_at(index) in self.view.selected
        surface = Surface.CURSOR if row is self.view.cursor_row else Surface.SELECTED if selected else Surface.BASE
        mark = span(self.glyphs.marked if selected else " ", Role.KEY)
        return _PaintedRow(mark, self._cells_of(row, self.view.key_at(index)), surface)

    def _cells_of(self, row: T, key: str) -> tuple[Span, ...]:
        assert self._cell_context is not None  # noqa: S101 - callers have looked
        known = self._cells.get(key)
        if known is not None:
            return known[1]
        context = self._cell_context
        cells = tuple(fit_cell(column.cell(row, context), width, right=column.right) for column, width in self.columns)
        self._cells[key] = (row, cells)
        self.computed_rows += 1
        return cells

    def _refresh_line(self, y: int, before: _PaintedRow | None, after: _PaintedRow | None) -> None:
        if (
            before is None
            or after is None
            or before is _BLANK
            or before.surface is not after.surface
            or before.mark != after.mark
        ):
            self.refresh(Region(0, y + 1, self.size.width, 1))
            return
        x = _MARGIN
        for old, new, (_, width) in zip(before.cells, after.cells, self.columns, strict=True):
            if old != new:
                self.refresh(Region(x, y + 1, width, 1))
            x += width + GAP

    def _header(self) -> Line:
        parts: list[Span] = [span(" " * _MARGIN)]
        for column, width in self.columns:
            title = column.title
            if column.id == self.view.sort:
                arrow = self.glyphs.descending if self.view.reverse else self.glyphs.ascending
                # The arrow must be seen even where the title fills its column.
                title = f"{arrow}{title}" if column.right else f"{title[: width - 1]}{arrow}"
            role = Role.ACCENT if column.id == self.view.sort else Role.COLUMN
            text = span(title).text
            parts.append(Span(fit(text, width, right=column.right), role))
            parts.append(span(" " * GAP))
        return tuple(parts)

    def _empty_line(self, y: int) -> Line:
        if self._cell_context is None or self.view.rows or y < 1:
            return ()
        if self.view.total:
            hint = self.view.filter_hint
            text = f"Nothing of {self.view.total} matches this filter; esc clears it.{f' {hint}' if hint else ''}"
        else:
            text = self.view.spec.empty
        lines: Sequence[Line] = paragraph(text, self.size.width - 4, Role.DIM, indent=2)
        return lines[y - 1] if y - 1 < len(lines) else ()

    def _thumb_now(self) -> tuple[int, int]:
        """Return the lines between which the position mark stands; nothing when all rows are seen."""
        total, height = len(self.view.rows), self.view.height
        if total <= height:
            return (0, 0)
        size = max(1, height * height // total)
        top = round(self.view.top * (height - size) / (total - height))
        return (top, top + size)
