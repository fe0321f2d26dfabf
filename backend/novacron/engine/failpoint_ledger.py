"""The ledger of a backend that a test stops: it tells of every boundary of the journal, and is otherwise the ledger."""

from typing import Any

from novacron.engine.failpoints import Boundary, Reached
from novacron.engine.lease import LeaseKeeper
from novacron.engine.ledger import Ledger, OnChange
from novacron.engine.settings import EngineSettings
from novacron.model.ids import OperationId
from novacron.model.operation import ENDED, Operation, OperationState, StepRecord, StepState
from novacron.ports.journal import Journal


def ledger_of(journal: Journal, lease: LeaseKeeper, on_change: OnChange, settings: EngineSettings) -> Ledger:
    """Return a ledger; one that calls the failpoint, where one is set. Without it, no operation pays for it."""
    if settings.failpoint is None:
        return Ledger(journal, lease, on_change, keep=settings.operations_kept)
    return FailpointLedger(journal, lease, on_change, keep=settings.operations_kept, reached=settings.failpoint)


class FailpointLedger(Ledger):
    """A ledger that calls `reached` before and after what it writes."""

    def __init__(
        self, journal: Journal, lease: LeaseKeeper, on_change: OnChange, *, keep: int, reached: Reached
    ) -> None:
        super().__init__(journal, lease, on_change, keep=keep)
        self._reached = reached

    async def begin_step(self, operation: OperationId, step: StepRecord) -> None:
        """Return once it is on the disk that the step has begun, and everything before it."""
        await self._pass(operation, Boundary.BEFORE_STARTED, step)
        await super().begin_step(operation, step)
        await self._pass(operation, Boundary.AFTER_STARTED, step)

    async def note_step(self, operation: OperationId, step: StepRecord) -> Operation:
        """Write how one of its steps has ended."""
        if step.state is not StepState.FINISHED:
            return await super().note_step(operation, step)
        await self._pass(operation, Boundary.BEFORE_FINISHED, step)
        noted = await super().note_step(operation, step)
        await self._pass(operation, Boundary.AFTER_FINISHED, step)
        return noted

    async def move(self, operation: OperationId, state: OperationState, **changes: Any) -> Operation:  # noqa: ANN401 - as it is
        """Change an operation's state, and whatever else changes with it."""
        if state not in ENDED:
            return await super().move(operation, state, **changes)
        await self._pass(operation, Boundary.BEFORE_END)
        moved = await super().move(operation, state, **changes)
        await self._pass(operation, Boundary.AFTER_END)
        return moved

    async def require_written(self, operation: OperationId) -> None:
        """Return once everything that is known of an operation is on the disk: what it did is taken back next."""
        await super().require_written(operation)
        await self._pass(operation, Boundary.BEFORE_UNDO)

    async def _pass(self, identity: OperationId, boundary: Boundary, step: StepRecord | None = None) -> None:
        operation = self.find(identity)
        kind = operation.intent.kind if operation is not None else "unknown"
        await self._reached(f"{kind}/{step.id}:{boundary}" if step else f"{kind}:{boundary}")
