"""The machine's own clocks."""

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """Time as it passes (ports.clock.Clock)."""

    def now(self) -> datetime:
        """Return the wall clock as aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never jump."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait that long."""
        await asyncio.sleep(seconds)
