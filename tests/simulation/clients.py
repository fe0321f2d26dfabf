"""Clients of a backend that dies under them: they ask, ask again with the same key, cancel and acknowledge."""

from collections.abc import Awaitable, Callable
from random import Random

from novacron.engine.service import BackendService
from novacron.model.caller import Authentication, administrator
from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron.model.operations.batch import BatchChild
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from tests.simulation.clock import JumpingClock
from tests.simulation.intents import IntentSource
from tests.simulation.process import BackendDied, BackendProcess
from tests.simulation.promises import Promises
from tests.simulation.trace import Trace

_TRIES = 4
Backend = tuple[BackendProcess, BackendService]


class Client:
    """One operator."""

    def __init__(
        self,
        name: str,
        *,
        clock: JumpingClock,
        rng: Random,
        trace: Trace,
        promises: Promises,
        intents: IntentSource,
        backend: Callable[[], Awaitable[Backend]],
    ) -> None:
        self._name = name
        self._caller = administrator(name, Authentication.IN_PROCESS)
        self._clock = clock
        self._rng = rng
        self._trace = trace
        self._promises = promises
        self._intents = intents
        self._backend = backend
        self._mine: list[tuple[OperationId, Intent, str, str]] = []

    async def run(self, requests: int) -> None:
        """Make that many requests, and what goes with them."""
        for number in range(requests):
            await self._clock.sleep(self._rng.random() * 5)
            try:
                ask = self._batch if self._rng.random() < 0.2 else self._request
                await ask(f"{self._name}-{number}")
                if self._mine and self._rng.random() < 0.4:
                    await self._bother(self._rng.choice(self._mine))
            except BackendDied:
                self._trace.note(f"{self._name}: the backend died")

    async def _request(self, key: str) -> None:
        """Look for something that can be done, and have it done, with as many repetitions as it takes."""
        intent, digest = self._intents.draw(), ""
        for _ in range(_TRIES):
            process, service = await self._backend()
            answer = await process.call(service.preview(self._caller, intent))
            if isinstance(answer, Plan):
                digest = answer.digest
                break
            intent = self._intents.draw()
        self._trace.note(f"{self._name}: {key}: {intent}")
        while True:
            try:
                await self._submit(intent, digest, key)
            except BackendDied:
                self._trace.note(f"{self._name}: {key}: no answer")
                continue
            return

    async def _batch(self, key: str) -> None:
        """Have several things done as one, with as many repetitions as it takes; now and then cancel them together."""
        intents = [self._intents.draw() for _ in range(self._rng.randint(2, 6))]
        process, service = await self._backend()
        plan = await process.call(service.preview_batch(self._caller, intents))
        children = [BatchChild(intent=one.intent, plan_digest=one.digest) for one in plan.plans]
        self._trace.note(f"{self._name}: {key}: {plan.title}, {len(children)} of them planned")
        answer: Operation | Refusal | None = None
        while answer is None:
            try:
                process, service = await self._backend()
                work = service.submit_batch(self._caller, children, plan_digest=plan.digest, idempotency_key=key)
                answer = await process.call(work)
            except BackendDied:
                self._trace.note(f"{self._name}: {key}: no answer")
        self._trace.note(f"{self._name}: {key}: {_told(answer)}")
        if isinstance(answer, Operation):
            self._promises.answered(answer, key)
            if self._rng.random() < 0.4:
                await self._clock.sleep(self._rng.random() * 3)
                process, service = await self._backend()
                stopped = await process.call(service.cancel(self._caller, answer.id))
                self._trace.note(f"{self._name}: cancel {answer.id}: {_told(stopped)}")

    async def _submit(self, intent: Intent, digest: str, key: str) -> None:
        process, service = await self._backend()
        for _ in range(self._rng.choice([1, 1, 1, 2])):
            work = service.submit(self._caller, intent, plan_digest=digest, idempotency_key=key)
            answer = await process.call(work)
            self._trace.note(f"{self._name}: {key}: {_told(answer)}")
            if isinstance(answer, Operation):
                self._promises.answered(answer, key)
                self._mine.append((answer.id, intent, digest, key))

    async def _bother(self, mine: tuple[OperationId, Intent, str, str]) -> None:
        """Repeat an old request, cancel it, or say that it was looked into."""
        identity, intent, digest, key = mine
        await self._clock.sleep(self._rng.random() * 3)
        process, service = await self._backend()
        drawn = self._rng.random()
        if drawn < 0.2:
            await self._submit(intent, digest, key)
        elif drawn < 0.7:
            answer = await process.call(service.cancel(self._caller, identity))
            self._trace.note(f"{self._name}: cancel {identity}: {_told(answer)}")
        else:
            try:
                answer = await process.call(service.acknowledge(self._caller, identity, note="looked into"))
            except JournalError as error:
                self._trace.note(f"{self._name}: acknowledge {identity}: {error}")
            else:
                self._trace.note(f"{self._name}: acknowledge {identity}: {_told(answer)}")


def _told(answer: Operation | Refusal) -> str:
    if isinstance(answer, Refusal):
        return f"refused ({answer.code}): {answer.subject}: {answer.reason}"
    return f"{answer.id} is {answer.state}"
