"""Ignores keys for a moment after what they act on has changed on screen.

A slow line delivers several keys at once, and people type faster than screens are painted: a key that arrives together
with a question was pressed before the question could be read.
"""

import time
from typing import Final

GUARD_S: Final = 0.3
"""Seconds: shorter than anybody needs to decide, longer than keys take that were under way."""


class InputGuard:
    """Says whether keys are accepted: not for `seconds` after each change of what they act on."""

    def __init__(self, seconds: float = GUARD_S) -> None:
        self.seconds = seconds
        self._until = 0.0

    def ignore_keys(self, factor: float = 1.0) -> None:
        """Accept no key from now on for `factor` times the usual number of seconds."""
        self._until = time.monotonic() + self.seconds * factor

    @property
    def accepts_keys(self) -> bool:
        """Whether what is on screen has been there long enough for a key to be meant for it."""
        return time.monotonic() >= self._until
