"""A Backend that gives the answers a test wrote down, in that order: for commands whose backend fails."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from novacron.model.caller import Caller
from novacron.model.errors import NotFound
from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron.model.operations.batch import Batch, BatchChild, BatchPlan
from novacron.model.operations.batch_title import title_of
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron.model.work.schedule import AT_ONCE, Schedule
from novacron.ports.backend import BackendChange
from tests.operation_builders import a_plan, an_operation

Answer = Operation | Refusal | Exception


class ScriptedBackend:
    """The part of ports.backend.Backend that commands which act use."""

    def __init__(self, *scripts: Sequence[BackendChange | Exception]) -> None:
        self._scripts = list(scripts)
        self.journal: dict[OperationId, Operation] = {}
        """What is found by id."""
        self.answers: Callable[[Intent], Answer] = lambda _: NotFound("x", "nothing was written down")
        self.submitted: list[tuple[Intent, str]] = []
        """Intent and key of every submission."""
        self.batches: list[tuple[tuple[Intent, ...], str]] = []
        """Intents and key of every batch that was submitted."""
        self.accepted: list[Operation] = []
        """The operations of batches."""
        self.schedules: list[Schedule] = []
        """When each of them may begin."""
        self.plans: Callable[[Intent], Plan | Refusal] = lambda intent: a_plan(intent=intent)

    async def changes(self, caller: Caller) -> AsyncIterator[BackendChange]:
        """Say the next script to its end, and then nothing more."""
        for change in self._scripts.pop(0) if self._scripts else ():
            if isinstance(change, Exception):
                raise change
            yield change
        await asyncio.Event().wait()

    async def find_operation(self, caller: Caller, operation: OperationId) -> Operation:
        """Return what the journal has."""
        if operation not in self.journal:
            raise NotFound(operation, "there is no operation with this id", "")
        return self.journal[operation]

    async def preview(self, caller: Caller, intent: Intent, *, schedule: Schedule = AT_ONCE) -> Plan | Refusal:
        """Return the plan."""
        return self.plans(intent)

    async def preview_batch(
        self, caller: Caller, intents: Sequence[Intent], *, schedule: Schedule = AT_ONCE
    ) -> BatchPlan:
        """Return the plan of each."""
        return BatchPlan(title=title_of(intents), answers=tuple(self.plans(intent) for intent in intents))

    async def submit_batch(
        self,
        caller: Caller,
        children: Sequence[BatchChild],
        *,
        plan_digest: str,
        idempotency_key: str,
        schedule: Schedule = AT_ONCE,
    ) -> Operation | Refusal:
        """Accept a batch of what is written down for each, unless one of that is an error."""
        self.batches.append((tuple(child.intent for child in children), idempotency_key))
        self.schedules.append(schedule)
        refused = []
        for child in children:
            answer = self.answers(child.intent)
            if isinstance(answer, Exception):
                raise answer
            if isinstance(answer, Refusal):
                refused.append(answer)
            else:
                self.accepted.append(answer)
        intent = Batch(size=len(children), refused=tuple(refused))
        return an_operation(999, intent=intent, title=title_of([child.intent for child in children]))

    async def children(self, caller: Caller, operation: OperationId) -> tuple[Operation, ...]:
        """Return what was accepted."""
        return tuple(self.accepted)

    async def submit(
        self,
        caller: Caller,
        intent: Intent,
        *,
        plan_digest: str,
        idempotency_key: str,
        schedule: Schedule = AT_ONCE,
    ) -> Operation | Refusal:
        """Answer as written down."""
        self.submitted.append((intent, idempotency_key))
        self.schedules.append(schedule)
        answer = self.answers(intent)
        if isinstance(answer, Exception):
            raise answer
        return answer
