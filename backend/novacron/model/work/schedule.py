"""When an operation may begin, and before whom."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The usual one: as soon as it has its claims, in the order of acceptance."""

    priority: int = 0
    """The higher, the earlier it gets what several wait for."""
    not_before: datetime | None = None
    """Aware UTC: it does not begin earlier, and holds nothing until then. None: it may begin at once."""
    deadline: datetime | None = None
    """Aware UTC: if it has not begun by then, it ends and nothing was done. None: it waits for as long as it takes."""


AT_ONCE: Final = Schedule()
