"""A person's word that they have dealt with an operation that needed attention."""

from novacron.engine.ledger import Ledger
from novacron.model.caller import Caller
from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.operation import NOTE_LENGTH, Acknowledgement, Operation
from novacron.model.refusal import Refusal, RefusalCode, refuse
from novacron.ports.clock import Clock


async def acknowledge(
    ledger: Ledger, clock: Clock, operation_id: OperationId, *, note: str, caller: Caller
) -> Operation | Refusal:
    """Write who has dealt with it, and with which words; refuse where nothing waits for a person."""
    operation = ledger.find(operation_id)
    if operation is None:
        return refuse(RefusalCode.NOT_FOUND, operation_id, "no such operation needs attention", "see: novacron ops")
    if operation.acknowledged is not None:
        word = operation.acknowledged
        reason = f"{word.actor or 'somebody'} has acknowledged it already: {word.note}"
        return refuse(RefusalCode.TOO_LATE, operation.title, reason, "")
    if not operation.needs_person:
        reason = f"nobody has to deal with it: it is {operation.state}"
        return refuse(RefusalCode.WRONG_STATE, operation.title, reason, "")
    note = note.strip()
    if not note.isprintable() or not 0 < len(note) <= NOTE_LENGTH:
        reason = f"a note is one line of 1 to {NOTE_LENGTH} characters that can be shown"
        return refuse(RefusalCode.INVALID, operation.title, reason, "say in a few words what you found or did")
    try:
        return await ledger.acknowledge(operation_id, Acknowledgement(note=note, actor=caller.user, at=clock.now()))
    except JournalError as error:
        return refuse(RefusalCode.JOURNAL, error.subject, error.detail, error.remedy)
