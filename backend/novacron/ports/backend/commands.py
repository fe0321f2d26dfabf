"""What may be done."""

from typing import Protocol

from novacron.model.caller import Caller
from novacron.model.ids import HostId, OperationId
from novacron.model.operation import Operation
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

    async def cancel(self, caller: Caller, operation: OperationId) -> Operation | Refusal:
        """Ask a running operation to stop.

        One that waits for a host or the journal, and cannot be stopped or was asked to already, is given up.
        """

    async def acknowledge(self, caller: Caller, operation: OperationId, *, note: str) -> Operation | Refusal:
        """Write that a person has dealt with an operation that needs attention; its alert is cleared then.

        `note` says what was found or done.
        """

    async def reconnect(self, caller: Caller, host: HostId) -> None:
        """Try that host again now instead of at its next turn."""
