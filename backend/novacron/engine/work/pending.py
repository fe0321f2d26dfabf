"""What is being accepted: asked for twice under one key, it is accepted once, and both are given the same answer."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from novacron.engine.supervisor import is_cancelled_itself
from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron.model.refusal import Refusal, RefusalCode, refuse

_LET_GO: Final = Refusal(
    code=RefusalCode.JOURNAL,
    subject="operations",
    reason="this backend let go of them while that was asked for: another runs them, or it is ending",
    remedy="ask again with the same key: what was accepted is not done twice",
)


class PendingSubmissions:
    """Submissions that have no answer yet, of single operations and of batches, by user and key."""

    def __init__(self, next_id: Callable[[], OperationId]) -> None:
        """`next_id` gives what stands for a submission without a key."""
        self._next_id = next_id
        self._pending: dict[tuple[str, str], asyncio.Future[Operation | Refusal]] = {}

    @property
    def tasks(self) -> tuple["asyncio.Future[Operation | Refusal]", ...]:
        """Those under way."""
        return tuple(self._pending.values())

    async def accept(
        self,
        user: str,
        key: str,
        accept: Callable[[], Coroutine[Any, Any, Operation | Refusal]],
        is_answer: Callable[[Operation], bool],
    ) -> Operation | Refusal:
        """Accept what a user asks for under a key.

        `is_answer` tells whether an operation is what was asked for: another one was accepted under the key before.
        """
        slot = (user, key or self._next_id())
        pending = self._pending.get(slot)
        if pending is None:
            pending = self._pending[slot] = asyncio.ensure_future(accept())
            pending.add_done_callback(lambda _: self._pending.pop(slot, None))
        # A client that goes away takes neither the operation nor another client's answer with it.
        try:
            answer = await asyncio.shield(pending)
        except asyncio.CancelledError as error:
            if is_cancelled_itself(error):
                raise
            return _LET_GO
        if isinstance(answer, Operation) and not is_answer(answer):
            return refuse(
                RefusalCode.INVALID,
                "idempotency key",
                f"it was used for another request: {answer.title}",
                "a key is for one request and its repetitions: choose a new one",
            )
        return answer
