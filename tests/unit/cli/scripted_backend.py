"""A Backend that gives the answers a test wrote down, in that order: for commands whose backend fails."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from novacron.model.caller import Caller
from novacron.model.errors import NotFound
from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron.model.work.schedule import AT_ONCE, Schedule
from novacron.ports.backend import BackendChange
from tests.operation_builders import a_plan

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

    async def preview(self, caller: Caller, intent: Intent) -> Plan | Refusal:
        """Return the plan."""
        return self.plans(intent)

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
