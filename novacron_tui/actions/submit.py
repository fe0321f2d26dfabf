"""Submits confirmed plans: the backend accepts or refuses each, or the operator is told that it is not known."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Final

from novacron.model.errors import BackendError, NovaCronError
from novacron.model.operation import Operation
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron_tui.desk import Desk
from novacron_tui.present.cells import Line, Role, span

_ATTEMPTS: Final = 5
"""While the backend is there. One that is lost is waited for."""
_RETRY_S = 1.0


class Submission:
    """Submits plans one by one; an error at one of them does not keep the others from being submitted."""

    def __init__(self, desk: Desk, plans: Sequence[Plan], *, left_out: str = "") -> None:
        self._desk = desk
        self._plans = tuple(plans)
        self._left_out = left_out
        self._accepted: list[Operation] = []
        self._refused: list[Refusal] = []
        self._answered = 0

    @property
    def unanswered(self) -> int:
        """How many plans have no answer yet."""
        return len(self._plans) - self._answered

    async def run(self) -> tuple[Refusal, ...]:
        """Submit all plans, say how many were accepted, and return what was refused."""
        for plan in self._plans:
            await self._submit(plan)
            self._answered += 1
        if len(self._accepted) == 1:
            self._desk.say(span(f"accepted: {self._accepted[0].title}", Role.GOOD), *self._left_out_line())
        elif self._accepted:
            text = f"accepted: {len(self._accepted)} operations (3 shows them)"
            self._desk.say(span(text, Role.GOOD), *self._left_out_line())
        return tuple(self._refused)

    async def _submit(self, plan: Plan) -> None:
        """Submit with one key until the backend answers: asking twice makes one operation."""
        key = str(uuid.uuid4())
        attempts = 0
        while True:
            try:
                answer = await self._desk.backend.submit(
                    self._desk.caller, plan.intent, plan_digest=plan.digest, idempotency_key=key
                )
            except BackendError as error:
                attempts += self._desk.state.lost is None
                if attempts >= _ATTEMPTS:
                    self._desk.tell(f"{plan.title}: not known whether it was accepted ({error}); see operations")
                    return
                self._desk.say(span(f"{plan.title}: {self.unanswered} to be handed over once the backend is back"))
                await asyncio.sleep(_RETRY_S)
            except NovaCronError as error:
                self._desk.tell(f"{plan.title}: {error}")
                return
            else:
                self._take(answer)
                return

    def _take(self, answer: Operation | Refusal) -> None:
        if isinstance(answer, Refusal):
            self._refused.append(answer)
            return
        self._accepted.append(answer)
        self._desk.notices.follow(answer.id)

    def _left_out_line(self) -> Line:
        return (span(f"   {self._left_out}", Role.WARNING),) if self._left_out else ()
