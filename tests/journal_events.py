"""Short ways to have operations in a journal."""

from novacron.model.operation import Operation
from novacron.model.work.event import Accepted, Event
from novacron.ports.journal import Journal


async def add(journal: Journal, *events: Event) -> None:
    """Append events and insist that they are written."""
    for error in (await journal.append(events)).values():
        raise error


async def record(journal: Journal, operation: Operation) -> None:
    """Have an operation in the journal unchanged, whatever state it is in."""
    await add(journal, Accepted(accepted=operation))
