"""Asking an operation to stop: at once while it waits, at its next chance while it runs; or giving it up."""

from novacron.engine.ledger import Ledger
from novacron.engine.run import OperationRun
from novacron.model.ids import OperationId
from novacron.model.operation import Operation, OperationState
from novacron.model.refusal import Refusal, RefusalCode


async def cancel(operation_id: OperationId, run: OperationRun | None, ledger: Ledger) -> Operation | Refusal:
    """Ask an operation to stop, or say why it cannot; `run` is None when nothing is done for it any more."""
    operation = ledger.find(operation_id)
    if operation is None:
        return _refusal(RefusalCode.NOT_FOUND, operation_id, "no such operation", "see: novacron ops")
    if operation.has_ended or run is None:
        return _refusal(RefusalCode.TOO_LATE, operation.title, f"it has ended: {operation.state}", "")
    if operation.is_waiting:
        run.context.cancel_asked.set()
        return operation
    # A migration is first asked to stop, as soon as its host answers; who asks again will not wait for that.
    if operation.progress.waits_for and (run.context.is_cancelled or not operation.can_cancel):
        run.context.give_up_asked.set()
        return operation
    if not operation.can_cancel:
        return _refusal(
            RefusalCode.WRONG_STATE, operation.title, "it cannot be stopped half-way", "wait until it has ended"
        )
    run.context.cancel_asked.set()
    if operation.state in (OperationState.RUNNING, OperationState.SETTLING):
        return await ledger.move(operation_id, OperationState.CANCELLING)
    return operation


def _refusal(code: RefusalCode, subject: str, reason: str, remedy: str) -> Refusal:
    return Refusal(code=code, subject=subject, reason=reason, remedy=remedy)
