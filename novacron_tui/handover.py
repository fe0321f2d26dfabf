"""Confirmed plans on their way to the backend: each is handed over, or the operator is told that it is not."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.screen import Screen

from novacron.model.errors import BackendError, NovaCronError
from novacron.model.operation import Operation
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron_tui.present.cells import Line, Role, span
from novacron_tui.present.confirm import Review
from novacron_tui.screens.confirm import ConfirmScreen

if TYPE_CHECKING:
    from novacron_tui.app import NovaCronApp

_ATTEMPTS = 5
"""While the backend is there. One that is lost is waited for."""
_RETRY_S = 1.0


class Handover:
    """Submits the plans one by one; what one of them meets with keeps none of the others back."""

    def __init__(self, app: "NovaCronApp", plans: Sequence[Plan], *, origin: Screen[None], left_out: str = "") -> None:
        self._app = app
        self._plans = tuple(plans)
        self._origin = origin
        self._left_out = left_out
        self._accepted: list[Operation] = []
        self._refused: list[Refusal] = []
        self._settled = 0

    @property
    def left(self) -> int:
        """How many have not been answered yet."""
        return len(self._plans) - self._settled

    async def run(self) -> None:
        """Hand all of them over, and say what became of them."""
        for plan in self._plans:
            await self._submit(plan)
            self._settled += 1
        if len(self._accepted) == 1:
            self._app.say(span(f"accepted: {self._accepted[0].title}", Role.GOOD), *self._left())
        elif self._accepted:
            text = f"accepted: {len(self._accepted)} operations (3 shows them)"
            self._app.say(span(text, Role.GOOD), *self._left())
        if self._refused:
            self._tell_refusals()

    async def _submit(self, plan: Plan) -> None:
        """Submit with one key until the backend answers: asking twice makes one operation."""
        key = str(uuid.uuid4())
        attempts = 0
        while True:
            try:
                answer = await self._app.console_port.submit(plan.intent, plan_digest=plan.digest, idempotency_key=key)
            except BackendError as error:
                attempts += self._app.picture.lost is None
                if attempts >= _ATTEMPTS:
                    self._app.tell(f"{plan.title}: not known whether it was accepted ({error}); see operations")
                    return
                self._app.say(span(f"{plan.title}: {self.left} to be handed over once the backend is back"))
                await asyncio.sleep(_RETRY_S)
            except NovaCronError as error:
                self._app.tell(f"{plan.title}: {error}")
                return
            else:
                self._take(answer)
                return

    def _take(self, answer: Operation | Refusal) -> None:
        if isinstance(answer, Refusal):
            self._refused.append(answer)
            return
        self._accepted.append(answer)
        self._app.errands.begin(answer.id)

    def _tell_refusals(self) -> None:
        """Show them where they were asked for; over anything else they would take keys that are not meant for them."""
        if self._app.screen is self._origin:
            box = ConfirmScreen("Refused", (), Review(refusals=tuple(self._refused)))
            self._app.put_question(box, lambda _: None)
            return
        for refusal in self._refused:
            self._app.tell(str(refusal))

    def _left(self) -> Line:
        return (span(f"   {self._left_out}", Role.WARNING),) if self._left_out else ()
