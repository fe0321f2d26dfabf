"""Identifiers of operations: sortable by time, short enough to type."""

import random
from typing import Final

from novacron.model.ids import OperationId
from novacron.ports.clock import Clock

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o or u to mistake for something else."""
_TIME_DIGITS: Final = 10
_RANDOM_DIGITS: Final = 6


class OperationIds:
    """Gives out identifiers that never fall, whatever the wall clock does."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._last_ms = 0

    def next(self) -> OperationId:
        """Return a new one: 48 bits of milliseconds, then 30 random ones."""
        self._last_ms = max(self._last_ms + 1, int(self._clock.now().timestamp() * 1000))
        tail = self._rng.getrandbits(5 * _RANDOM_DIGITS)
        return OperationId(_digits(self._last_ms, _TIME_DIGITS) + _digits(tail, _RANDOM_DIGITS))


def _digits(number: int, count: int) -> str:
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(count)))
