"""What an operation waits for before it begins, as a value that is shown."""

from dataclasses import dataclass
from datetime import datetime

from novacron.model.ids import OperationId


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Why an accepted operation has not begun: nothing was done yet, and it can be cancelled at once."""

    reason: str
    """In words: "at most 2 migrations leave kvm-a at once"."""
    resource: str = ""
    """Key of the claim that cannot be had yet; empty when it waits for a time."""
    operation: OperationId | None = None
    """Who is in the way: holds the resource, or is before it in the queue. None when it waits for a time."""
    title: str = ""
    """That operation's title. May quote foreign names."""
    until: datetime | None = None
    """When it may begin at the earliest; None when it waits for another operation."""

    def __str__(self) -> str:
        behind = f'waits for "{self.title}" (operation {self.operation}): ' if self.operation is not None else ""
        return f"{behind}{self.reason}"
