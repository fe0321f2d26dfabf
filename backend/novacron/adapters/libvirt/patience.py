"""When something that hung may be asked again: each time that it did, twice as long after."""

from collections.abc import Callable
from typing import Final

_FIRST_S: Final = 60.0
_MOST_S: Final = 3600.0


class Patience:
    """Keeps who hangs on a host (on a dead file server, say) from being sent after by another every few seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._pause_s = _FIRST_S
        self._until_s = float("-inf")

    @property
    def has_run_out(self) -> bool:
        """Whether it may be asked now."""
        return self._monotonic() >= self._until_s

    def answered(self) -> None:
        """It answers again."""
        self._pause_s, self._until_s = _FIRST_S, float("-inf")

    def try_later(self) -> None:
        """It hung."""
        self._until_s = self._monotonic() + self._pause_s
        self._pause_s = min(_MOST_S, 2 * self._pause_s)
