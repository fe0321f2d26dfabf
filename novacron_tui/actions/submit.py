"""Submits confirmed plans, several as one batch: accepted or refused, or the operator is told that it is not known."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from novacron.model.errors import BackendError, NovaCronError
from novacron.model.operation import Operation
from novacron.model.operations.batch import Batch, BatchChild, digest_of
from novacron.model.operations.batch_title import title_of
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron_tui.desk import Desk
from novacron_tui.present.cells import Line, Role, span

_ATTEMPTS: Final = 5
"""While the backend is there. One that is lost is waited for."""
_RETRY_S = 1.0
_Submit = Callable[[str], Awaitable[Operation | Refusal]]
"""Submits with this idempotency key."""


class Submission:
    """Submits plans: one as it is, several as a batch that is accepted whole, but for what is refused by then."""

    def __init__(self, desk: Desk, plans: Sequence[Plan], *, left_out: str = "") -> None:
        self._desk = desk
        self._plans = tuple(plans)
        self._left_out = left_out

    @property
    def size(self) -> int:
        """How many plans are handed over together."""
        return len(self._plans)

    async def run(self) -> tuple[Refusal, ...]:
        """Submit all plans as one operation, say what was accepted, and return what was refused."""
        is_batch = len(self._plans) > 1
        name = title_of([plan.intent for plan in self._plans]) if is_batch else self._plans[0].title
        answer = await self._until_answered(name, self._batch if is_batch else self._one)
        if isinstance(answer, Refusal):
            return (answer,)
        if answer is None:
            return ()
        refused = answer.intent.refused if isinstance(answer.intent, Batch) else ()
        if len(refused) == len(self._plans):
            return refused
        self._desk.notices.follow(answer.id)
        note = (f", {len(refused)} of them refused" if refused else "") + (" (3 shows them)" if is_batch else "")
        self._desk.say(span(f"accepted: {answer.title}{note}", Role.GOOD), *self._left_out_line())
        return refused

    async def _until_answered(self, name: str, submit: _Submit) -> Operation | Refusal | None:
        """Submit with one key until the backend answers: asking twice makes one operation. None: it is not known."""
        key = str(uuid.uuid4())
        attempts = 0
        while True:
            try:
                return await submit(key)
            except BackendError as error:
                attempts += self._desk.state.lost is None
                if attempts >= _ATTEMPTS:
                    self._desk.tell(f"{name}: not known whether it was accepted ({error}); see operations")
                    return None
                self._desk.say(span(f"{name}: to be handed over once the backend is back"))
                await asyncio.sleep(_RETRY_S)
            except NovaCronError as error:
                self._desk.tell(f"{name}: {error}")
                return None

    async def _one(self, key: str) -> Operation | Refusal:
        (plan,) = self._plans
        return await self._desk.backend.submit(
            self._desk.caller, plan.intent, plan_digest=plan.digest, idempotency_key=key
        )

    async def _batch(self, key: str) -> Operation | Refusal:
        children = [BatchChild(intent=plan.intent, plan_digest=plan.digest) for plan in self._plans]
        digest = digest_of(plan.digest for plan in self._plans)
        return await self._desk.backend.submit_batch(
            self._desk.caller, children, plan_digest=digest, idempotency_key=key
        )

    def _left_out_line(self) -> Line:
        return (span(f"   {self._left_out}", Role.WARNING),) if self._left_out else ()
