"""When an operation may begin, and before whom."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

PRIORITY_MOST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The usual one: as soon as it has its claims, in the order of acceptance."""

    priority: int = 0
    """The higher, the earlier it gets what several wait for."""
    not_before: datetime | None = None
    """Aware UTC: it does not begin earlier, and holds nothing until then. None: it may begin at once."""
    deadline: datetime | None = None
    """Aware UTC: if it has not begun by then, it ends and nothing was done. None: it waits for as long as it takes."""

    def is_due(self, now: datetime) -> bool:
        """Whether its time has come."""
        return self.not_before is None or self.not_before <= now

    def problem(self, now: datetime) -> str:
        """Say why nothing can be done by this schedule; empty when something can."""
        moments = [moment for moment in (self.not_before, self.deadline) if moment is not None]
        if any(moment.tzinfo is None for moment in moments):
            return "a time without its offset from UTC says no moment"
        if abs(self.priority) > PRIORITY_MOST:
            return f"a priority is from -{PRIORITY_MOST} to {PRIORITY_MOST}"
        if self.deadline is None:
            return ""
        if self.deadline <= now:
            return f"its deadline, {self.deadline:%Y-%m-%d %H:%M:%S} UTC, has passed"
        if self.not_before is not None and self.deadline <= self.not_before:
            return "its deadline is not after the time at which it may begin"
        return ""


AT_ONCE: Final = Schedule()
