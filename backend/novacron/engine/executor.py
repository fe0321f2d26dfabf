"""Takes intents, and turns each into one operation: once, after the prerequisites, under a lock, in the journal."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from novacron.engine.host_pollers import HostPollers
from novacron.engine.identifiers import OperationIds
from novacron.engine.ledger import Ledger
from novacron.engine.looking_again import look_again
from novacron.engine.operations.context import StepContext
from novacron.engine.operations.migration_preflight import gather_facts
from novacron.engine.previews import Previews
from novacron.engine.settings import EngineSettings
from novacron.engine.store import FleetStore
from novacron.engine.supervisor import is_cancelled_itself
from novacron.engine.work.cancelling import cancel
from novacron.engine.work.draining import drain
from novacron.engine.work.queue import WorkQueue
from novacron.engine.work.runner import OperationRunner
from novacron.engine.work.scheduler import Scheduler
from novacron.engine.work.submission import Submission
from novacron.model.caller import Caller
from novacron.model.errors import JournalError
from novacron.model.ids import HostId, OperationId
from novacron.model.operation import Operation, OperationState, StepRecord, StepState
from novacron.model.operations.intent import Intent
from novacron.model.operations.registry import claims_of, claims_unread, needs_inventory, plan, subject_of
from novacron.model.operations.unknown import UnknownIntent
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode, refuse
from novacron.model.work.capacity import limit_of
from novacron.model.work.claim import Claim
from novacron.model.work.limits import DEFAULT_LIMITS
from novacron.ports.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineContext:
    """What the executor, its scheduler and recovery work with."""

    store: FleetStore
    pollers: HostPollers
    ledger: Ledger
    clock: Clock
    settings: EngineSettings
    rng: random.Random


class Executor:
    """Accepts, runs and cancels operations."""

    def __init__(self, engine: EngineContext) -> None:
        self._engine = engine
        self._ids = OperationIds(engine.clock, engine.rng)
        self._queue = WorkQueue(partial(_limit_of, engine.store), engine.ledger.queued)
        self._previews = Previews()
        self.scheduler = Scheduler(
            queue=self._queue,
            store=engine.store,
            ledger=engine.ledger,
            clock=engine.clock,
            plan=self.plan,
            difference=self._previews.difference,
        )
        """Lets what was accepted begin."""
        self.on_ended: Callable[[Operation], None] = lambda _: None
        """Told of each operation that has ended, or is let go of."""
        self._runs: dict[OperationId, OperationRunner] = {}
        self._tasks: dict[OperationId, asyncio.Task[None]] = {}
        self._submitting: dict[tuple[str, str], asyncio.Future[Operation | Refusal]] = {}
        """By user and key."""
        self._is_ending = False

    @property
    def running(self) -> int:
        """How many operations are under way."""
        return len(self._tasks)

    async def preview(self, intent: Intent) -> Plan | Refusal:
        """Say what it would do; changes nothing."""
        answer = self._refuse_locked(intent) or await self._plan(intent, afresh=needs_inventory(intent))
        if isinstance(answer, Plan):
            self._previews.remember(answer)
        return answer

    async def plan(self, intent: Intent) -> Plan | Refusal:
        """Plan it from a fresh look, as if nothing held its subject: for one who holds it already."""
        return await self._plan(intent, afresh=True)

    async def submit(self, asked: Submission) -> Operation | Refusal:
        """Accept the intent, or refuse it. A user's same key and intent give the same operation, at any time."""
        slot = (asked.actor, asked.key or self._ids.next())
        pending = self._submitting.get(slot)
        if pending is None:
            pending = asyncio.ensure_future(self._submit(asked))
            self._submitting[slot] = pending
            pending.add_done_callback(lambda _: self._submitting.pop(slot, None))
        # A client that goes away takes neither the operation nor another client's answer with it.
        try:
            answer = await asyncio.shield(pending)
        except asyncio.CancelledError as error:
            if is_cancelled_itself(error):
                raise
            return _LET_GO
        if isinstance(answer, Operation) and answer.intent != asked.intent:
            return refuse(
                RefusalCode.INVALID,
                "idempotency key",
                f"it was used for another request: {answer.title}",
                "a key is for one request and its repetitions: choose a new one",
            )
        return answer

    async def cancel(self, operation_id: OperationId, caller: Caller) -> Operation | Refusal:
        """Ask an operation to stop; give it up when it was asked before and waits for what does not answer."""
        engine = self._engine
        return await cancel(operation_id, self._runs.get(operation_id), engine.ledger, engine.clock, caller)

    def follow_limits(self) -> None:
        """Let those begin that the limits, as they are now, keep back no more."""
        self._queue.look_again()

    def follow_reading(self, host: HostId) -> None:
        """Let those begin for whom the host has memory by its new reading."""
        self._queue.note_reading(host)

    def adopt(self, operation: Operation) -> OperationRunner:
        """Take up an operation of an earlier run of the backend: locked again before anything new is accepted."""
        # What it waited for then says nothing now.
        self._engine.ledger.queued(operation.id, None)
        has_begun = any(step.state is not StepState.PENDING for step in operation.steps)
        if has_begun or isinstance(operation.intent, UnknownIntent):
            self._queue.hold(claims_unread(operation), operation)
        elif self.scheduler.is_due(operation):
            self._queue.hold(claims_unread(operation).objects, operation)
        return self._new_run(operation)

    def launch(self, run: OperationRunner, *, first: "asyncio.Future[bool] | None" = None) -> None:
        """Let it run; `first` has to come true before."""
        self._start(run, run.carry_out_after(first))

    def leave(self, operation: Operation, outcome: str) -> None:
        """End an operation of an earlier run of the backend that cannot be taken up: it needs attention."""
        run = self._new_run(operation)
        self._start(run, run.give_up(OperationState.NEEDS_ATTENTION, outcome))

    async def drain(self) -> tuple[Operation, ...]:
        """Accept nothing more; return what has not ended once nothing runs that would break with this process.

        Migrations that we carry get some time to end; those that do not are asked to stop, and stay at their source.
        """
        self._is_ending = True
        self.scheduler.hold_back()
        await self.scheduler.note_waiting()
        await drain(self._runs.values, self._engine.clock, self._engine.settings)
        return tuple(run.operation for run in self._runs.values() if not run.operation.has_ended)

    async def stop(self) -> None:
        """Let go of every operation as it is: the journal knows what is under way."""
        tasks: list[asyncio.Future[Any]] = [
            *self._tasks.values(),
            *self._submitting.values(),
        ]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def let_go(self) -> None:
        """Leave every operation to another backend, which runs them by now; as before the start afterwards."""
        await self.stop()
        for operation in tuple(self._runs):  # such as no task carries out
            self._queue.release(operation)
        self._runs.clear()
        self._tasks.clear()

    async def _submit(self, asked: Submission) -> Operation | Refusal:
        engine = self._engine
        try:
            known = await engine.ledger.by_key(asked.key, asked.actor) if asked.key else None
            if known is not None:
                return known
            engine.ledger.require_writable()
        except JournalError as error:
            return _no_journal(error)
        if self._is_ending:
            return refuse(RefusalCode.TOO_LATE, "backend", "it is ending: nothing new begins", "ask the next one")
        now = engine.clock.now()
        if problem := asked.schedule.problem(now):
            return refuse(RefusalCode.INVALID, "schedule", problem, "choose another time")
        fleet = engine.store.fleet
        held = _claimant(self._ids.next(), asked, subject_of(asked.intent, fleet), now)
        locked = self._queue.take(claims_of(asked.intent, fleet), held)
        if locked is not None:
            return locked
        try:
            answer = await self._accept(held, asked.plan_digest)
        except JournalError as error:
            answer = _no_journal(error)
        except BaseException:
            self._queue.release(held.id)
            raise
        if isinstance(answer, Refusal):
            self._queue.release(held.id)
            return answer
        self._begin(answer)
        return self._engine.ledger.find(answer.id) or answer

    def _begin(self, operation: Operation) -> None:
        """Let it run at once if its hosts have the capacity, else when it is its turn."""
        run = self._new_run(operation)
        if not self.scheduler.is_due(operation):
            self._queue.release(operation.id)
            self.launch(run, first=asyncio.ensure_future(self.scheduler.begin_later(run)))
            return
        turn = self.scheduler.enter(operation)
        if turn.done():
            self.launch(run)
        else:
            self.launch(run, first=asyncio.ensure_future(self.scheduler.may_begin(run, turn)))

    async def _accept(self, held: Operation, plan_digest: str) -> Operation | Refusal:
        """Plan again from a fresh look, while nothing else may touch the subject, and accept what was confirmed."""
        planned = await self._plan(held.intent, afresh=True)
        if isinstance(planned, Refusal):
            return planned
        if planned.digest != plan_digest:
            return refuse(
                RefusalCode.CHANGED,
                planned.subject,
                f"it is not what was confirmed: {self._previews.difference(plan_digest, planned)}",
                "look again, then decide again",
            )
        operation = replace(
            held,
            title=planned.title,
            subject=planned.subject,
            steps=tuple(StepRecord(id=step.id, args=step.args, title=step.title) for step in planned.steps),
            can_cancel=planned.can_cancel,
            plan_digest=planned.digest,
        )
        # What it touches is known better after the look. From here to the lock nothing is awaited.
        locked = self._queue.take(claims_of(held.intent, self._engine.store.fleet), operation)
        if locked is not None:
            return locked
        return await self._engine.ledger.accept(operation)

    async def _plan(self, intent: Intent, *, afresh: bool) -> Plan | Refusal:
        engine = self._engine
        fleet = engine.store.fleet
        if afresh:
            looked = await look_again(intent, engine.store, engine.pollers, engine.clock, engine.settings)
            if isinstance(looked, Refusal):
                return looked
            fleet = looked
        facts = await gather_facts(intent, fleet, engine.pollers, engine.clock, engine.settings)
        if isinstance(facts, Refusal):
            return facts
        # By the fleet as it is after asking, where nobody looked: the answers took their time.
        return plan(intent, fleet if afresh else engine.store.fleet, facts)

    def _refuse_locked(self, intent: Intent) -> Refusal | None:
        """Say which operation is in the way: told before anything else, because it explains the rest."""
        fleet = self._engine.store.fleet
        return self._queue.refuse(claims_of(intent, fleet), subject_of(intent, fleet))

    def _new_run(self, operation: Operation) -> OperationRunner:
        engine = self._engine
        run: OperationRunner

        async def mark_settling() -> None:
            await run.mark_settling()

        context = StepContext(
            operation=lambda: run.operation,
            fleet=lambda: engine.store.fleet,
            pollers=engine.pollers,
            clock=engine.clock,
            settings=engine.settings,
            show=lambda progress: engine.ledger.show(operation.id, progress),
            mark_settling=mark_settling,
            require_ours=engine.ledger.require_writable,
        )
        run = OperationRunner(
            operation.id, ledger=engine.ledger, context=context, clock=engine.clock, settings=engine.settings
        )
        self._runs[operation.id] = run
        return run

    def _start(self, run: OperationRunner, work: Coroutine[Any, Any, None]) -> None:
        operation = run.operation
        task = asyncio.create_task(work, name=f"operation {operation.id}")
        self._tasks[operation.id] = task
        task.add_done_callback(lambda _: self._settle_up(operation))

    def _settle_up(self, operation: Operation) -> None:
        self._queue.release(operation.id)
        self.on_ended(operation)
        self._tasks.pop(operation.id, None)
        self._runs.pop(operation.id, None)


def _claimant(identifier: OperationId, asked: Submission, subject: str, now: datetime) -> Operation:
    """Return an operation as it holds its claims while it is being planned."""
    return Operation(
        id=identifier,
        intent=asked.intent,
        title=f"{asked.intent.kind} {subject} on {asked.intent.host}",
        subject=subject,
        actor=asked.actor,
        state=OperationState.ACCEPTED,
        accepted_at=now,
        idempotency_key=asked.key,
        schedule=asked.schedule,
        parent=asked.parent,
    )


def _limit_of(store: FleetStore, claim: Claim) -> int | None:
    """Return how much there is of a host's capacity, by fleet.toml and the host's last reading."""
    host = store.fleet.hosts.get(claim.host) if claim.host is not None else None
    return limit_of(claim, host.spec.limits if host else DEFAULT_LIMITS, host.reading if host else None)


_LET_GO: Final = Refusal(
    code=RefusalCode.JOURNAL,
    subject="operations",
    reason="this backend let go of them while that was asked for: another runs them, or it is ending",
    remedy="ask again with the same key: what was accepted is not done twice",
)


def _no_journal(error: JournalError) -> Refusal:
    remedy = error.remedy or "free space or repair the state folder; what runs goes on"
    return refuse(RefusalCode.JOURNAL, error.subject, error.detail, remedy)
