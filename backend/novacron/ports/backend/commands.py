"""What may be done."""

from collections.abc import Sequence
from typing import Protocol

from novacron.model.caller import Caller
from novacron.model.ids import HostId, OperationId
from novacron.model.operation import Operation
from novacron.model.operations.batch import BatchChild
from novacron.model.operations.intent import Intent
from novacron.model.refusal import Refusal
from novacron.model.work.schedule import AT_ONCE, Schedule


class Commands(Protocol):
    """Acting. Who asked is written into the operation."""

    async def submit(
        self,
        caller: Caller,
        intent: Intent,
        *,
        plan_digest: str,
        idempotency_key: str,
        schedule: Schedule = AT_ONCE,
    ) -> Operation | Refusal:
        """Accept the intent, or refuse it; returns once it is in the journal.

        The same key gives the same operation.

        `plan_digest` is that of the plan that was previewed and confirmed: refused as changed, with the difference,
        when a plan made from a fresh look at the hypervisors is not that plan.

        `schedule` says when it may begin and before whom; a repetition with the same key does not change it.
        """

    async def submit_batch(
        self,
        caller: Caller,
        children: Sequence[BatchChild],
        *,
        plan_digest: str,
        idempotency_key: str,
        schedule: Schedule = AT_ONCE,
    ) -> Operation | Refusal:
        """Accept several intents as one batch; returns its parent once all that are accepted are in the journal.

        Each child is accepted or refused by itself, as `submit` would: the parent's intent names the refused ones.
        `plan_digest` is that of the batch that was confirmed. The same key gives the same batch.
        """

    async def cancel(self, caller: Caller, operation: OperationId) -> Operation | Refusal:
        """Ask a running operation to stop; of a batch those of its operations that wait, and what has begun goes on.

        One that waits for a host or the journal, and cannot be stopped or was asked to already, is given up.
        """

    async def acknowledge(self, caller: Caller, operation: OperationId, *, note: str) -> Operation | Refusal:
        """Write that a person has dealt with an operation that needs attention; its alert is cleared then.

        `note` says what was found or done.
        """

    async def reconnect(self, caller: Caller, host: HostId) -> None:
        """Try that host again now instead of at its next turn."""
