"""A table as its reader holds it: rows in order, cursor, selection, filter, and which part is on screen.

Pure: a widget paints what this says. The cursor stays on its row, known by key, however rows move. When that row goes
by itself the cursor is on none, until its reader moves or it comes back: a key meant for it must not meet a neighbour.
"""

import operator
import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from itertools import compress, count
from typing import Final, Generic, TypeVar

from novacron.model.safetext import SafeText
from novacron_tui.present.column import Column, TableSpec
from novacron_tui.present.filter import Filter, parse_filter
from novacron_tui.present.row_order import RowOrder
from novacron_tui.present.row_search import RowSearch

T = TypeVar("T")
_DIGITS: Final = re.compile("[0-9]+")


class TableView(Generic[T]):
    """The view state of one table. Rows are facts of the latest snapshot and are only referred to."""

    def __init__(self, spec: TableSpec[T]) -> None:
        self.spec = spec
        self.rows: tuple[T, ...] = ()
        """Those that pass the filter, in order."""
        self.total = 0
        """How many there are without the filter."""
        self.sort = spec.sort
        self.reverse = spec.reverse
        self.filter_text = ""
        self.selected: set[str] = set()
        self.cursor = 0
        self.top = 0
        self.height = 1
        self._filter = Filter()
        self._all: Sequence[T] = ()
        self._all_keys: list[str] = []
        """Of all rows, with the filter or without."""
        self.order: RowOrder[T] = RowOrder()
        self.search: RowSearch[T] = RowSearch(spec.fields)
        self._cursor_key = ""
        self._is_stray = False
        """Whether the row of the cursor's key is not shown."""
        self._strayed: set[str] = set()
        """Selected rows that went by themselves."""
        self._keys: list[str] = []
        self._chosen: tuple[T, ...] | None = None

    @property
    def cursor_row(self) -> T | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.rows and not self._is_stray else None

    @property
    def lost(self) -> bool:
        """Whether what a key would have acted on is no longer shown."""
        return not self.selected and (self._is_stray or bool(self._strayed))

    @property
    def chosen(self) -> tuple[T, ...]:
        """The selected rows that are shown, else the one under the cursor; the same tuple until that changes."""
        if self._chosen is None:
            self._chosen = self._choose()
        return self._chosen

    def _choose(self) -> tuple[T, ...]:
        if self.selected:
            return tuple(row for row, key in zip(self.rows, self._keys, strict=True) if key in self.selected)
        row = None if self.lost else self.cursor_row
        return () if row is None else (row,)

    @property
    def visible(self) -> Sequence[T]:
        """The rows on screen."""
        return self.rows[self.top : self.top + self.height]

    def key_at(self, index: int) -> str:
        """Return the key of the row at an index."""
        return self._keys[index]

    def set_rows(self, rows: Iterable[T]) -> None:
        """Take newer facts; cursor and selection stay with their rows.

        A row that did not change is the same object as before: of the others alone anything is computed.
        """
        newer = rows if isinstance(rows, tuple | list) else tuple(rows)
        if len(newer) != len(self._all):
            self._take_others(newer)
        else:
            changed = list(compress(count(), map(operator.is_not, newer, self._all)))
            key = self.spec.key
            if any(key(newer[position]) != self._all_keys[position] for position in changed):
                self._take_others(newer)
            else:
                self._take_changed(newer, changed)
        self._arrange(by_itself=True)

    def _take_others(self, rows: Sequence[T]) -> None:
        """Take rows of which some are new, gone, or in another place."""
        self._all = rows
        self._all_keys = list(map(self.spec.key, rows))
        self.order.take_others(rows)
        self.search.take_others(rows)

    def _take_changed(self, rows: Sequence[T], changed: Collection[int]) -> None:
        """Take the same rows, of which those at the positions `changed` have changed."""
        self._all = rows
        self.order.take_changed(rows, changed)
        self.search.take_changed(rows, changed)

    def set_filter(self, text: str) -> None:
        """Show only rows that hold these words."""
        if text == self.filter_text:
            return
        self.filter_text = text
        self._filter = parse_filter(text)
        self._arrange()

    @property
    def filter_hint(self) -> str:
        """What is wrong with the filter: a field that no row has, with the nearest one; empty when nothing is.

        Words like "10:30" are looked for unchanged, so that it matters only where nothing was found, or where
        the opposite was asked for and nothing is left out.
        """
        if not self._all or 0 < len(self.rows) < self.total:
            return ""
        known = list(self.spec.fields(self._all[0]))
        unknown = self._filter.unknown_field(known)
        if unknown is None:
            return ""
        field, near = unknown
        advice = f"did you mean {near}:?" if near else f"there are {', '.join(f'{name}:' for name in known)}"
        return f"No field is called {SafeText(field)}: {advice}"

    def set_height(self, height: int) -> None:
        """Say how many rows fit on screen."""
        self.height = max(1, height)
        self._scroll_to_cursor()

    def sort_by(self, column: str, *, reverse: bool | None = None) -> None:
        """Sort by a column; by the same one again reverses. `reverse` None: the way that column is sorted at first."""
        if reverse is not None:
            self.reverse = reverse
        else:
            self.reverse = not self.reverse if column == self.sort else self._column(column).is_reversed_at_first
        self.sort = column
        self._arrange()

    def sort_next(self, step: int, shown: Sequence[Column[T]]) -> None:
        """Sort by the next column of those shown."""
        ids = [column.id for column in shown]
        at = ids.index(self.sort) if self.sort in ids else -step
        column = ids[(at + step) % len(ids)]
        self.sort_by(column, reverse=self._column(column).is_reversed_at_first)

    def move(self, step: int) -> None:
        """Move the cursor by that many rows."""
        # Where its row has gone, the next one stands in that place already.
        self.move_to(self.cursor + (step - 1 if self._is_stray and step > 0 else step))

    def move_to(self, index: int) -> None:
        """Move the cursor to a row, or as near as there are rows."""
        if not self.rows:
            return
        self.cursor = min(max(0, index), len(self.rows) - 1)
        self._settle()
        self._scroll_to_cursor()

    def move_to_key(self, key: str) -> bool:
        """Move the cursor to the row of that key; False when it is not shown."""
        if key not in self._keys:
            return False
        self.move_to(self._keys.index(key))
        return True

    def scroll(self, step: int) -> None:
        """Move the window; the cursor is taken along when it would leave it."""
        self.top = min(max(0, self.top + step), max(0, len(self.rows) - self.height))
        self.move_to(min(max(self.cursor, self.top), self.top + self.height - 1))

    def toggle_selected(self) -> None:
        """Select the row under the cursor, or no longer; go on to the next one."""
        if self.cursor_row is not None:
            self.selected = self.selected ^ {self._keys[self.cursor]}
        self.move(1)

    def select_all(self) -> None:
        """Select every row that is shown; when all are, none."""
        everything = set(self._keys)
        self.select(set() if everything <= self.selected else everything)

    def select(self, keys: set[str]) -> None:
        """Select these rows and no others."""
        self.selected = keys
        self._strayed.clear()
        self._chosen = None

    def _settle(self) -> None:
        """Take the row at the cursor for the one that is meant: its reader has put it there."""
        self._cursor_key = self._keys[self.cursor] if self.rows else ""
        self._is_stray = False
        self._strayed.clear()
        self._chosen = None

    def _column(self, wanted: str) -> Column[T]:
        return next(column for column in self.spec.columns if column.id == wanted)

    def _arrange(self, *, by_itself: bool = False) -> None:
        self.total = len(self._all)
        positions = self.search.keep(self._filter, self.order.sorted_by(self._column(self.sort), self.reverse))
        self.rows = tuple(map(self._all.__getitem__, positions))
        self._keys = list(map(self._all_keys.__getitem__, positions))
        if self.selected or self._strayed:
            # A row hidden by the filter stays selected for no command: what is acted on is what is seen.
            shown, wanted = set(self._keys), self.selected | self._strayed
            self.selected = wanted & shown
            self._strayed = wanted - shown if by_itself else set()
        self._chosen = None
        self._find_cursor(by_itself=by_itself)

    def _find_cursor(self, *, by_itself: bool) -> None:
        if not self.rows:
            self.cursor = self.top = 0
            self._is_stray = by_itself and bool(self._cursor_key)
            return
        if self._cursor_key in self._keys:
            self._is_stray = False
            offset = self.cursor - self.top
            self.cursor = self._keys.index(self._cursor_key)
            if not self.top <= self.cursor < self.top + self.height:
                # It moved out of sight: keep it at the same place of the screen.
                self.top = self.cursor - min(max(0, offset), self.height - 1)
        else:
            self.cursor = min(self.cursor, len(self.rows) - 1)
            self._is_stray = by_itself and bool(self._cursor_key)
            if not self._is_stray:
                self._settle()
        self._scroll_to_cursor()

    def _scroll_to_cursor(self) -> None:
        self.top = min(max(self.top, self.cursor - self.height + 1), self.cursor)
        self.top = min(max(0, self.top), max(0, len(self.rows) - self.height))


@lru_cache(maxsize=65536)
def natural(text: str) -> str:
    """Return a key that orders names as people do: web-2 before web-10."""
    return _DIGITS.sub(_number_key, text[:200].casefold())


def _number_key(digits: "re.Match[str]") -> str:
    # A longer number is a larger one, and a number comes before any letter.
    number = digits[0].lstrip("0")
    return f"\0{chr(len(number) + 1)}{number}"
