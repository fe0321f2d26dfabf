"""How long operations that have ended stay where lists and starts find them, before they are archived."""

from datetime import datetime, timedelta
from typing import Final

KEEP_DAYS: Final = 90
"""A quarter: what somebody looks for in a list is younger, and a start reads little."""


def archived_before(now: datetime, keep_days: int) -> datetime | None:
    """Return the moment before which an operation must have ended to be archived; None: nothing is."""
    return now - timedelta(days=keep_days) if keep_days > 0 else None
