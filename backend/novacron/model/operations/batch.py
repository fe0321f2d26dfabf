"""Several operations that were asked for as one: the parent says what state they are in, and ends when all have ended.

It is no kind that can be previewed by itself: its children are planned, claimed and journaled each on its own.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from novacron.model.ids import HostId, OperationId
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.intent import Intent
from novacron.model.refusal import Refusal

_NO_HOST: Final = HostId("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Intent):
    """Have several operations carried out, each in its turn."""

    host: HostId = _NO_HOST
    """None: its children name theirs."""
    size: int
    """How many children it has; each is found by its key."""
    kind: Literal["batch"] = "batch"

    @property
    def hosts(self) -> tuple[HostId, ...]:
        """None by itself."""
        return ()


def child_key(parent: OperationId, number: int) -> str:
    """Return the idempotency key of one child, counted from 0."""
    return f"batch {parent} {number}"


def outcome_of(
    intent: Batch, children: Sequence[Operation], refused: Sequence[Refusal], *, is_cancelled: bool
) -> tuple[OperationState, str]:
    """Say how a batch ended whose children have all ended; one that was never accepted is not among them."""
    counts = Counter(child.state for child in children)
    parts = [f"{counts[state]} {state}" for state in OperationState if counts[state]]
    missing = intent.size - len(children) - len(refused)
    parts += [f"{len(refused)} refused: {refused[0]}"] if refused else []
    parts += [f"{missing} not begun"] if missing else []
    failed = [child for child in children if child.state in (OperationState.NEEDS_ATTENTION, OperationState.FAILED)]
    parts += [f"first: {failed[0].title}: {failed[0].outcome}"] if failed else []
    if failed or refused or (missing and not is_cancelled):
        state = OperationState.FAILED
    elif missing or counts[OperationState.CANCELLED]:
        state = OperationState.CANCELLED
    else:
        state = OperationState.DONE
    return state, "; ".join(parts)
