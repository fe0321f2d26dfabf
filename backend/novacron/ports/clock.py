"""Time as the engine sees it, so that tests can run it faster."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """A clock that can be waited on."""

    def now(self) -> datetime:
        """Return the wall clock as aware UTC: for showing and for the journal."""

    def monotonic(self) -> float:
        """Return seconds that never jump: for durations and deadlines."""

    async def sleep(self, seconds: float) -> None:
        """Wait that long by the monotonic clock."""
