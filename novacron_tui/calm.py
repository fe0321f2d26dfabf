"""Whether what is on screen has been there for long enough to be what a key was meant for.

Lines stall and deliver a sentence at once, and hands are faster than screens: a key that comes with what it would
answer was pressed before that could be read.
"""

import time
from typing import Final

CALM_S: Final = 0.3
"""Quicker than anybody decides, slower than a key that was on its way."""


class Calm:
    """A moment that has to pass after each change of what keys mean."""

    def __init__(self, seconds: float = CALM_S) -> None:
        self._seconds = seconds
        self._until = 0.0

    def disturb(self, factor: float = 1.0) -> None:
        """Say that keys mean something else from now on; `factor` times as long as usual is waited."""
        self._until = time.monotonic() + self._seconds * factor

    @property
    def holds(self) -> bool:
        """Whether keys may be taken at their word."""
        return time.monotonic() >= self._until
