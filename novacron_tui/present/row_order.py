"""The order of a table's rows by one column: keys are computed once per row, and rows that changed are merged in."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Generic, TypeVar

from novacron_tui.present.column import Column

T = TypeVar("T")


class _Keys:
    """The sort keys of one column, by position of the row."""

    __slots__ = ("stale", "values")

    def __init__(self, size: int) -> None:
        self.values: list[Any] = [None] * size
        self.stale: set[int] = set(range(size))
        """Positions whose key has to be computed before it is used."""


class RowOrder(Generic[T]):
    """Positions of rows, sorted by a column. Rows of equal keys stay as they were given."""

    def __init__(self) -> None:
        self._rows: Sequence[T] = ()
        self._keys: dict[str, _Keys] = {}
        self._sorted_by: tuple[str, bool] | None = None
        """Column and direction that `_known` and `_unknown` are sorted by."""
        self._known: list[int] = []
        self._unknown: list[int] = []
        self.computed = 0
        """How many keys have been computed so far."""

    def take_others(self, rows: Sequence[T]) -> None:
        """Take rows of which nothing is known yet."""
        self._rows = rows
        self._keys = {}
        self._sorted_by = None

    def take_changed(self, rows: Sequence[T], changed: Collection[int]) -> None:
        """Take the same rows in the same places, but those at the positions `changed`."""
        self._rows = rows
        for keys in self._keys.values():
            keys.stale.update(changed)

    def sorted_by(self, column: Column[T], reverse: bool) -> list[int]:
        """Return all positions in the order of a column; rows without a key come last, whichever way it is sorted."""
        keys = self._keys.get(column.id)
        if keys is None:
            keys = self._keys[column.id] = _Keys(len(self._rows))
        moved = self._bring_up_to_date(keys, column)
        if self._sorted_by != (column.id, reverse):
            self._sorted_by = (column.id, reverse)
            self._known, self._unknown = [], []
            self._insert(range(len(self._rows)), keys.values, reverse)
        elif moved:
            self._known = [position for position in self._known if position not in moved]
            self._unknown = [position for position in self._unknown if position not in moved]
            self._insert(moved, keys.values, reverse)
        return self._known + self._unknown

    def _bring_up_to_date(self, keys: _Keys, column: Column[T]) -> set[int]:
        """Compute the keys of changed rows; return the positions of those whose key is another one."""
        order, rows, values = column.order, self._rows, keys.values
        moved = set()
        for position in keys.stale:
            key = order(rows[position])
            if key != values[position]:
                values[position] = key
                moved.add(position)
        self.computed += len(keys.stale)
        keys.stale.clear()
        return moved

    def _insert(self, positions: Iterable[int], values: list[Any], reverse: bool) -> None:
        known: list[int] = []
        for position in positions:
            (self._unknown if values[position] is None else known).append(position)
        self._unknown.sort()
        if self._known:
            # Two sorted runs behind each other: Python's sort merges them, comparing little more than what moved.
            sign = -1 if reverse else 1
            known.sort(key=lambda position: (values[position], sign * position), reverse=reverse)
            self._known += known
            self._known.sort(key=lambda position: (values[position], sign * position), reverse=reverse)
        else:
            known.sort()
            known.sort(key=values.__getitem__, reverse=reverse)
            self._known = known
