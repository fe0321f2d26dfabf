"""Asking an operation to stop: at once while it waits, at its next chance while it runs; or giving it up."""

from novacron.engine.ledger import Ledger
from novacron.engine.work.runner import OperationRunner
from novacron.model.caller import Caller
from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.operation import AskedBy, Operation, OperationState
from novacron.model.refusal import Refusal, RefusalCode, refuse
from novacron.ports.clock import Clock


async def cancel(
    operation_id: OperationId, run: OperationRunner | None, ledger: Ledger, clock: Clock, caller: Caller
) -> Operation | Refusal:
    """Ask an operation to stop, and write who asked first; `run` is None where nothing carries it out any more.

    One that waits for what does not answer, and cannot be stopped or was asked to already, is given up.
    """
    operation = ledger.find(operation_id)
    if operation is None:
        return refuse(RefusalCode.NOT_FOUND, operation_id, "no such operation", "see: novacron ops")
    if run is None and not operation.has_ended:
        try:
            ledger.require_writable()  # another backend runs it
        except JournalError as error:
            return refuse(RefusalCode.JOURNAL, error.subject, error.detail, error.remedy)
    if operation.has_ended or run is None:
        return refuse(RefusalCode.TOO_LATE, operation.title, f"it has ended: {operation.state}", "")
    asked = AskedBy(actor=caller.user, at=clock.now())
    if not operation.is_waiting:
        # A migration is first asked to stop, as soon as its host answers; who asks again will not wait for that.
        if operation.progress.waits_for and (run.context.is_cancelled or not operation.can_cancel):
            run.context.give_up_asked.set()
            # In memory before anything else has its turn: the run that wakes up builds on it.
            return await ledger.move(operation_id, operation.state, give_up_asked=asked)
        if not operation.can_cancel:
            return refuse(
                RefusalCode.WRONG_STATE, operation.title, "it cannot be stopped half-way", "wait until it has ended"
            )
    run.context.cancel_asked.set()
    state = operation.state
    if not operation.is_waiting and state in (OperationState.RUNNING, OperationState.SETTLING):
        state = OperationState.CANCELLING
    if state is operation.state and operation.cancel_asked is not None:
        return operation
    return await ledger.move(operation_id, state, cancel_asked=asked)
