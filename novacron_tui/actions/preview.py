"""Asks the backend for plans: what would be done, or why it is refused."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from novacron.model.caller import Caller
from novacron.model.errors import NovaCronError
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Danger, Plan, Undo
from novacron.model.refusal import Refusal
from novacron.ports.backend import Backend
from novacron_tui.present.confirm import Review

_PARALLEL: Final = 8
"""Previews asked for at the same time: each may ask two hypervisors."""


async def preview_all(
    backend: Backend, caller: Caller, intents: Sequence[Intent], on_answer: Callable[[], None] = lambda: None
) -> Review | str:
    """Ask for the plan of each intent; return a text when the backend cannot be asked.

    `on_answer` is called at each answer.
    """
    limit = asyncio.Semaphore(_PARALLEL)

    async def preview(intent: Intent) -> Plan | Refusal:
        async with limit:
            answer = await backend.preview(caller, intent)
        on_answer()
        return answer

    try:
        answers = await asyncio.gather(*(preview(intent) for intent in intents))
    except NovaCronError as error:
        return str(error)
    return Review(
        plans=tuple(answer for answer in answers if isinstance(answer, Plan)),
        refusals=tuple(answer for answer in answers if isinstance(answer, Refusal)),
    )


def acts_at_once(review: Review) -> bool:
    """Tell whether nothing is shown first: one plan that is harmless, can be taken back, and warns of nothing."""
    if review.refusals or len(review.plans) != 1:
        return False
    plan = review.plans[0]
    return plan.danger is Danger.NONE and plan.undo is not Undo.NEVER and not plan.warnings
