"""Which rows of a table a filter wants: texts are made once per row, and a narrower filter looks at the last result."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, TypeVar

from novacron_tui.present.filter import Filter, Searched, searched

T = TypeVar("T")


class RowSearch(Generic[T]):
    """The searched texts of all rows, and the positions of those that the last filter wanted."""

    def __init__(self, fields: Callable[[T], Mapping[str, str]]) -> None:
        self._fields = fields
        self._rows: Sequence[T] = ()
        self._texts: list[Searched] = []
        """Of the first rows; of the rest they are made by `prepare`, or when a filter is used."""
        self._stale: set[int] = set()
        """Positions whose texts are those of before a change."""
        self._last = Filter()
        self._wanted: set[int] = set()
        """What `_last` wants; of no meaning while that has no terms."""
        self.looked_at = 0
        """How many rows have been compared with a filter so far."""

    def take_others(self, rows: Sequence[T]) -> None:
        """Take rows of which nothing is known yet."""
        self._rows = rows
        self._texts = []
        self._stale = set()
        self._last = Filter()

    def take_changed(self, rows: Sequence[T], changed: Collection[int]) -> None:
        """Take the same rows in the same places, but those at the positions `changed`."""
        self._rows = rows
        made = len(self._texts)
        self._stale.update(position for position in changed if position < made)

    def prepare(self, limit: int) -> None:
        """Make the texts of that many rows more, so that the first letter of a filter does not wait for all."""
        made = len(self._texts)
        self._texts += [searched(self._fields(row)) for row in self._rows[made : made + limit]]

    def keep(self, wanted: Filter, positions: Sequence[int]) -> Sequence[int]:
        """Return those of all `positions` whose rows the filter wants, in the same order."""
        if not wanted.terms:
            self._last = wanted
            return positions
        changed = self._bring_up_to_date()
        if wanted == self._last:
            self._look_at(wanted, changed)
        elif self._last.terms and wanted.narrows(self._last):
            self._wanted = set(self._looked_at(wanted, self._wanted | changed))
        else:
            self._wanted = set(self._looked_at(wanted, range(len(self._rows))))
        self._last = wanted
        return [position for position in positions if position in self._wanted]

    def _look_at(self, wanted: Filter, changed: Collection[int]) -> None:
        """Look at changed rows again."""
        self._wanted.difference_update(changed)
        self._wanted.update(self._looked_at(wanted, changed))

    def _looked_at(self, wanted: Filter, positions: Collection[int]) -> list[int]:
        self.looked_at += len(positions)
        return wanted.keep(self._texts, positions)

    def _bring_up_to_date(self) -> set[int]:
        """Make the texts that are missing; return the positions of those that are other texts now."""
        self.prepare(len(self._rows))
        changed = set()
        for position in self._stale:
            text = searched(self._fields(self._rows[position]))
            if text != self._texts[position]:
                self._texts[position] = text
                changed.add(position)
        self._stale.clear()
        return changed
