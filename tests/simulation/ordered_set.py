"""A set that is walked through in the order in which things were added: a plain one goes by their addresses."""

from collections.abc import Hashable, Iterator, MutableSet
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


class OrderedSet(MutableSet[T]):
    """A set with an order."""

    def __init__(self) -> None:
        self._entries: dict[T, None] = {}

    def __contains__(self, entry: object) -> bool:
        return entry in self._entries

    def __iter__(self) -> Iterator[T]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, value: T) -> None:
        """Add it at the end, unless it is there."""
        self._entries[value] = None

    def discard(self, value: T) -> None:
        """Remove it if it is there."""
        self._entries.pop(value, None)
