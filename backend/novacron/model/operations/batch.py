"""Several operations that were asked for as one: the parent says what state they are in, and ends when all have ended.

It is no kind that can be previewed by itself: its children are planned, claimed and journaled each on its own.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from novacron.model.ids import HostId, OperationId
from novacron.model.operation import Operation, OperationState, Progress
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal

_NO_HOST: Final = HostId("")
BATCH_MOST: Final = 5000
"""Operations that one batch may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Intent):
    """Have several operations carried out, each in its turn."""

    host: HostId = _NO_HOST
    """None: its children name theirs."""
    size: int
    """How many operations were asked for; each that was accepted is found by its key."""
    refused: tuple[Refusal, ...] = ()
    """Why those that were not accepted were refused; empty in what an older version accepted."""
    kind: Literal["batch"] = "batch"

    @property
    def hosts(self) -> tuple[HostId, ...]:
        """None by itself."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchChild:
    """One operation of a batch that is to be submitted."""

    intent: Intent
    plan_digest: str
    """Of the plan that was confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """What several intents would do together."""

    title: str
    """One line, as the batch will be called."""
    answers: tuple[Plan | Refusal, ...]
    """Of each intent, in their order: what it would do, or why it is refused."""

    @property
    def plans(self) -> tuple[Plan, ...]:
        """What can be confirmed."""
        return tuple(answer for answer in self.answers if isinstance(answer, Plan))

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """What is left out, and why."""
        return tuple(answer for answer in self.answers if isinstance(answer, Refusal))

    @property
    def digest(self) -> str:
        """Stands for all that can be confirmed: whoever confirms the batch submits it."""
        return digest_of(plan.digest for plan in self.plans)


def digest_of(plan_digests: Iterable[str]) -> str:
    """Return the digest of a batch: of its operations' plans, in their order."""
    return hashlib.sha256("\n".join(plan_digests).encode(errors="surrogatepass")).hexdigest()[:32]


def child_key(parent: OperationId, number: int) -> str:
    """Return the idempotency key of one child, counted from 0."""
    return f"batch {parent} {number}"


def progress_of(intent: Batch, children: Sequence[Operation]) -> Progress:
    """Say how far a batch is: "37 of 500 done, 2 failed"."""
    counts = Counter(child.state for child in children)
    counts[OperationState.FAILED] += counts.pop(OperationState.NEEDS_ATTENTION, 0)
    parts = [f"{counts[OperationState.DONE]} of {intent.size} done"]
    parts += [
        f"{counts[state]} {state}" for state in (OperationState.FAILED, OperationState.CANCELLED) if counts[state]
    ]
    parts += [f"{len(intent.refused)} refused"] if intent.refused else []
    waiting = sum(child.is_waiting for child in children)
    parts += [f"{waiting} waiting"] if waiting else []
    ended = sum(child.has_ended for child in children) + len(intent.refused)
    return Progress(fraction=min(1.0, ended / intent.size) if intent.size else None, note=", ".join(parts))


def outcome_of(intent: Batch, children: Sequence[Operation], *, is_cancelled: bool) -> tuple[OperationState, str]:
    """Say how a batch ended whose children have all ended; one that was never accepted is not among them."""
    counts = Counter(child.state for child in children)
    refused = intent.refused
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
