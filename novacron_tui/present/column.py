"""Columns of a table, and which of them a width has room for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from novacron.model.ids import VmId
from novacron.model.operation import Operation
from novacron_tui.present.cells import Cell
from novacron_tui.present.glyphs import UNICODE, Glyphs

T = TypeVar("T")
GAP = 1
"""Cells between two columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellContext:
    """What a cell may depend on besides its own row."""

    now: datetime
    glyphs: Glyphs = UNICODE
    operations: Mapping[VmId, Operation] = field(default_factory=dict)
    """The operation under way on each VM that has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[T]):
    """One column: its title, how wide it is, and how a row gives its cell."""

    id: str
    title: str
    width: int
    """The least it can be read at."""
    priority: int
    """0 is always shown; of the rest, higher ones go first when room is short."""
    widest: int = 0
    """How far it may grow; 0: it keeps its width."""
    right: bool = False
    """Whether it is set to the right, as numbers are."""
    largest_first: bool | None = None
    """Which way it is sorted at first; None: numbers the largest first, the rest from the smallest on."""
    cell: Callable[[T, CellContext], Cell]
    order: Callable[[T], Any]
    """The value to sort by; None: not known, and last whichever way one sorts."""

    @property
    def is_reversed_at_first(self) -> bool:
        """Whether sorting by it begins with the largest: who sorts by load looks for the most of it."""
        return self.right if self.largest_first is None else self.largest_first


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec(Generic[T]):
    """What a table is about: its columns, how a row is known, and by which words it is found."""

    columns: tuple[Column[T], ...]
    key: Callable[[T], str]
    fields: Callable[[T], Mapping[str, str]]
    """What a filter looks at: qualifier -> text."""
    sort: str
    """The column it is sorted by at first."""
    reverse: bool = False
    empty: str
    """What is said when there is no row, and what to do about it."""
    is_ageing: Callable[[T], bool] = lambda _row: False
    """Whether the row's cells change by time alone."""


def choose_columns(columns: Sequence[Column[T]], width: int) -> tuple[tuple[Column[T], int], ...]:
    """Choose the columns that fit, in their order, and share spare room among those that may grow."""
    chosen = list(columns)
    while len(chosen) > 1 and _needed(chosen) > width:
        chosen.remove(max(chosen, key=lambda column: column.priority))
    spare = max(0, width - _needed(chosen))
    widths = {column.id: column.width for column in chosen}
    growing = [column for column in chosen if column.widest > column.width]
    while spare > 0 and growing:
        for column in list(growing):
            if spare == 0:
                break
            widths[column.id] += 1
            spare -= 1
            if widths[column.id] >= column.widest:
                growing.remove(column)
    return tuple((column, widths[column.id]) for column in chosen)


def _needed(columns: Sequence[Column[T]]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)
