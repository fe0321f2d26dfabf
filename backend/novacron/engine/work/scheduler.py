"""When an accepted operation begins: at its time, with its claims, and if it is still what was confirmed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from novacron.engine.ledger import Ledger
from novacron.engine.operations.context import AttentionNeeded
from novacron.engine.store import FleetStore
from novacron.engine.work.queue import Rank, WorkQueue
from novacron.engine.work.runner import OperationRunner
from novacron.model.ids import OperationId
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.intent import Intent
from novacron.model.operations.registry import claims_of
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron.model.work.wait import Wait
from novacron.ports.clock import Clock

AT_ITS_TURN: Final = "it waited for its turn"
AT_ITS_TIME: Final = "its time has come"
_CLOCK_CHECKED_S: Final = 30.0
"""A wall clock may be set while somebody waits for a time by it."""
_ROUNDS_MOST: Final = 10
"""How often what an operation needs may change between getting it and the look that follows."""


class Scheduler:
    """Lets operations begin. What has begun is no longer its business."""

    def __init__(
        self,
        *,
        queue: WorkQueue,
        store: FleetStore,
        ledger: Ledger,
        clock: Clock,
        plan: Callable[[Intent], Awaitable[Plan | Refusal]],
        difference: Callable[[str, Plan], str],
    ) -> None:
        self._queue = queue
        self._store = store
        self._ledger = ledger
        self._clock = clock
        self._plan = plan
        self._difference = difference
        self._is_ending = False

    def enter(self, operation: Operation) -> "asyncio.Future[None]":
        """Queue an operation that holds its objects for its share of its hosts' capacities; done when it has it."""
        amounts = claims_of(operation.intent, self._store.fleet).amounts
        return self._queue.enter(operation, amounts, rank_of(operation))

    def hold_back(self) -> None:
        """Let nothing begin any more: the backend is ending."""
        self._is_ending = True

    def is_due(self, operation: Operation) -> bool:
        """Whether its time has come."""
        return operation.schedule.is_due(self._clock.now())

    async def note_waiting(self) -> None:
        """Write that those who wait for their turn are wanted as of now, for a backend that starts again."""
        for operation_id in self._queue.waiting:
            operation = self._ledger.find(operation_id)
            if operation is not None and not operation.has_ended:
                await self._ledger.note_waiting(operation_id, self._clock.now())

    async def begin_later(self, run: OperationRunner) -> bool:
        """Return once its time and its turn have come and it is what was confirmed; False: it ended."""
        return await self.until_due(run) and await self.may_begin(run, why=AT_ITS_TIME)

    async def until_due(self, run: OperationRunner) -> bool:
        """Return once its time has come; False: it ended before."""
        operation = run.operation
        if self.is_due(operation):
            return True
        while not self.is_due(operation):
            at = operation.schedule.not_before or self._clock.now()
            self._ledger.queued(operation.id, Wait(reason=f"waits until {at:%Y-%m-%d %H:%M:%S} UTC", until=at))
            never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            await self._first_of(run, never, at)
            if await self._ended_waiting(run, "its time"):
                return False
        self._ledger.queued(operation.id, None)
        run.turn_at = self._clock.now()
        return True

    async def may_begin(
        self, run: OperationRunner, turn: "asyncio.Future[None] | None" = None, *, why: str = AT_ITS_TURN
    ) -> bool:
        """Return once it has all its claims and its plan is what was confirmed; False: it ended, nothing was done.

        `turn`: its place in the queue for amounts, where it holds its objects already. `why` a plan is made again.
        """
        operation = run.operation
        for _ in range(_ROUNDS_MOST):
            if turn is None and not await self._take_objects(run):
                return False
            if not await self._await_turn(run, turn or self.enter(operation)):
                return False
            self._ledger.queued(operation.id, Wait(reason="it is its turn: it is looked at once more before it begins"))
            changed = await self._changed(operation)
            self._ledger.queued(operation.id, None)
            if await self._ended_waiting(run, "a last look"):
                return False
            if changed:
                await self._end(operation, OperationState.FAILED, f"{why}; {changed}; nothing was done")
                return False
            if self._queue.has(claims_of(operation.intent, self._store.fleet), operation.id):
                return True
            self._queue.release(operation.id)
            turn = None
        await self._end(operation, OperationState.FAILED, f"{why}; what it touches keeps changing; nothing was done")
        return False

    async def _take_objects(self, run: OperationRunner) -> bool:
        """Have it hold all its objects; whoever waits for them holds nothing."""
        operation = run.operation
        objects = claims_of(operation.intent, self._store.fleet).objects
        if self._queue.has(objects, operation.id):
            return True
        self._queue.release(operation.id)
        return await self._await_turn(run, self._queue.enter(operation, objects, rank_of(operation)))

    async def _await_turn(self, run: OperationRunner, turn: "asyncio.Future[None]") -> bool:
        """Return once it has what it waits for; False: it ended before."""
        while not turn.done() and not await self._ended_waiting(run, "its turn"):
            await self._first_of(run, turn, None)
        if not turn.done():
            return False
        run.turn_at = self._clock.now()
        if self._is_ending:
            # It begins with the next backend: this one would leave it in the middle.
            await asyncio.get_running_loop().create_future()
        return not await self._ended_waiting(run, "its turn")

    async def _first_of(self, run: OperationRunner, turn: "asyncio.Future[None]", at: datetime | None) -> None:
        """Return when its turn or time comes, when somebody cancels it, or when its deadline passes."""
        moments = [moment for moment in (at, run.operation.schedule.deadline) if moment is not None]
        waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(run.context.cancel_asked.wait())]
        if moments:
            left_s = (min(moments) - self._clock.now()).total_seconds()
            waits.append(asyncio.ensure_future(self._clock.sleep(min(max(left_s, 0.0), _CLOCK_CHECKED_S))))
        try:
            await asyncio.wait([turn, *waits], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _ended_waiting(self, run: OperationRunner, what: str) -> bool:
        """End it if somebody cancelled it or its deadline has passed; return whether."""
        operation = run.operation
        deadline = operation.schedule.deadline
        if run.context.is_cancelled:
            # Not before the journal has the cancel: a restart would begin what was told to be cancelled.
            try:
                await run.until_written()
            except AttentionNeeded as need:
                self._queue.release(operation.id)
                await run.give_up(OperationState.NEEDS_ATTENTION, str(need))
                return True
            state, text = OperationState.CANCELLED, f"cancelled while it waited for {what}; nothing was done"
        elif deadline is not None and deadline <= self._clock.now():
            state = OperationState.FAILED
            text = f"it had not begun by its deadline, {deadline:%Y-%m-%d %H:%M:%S} UTC; nothing was done"
        else:
            return False
        self._queue.release(operation.id)
        await self._end(operation, state, text)
        return True

    async def _end(self, operation: Operation, state: OperationState, outcome: str) -> None:
        """End it before anything was done."""
        await self._ledger.move(operation.id, state, outcome=outcome, ended_at=self._clock.now(), can_cancel=False)

    async def _changed(self, operation: Operation) -> str:
        """Say what is not as it was confirmed; empty when all is."""
        planned = await self._plan(operation.intent)
        if isinstance(planned, Refusal):
            return str(planned)
        if operation.plan_digest in ("", planned.digest):
            return ""
        difference = self._difference(operation.plan_digest, planned)
        return f"it is not what was confirmed any more: {difference} (look again, then decide again)"


def rank_of(operation: Operation) -> Rank:
    """Return its place among those that wait."""
    return (-operation.schedule.priority, operation.sequence, OperationId(operation.id))
