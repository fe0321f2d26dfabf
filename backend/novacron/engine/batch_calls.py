"""The calls of the backend port that are about several intents at once."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from novacron.engine.executor import Executor
from novacron.engine.log import log
from novacron.engine.work.batches import Batches
from novacron.model.caller import Caller
from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron.model.operations.batch import Batch, BatchChild, BatchPlan, digest_of
from novacron.model.operations.batch_title import title_of
from novacron.model.operations.intent import Intent
from novacron.model.refusal import Refusal, invalid
from novacron.model.work.schedule import AT_ONCE, Schedule


class BatchCalls(ABC):
    """The part of BackendService that previews, accepts and lists batches."""

    batches: Batches
    _executor: Executor

    @abstractmethod
    async def find_operation(self, caller: Caller, operation: OperationId) -> Operation:
        """Return one operation."""

    async def children(self, caller: Caller, operation: OperationId) -> tuple[Operation, ...]:
        """Return the operations of a batch as they stand, in their order."""
        return await self.batches.children(await self.find_operation(caller, operation))

    async def preview_batch(
        self, caller: Caller, intents: Sequence[Intent], *, schedule: Schedule = AT_ONCE
    ) -> BatchPlan:
        """Say of each what it would do if all were submitted together, or why it is refused; changes nothing."""
        answers = await self._executor.several.preview(intents, schedule)
        return BatchPlan(title=title_of(intents), answers=tuple(answers))

    async def submit_batch(
        self,
        caller: Caller,
        children: Sequence[BatchChild],
        *,
        plan_digest: str,
        idempotency_key: str,
        schedule: Schedule = AT_ONCE,
    ) -> Operation | Refusal:
        """Accept several intents as one batch; returns its parent once all that are accepted are in the journal."""
        title = title_of([child.intent for child in children])
        if plan_digest != digest_of(child.plan_digest for child in children):
            return invalid(title, "the digest is not that of these plans", "submit what a preview of the batch showed")
        answer = await self.batches.submit(title, children, key=idempotency_key, caller=caller, schedule=schedule)
        refused = answer.intent.refused if isinstance(answer, Operation) and isinstance(answer.intent, Batch) else ()
        for refusal in (answer,) if isinstance(answer, Refusal) else refused:
            log_refusal(refusal, Batch(size=len(children)), caller)
        return answer


def log_refusal(answer: Operation | Refusal, intent: Intent, caller: Caller) -> None:
    """Write a refused submission to the log; nothing of one that was accepted."""
    if isinstance(answer, Refusal):
        told = {"kind": intent.kind, "subject": answer.subject, "code": answer.code, "reason": answer.reason}
        log("submission refused", told, caller=caller.user)
