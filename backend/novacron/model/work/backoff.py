"""How long to wait before something that failed is tried again: each time longer, up to a limit."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How often it failed in a row, and when it may be tried again. A value: each change gives the next one."""

    first_s: float
    """After the first failure."""
    most_s: float
    """However often it failed; between the two it doubles."""
    spread: float = 0.0
    """Which part of a wait is left to chance, 0.0 to 1.0, so that many do not try again in the same instant."""
    failures: int = 0
    """In a row."""
    due_at_s: float = float("-inf")
    """By the monotonic clock of who uses it: it is not tried again before."""

    @property
    def longest_s(self) -> float:
        """The wait after the failures so far, where chance is at its longest; 0.0 without any."""
        if not self.failures:
            return 0.0
        # Doubling for ever would be more than a float can have.
        return float(min(self.most_s, self.first_s * 2.0 ** min(self.failures - 1, 100)))

    def failed(self, *, now_s: float = 0.0, chance: float = 1.0) -> Self:
        """Return it after one more failure; `chance` is a random number from 0.0 to 1.0."""
        after = replace(self, failures=self.failures + 1)
        wait_s = after.longest_s * (1.0 - self.spread * (1.0 - chance))
        return replace(after, due_at_s=now_s + wait_s)

    def succeeded(self) -> Self:
        """Return it as before the first failure."""
        return replace(self, failures=0, due_at_s=float("-inf"))

    def wait_s(self, now_s: float = 0.0) -> float:
        """Return how long it is still to be waited; 0.0 when it may be tried now."""
        return max(0.0, self.due_at_s - now_s)

    def is_due(self, now_s: float) -> bool:
        """Whether it may be tried now."""
        return now_s >= self.due_at_s
