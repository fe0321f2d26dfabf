"""Takes intents, and turns each into one operation: once, after the prerequisites, under a lock, in the journal."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from novacron.engine.host_pollers import HostPollers
from novacron.engine.identifiers import OperationIds
from novacron.engine.ledger import Ledger
from novacron.engine.operations.context import StepContext
from novacron.engine.previews import Previews
from novacron.engine.settings import EngineSettings
from novacron.engine.store import FleetStore
from novacron.engine.work.acceptance import Acceptance, no_journal
from novacron.engine.work.cancelling import cancel
from novacron.engine.work.draining import drain
from novacron.engine.work.pending import PendingSubmissions
from novacron.engine.work.planning import Planner
from novacron.engine.work.queue import WorkQueue
from novacron.engine.work.runner import OperationRunner
from novacron.engine.work.scheduler import Scheduler
from novacron.engine.work.several import SeveralIntents
from novacron.engine.work.submission import Submission
from novacron.model.caller import Caller
from novacron.model.errors import JournalError
from novacron.model.fleet import Fleet
from novacron.model.ids import HostId, OperationId
from novacron.model.operation import Operation, OperationState, StepState
from novacron.model.operations.intent import Intent
from novacron.model.operations.registry import claims_of, claims_unread, needs_inventory, subject_of
from novacron.model.operations.unknown import UnknownIntent
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode, refuse
from novacron.model.work.capacity import limit_of
from novacron.model.work.claim import Claim
from novacron.model.work.limits import DEFAULT_LIMITS
from novacron.model.work.schedule import AT_ONCE, Schedule
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
        self._planner = Planner(engine.store, engine.pollers, engine.clock, engine.settings)
        self._acceptance = Acceptance(self._queue, engine.store, self._previews)
        self.several = SeveralIntents(
            queue=self._queue,
            acceptance=self._acceptance,
            planner=self._planner,
            ledger=engine.ledger,
            next_id=self._ids.next,
            entry=self,
        )
        """Previews and accepts many as one."""
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
        self.pending = PendingSubmissions(self._ids.next)
        """Batches too: a key stands for one of either."""
        self._is_ending = False

    @property
    def fleet(self) -> Fleet:
        """The fleet as it stands."""
        return self._engine.store.fleet

    @property
    def now(self) -> datetime:
        """The time."""
        return self._engine.clock.now()

    @property
    def running(self) -> int:
        """How many operations are under way."""
        return len(self._tasks)

    async def preview(self, intent: Intent, schedule: Schedule = AT_ONCE) -> Plan | Refusal:
        """Say what it would do; changes nothing."""
        locked = self.refuse_locked(intent, schedule)
        answer = locked or await self._planner.plan(intent, afresh=needs_inventory(intent))
        if isinstance(answer, Plan):
            self._previews.remember(answer)
        return answer

    async def plan(self, intent: Intent) -> Plan | Refusal:
        """Plan it from a fresh look, as if nothing held its subject: for one who holds it already."""
        return await self._planner.plan(intent, afresh=True)

    async def submit(self, asked: Submission) -> Operation | Refusal:
        """Accept the intent, or refuse it. A user's same key and intent give the same operation, at any time."""
        return await self.pending.accept(
            asked.actor, asked.key, lambda: self._submit(asked), lambda answer: answer.intent == asked.intent
        )

    async def cancel(self, operation_id: OperationId, caller: Caller) -> Operation | Refusal:
        """Ask an operation to stop; give it up when it was asked before and waits for what does not answer."""
        engine = self._engine
        return await cancel(operation_id, self._runs.get(operation_id), engine.ledger, engine.clock, caller)

    def stop_before_it_begins(self, operation_id: OperationId) -> None:
        """Let an operation of which nothing was done end so, where it is not queued yet."""
        if run := self._runs.get(operation_id):
            run.context.cancel_asked.set()

    def refuse_any(self, schedule: Schedule) -> Refusal | None:
        """Say why nothing at all is accepted now, or by this schedule."""
        try:
            self._engine.ledger.require_writable()
        except JournalError as error:
            return no_journal(error)
        if self._is_ending:
            return refuse(RefusalCode.TOO_LATE, "backend", "it is ending: nothing new begins", "ask the next one")
        if problem := schedule.problem(self._engine.clock.now()):
            return refuse(RefusalCode.INVALID, "schedule", problem, "choose another time")
        return None

    def refuse_locked(self, intent: Intent, schedule: Schedule) -> Refusal | None:
        """Say which operation is in the way: told before anything else, because it explains the rest.

        What is told to begin later waits for it then.
        """
        if not schedule.is_due(self._engine.clock.now()):
            return None
        fleet = self._engine.store.fleet
        return self._queue.refuse(claims_of(intent, fleet), subject_of(intent, fleet))

    def begin(self, operation: Operation) -> None:
        """Let it run at once if its hosts have the capacity, else when it is its turn."""
        run = self._new_run(operation)
        if not operation.schedule.is_due(operation.accepted_at):  # as when its objects were to be taken
            self.launch(run, first=asyncio.ensure_future(self.scheduler.begin_later(run)))
            return
        turn = self.scheduler.enter(operation)
        first = None if turn.done() else asyncio.ensure_future(self.scheduler.may_begin(run, turn))
        self.launch(run, first=first)

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
        tasks: list[asyncio.Future[Any]] = [*self._tasks.values(), *self.pending.tasks]
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
        except JournalError as error:
            return no_journal(error)
        if known is not None:
            return known
        if unfit := self.refuse_any(asked.schedule):
            return unfit
        held = self._acceptance.hold(asked, self._ids.next(), engine.clock.now())
        if isinstance(held, Refusal):
            return held
        try:
            answer = await self._accept(held, asked.plan_digest)
        except JournalError as error:
            answer = no_journal(error)
        except BaseException:
            self._queue.release(held.id)
            raise
        if isinstance(answer, Refusal):
            self._queue.release(held.id)
            return answer
        self.begin(answer)
        return self._engine.ledger.find(answer.id) or answer

    async def _accept(self, held: Operation, plan_digest: str) -> Operation | Refusal:
        """Plan again from a fresh look, while nothing else may touch the subject, and accept what was confirmed."""
        planned = await self._planner.plan(held.intent, afresh=True)
        # From here to the lock nothing is awaited.
        answer = self._acceptance.confirm(held, planned, plan_digest)
        return answer if isinstance(answer, Refusal) else await self._engine.ledger.accept(answer)

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


def _limit_of(store: FleetStore, claim: Claim) -> int | None:
    """Return how much there is of a host's capacity, by fleet.toml and the host's last reading."""
    host = store.fleet.hosts.get(claim.host) if claim.host is not None else None
    return limit_of(claim, host.spec.limits if host else DEFAULT_LIMITS, host.reading if host else None)
