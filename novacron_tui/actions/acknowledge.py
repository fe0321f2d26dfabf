"""Tells the backend that a person has dealt with an operation."""

from novacron.model.errors import NovaCronError
from novacron.model.operation import Operation
from novacron.model.refusal import Refusal
from novacron_tui.desk import Desk
from novacron_tui.present.cells import Role, span


async def acknowledge(desk: Desk, operation: Operation, note: str) -> None:
    """Acknowledge it with a note, and say what the backend answers."""
    try:
        answer = await desk.backend.acknowledge(desk.caller, operation.id, note=note)
    except NovaCronError as error:
        desk.tell(f"not known whether it was acknowledged: {operation.title}: {error}")
        return
    if isinstance(answer, Refusal):
        desk.tell(str(answer))
    else:
        desk.say(span(f"acknowledged: {operation.title}", Role.TEXT))
