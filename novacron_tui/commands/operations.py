"""Cancel what is under way, on an operation or on the VM it is about; acknowledge what needed a person."""

from typing import Final

from novacron.model.operation import Operation
from novacron_tui.commands.command import Act, Command, Context, Kind


def refuse_cancel(operation: Operation, _context: Context) -> str | None:
    """Return why it cannot be cancelled, or None."""
    if operation.has_ended:
        return f"it has ended: {operation.state}"
    can_be_left = operation.can_cancel or operation.progress.waits_for or operation.is_waiting
    return None if can_be_left else "it cannot be cancelled; it will end by itself"


def refuse_acknowledge(operation: Operation, _context: Context) -> str | None:
    """Return why nobody has to say anything of it, or None."""
    if operation.acknowledged is not None:
        return f"{operation.acknowledged.actor or 'somebody'} has acknowledged it"
    return None if operation.needs_person else f"it needs nobody's attention: it is {operation.state}"


OPERATIONS: Final = (
    Command(
        id="operation.cancel",
        title="Cancel the operation under way",
        kind=Kind.OPERATION,
        danger=True,
        refuse=refuse_cancel,
        act=Act.CANCEL,
    ),
    Command(
        id="operation.acknowledge",
        title="Acknowledge what needed attention, with a note",
        kind=Kind.OPERATION,
        many=False,
        refuse=refuse_acknowledge,
        act=Act.ACKNOWLEDGE,
    ),
)
