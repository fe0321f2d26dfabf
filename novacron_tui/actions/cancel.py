"""Asks the backend to stop operations."""

from collections.abc import Sequence

from novacron.model.errors import NovaCronError
from novacron.model.operation import Operation
from novacron.model.refusal import Refusal
from novacron_tui.desk import Desk
from novacron_tui.present.cells import Role, span


async def cancel(desk: Desk, operations: Sequence[Operation]) -> None:
    """Ask for each to be stopped, and say what the backend answers."""
    for operation in operations:
        try:
            answer = await desk.backend.cancel(desk.caller, operation.id)
        except NovaCronError as error:
            desk.tell(f"not known whether it was asked to stop: {operation.title}: {error}")
            continue
        if isinstance(answer, Refusal):
            desk.tell(str(answer))
        else:
            desk.notices.follow(operation.id)
            desk.say(span(f"asked to stop: {operation.title}", Role.WARNING))
