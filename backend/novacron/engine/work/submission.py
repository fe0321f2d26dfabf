"""What somebody asks to have carried out, as the executor takes it."""

from dataclasses import dataclass

from novacron.model.ids import OperationId
from novacron.model.operations.intent import Intent
from novacron.model.work.schedule import AT_ONCE, Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One intent, and the plan that was confirmed."""

    intent: Intent
    plan_digest: str
    key: str
    """Idempotency key; empty where there is none."""
    actor: str
    """The user who asks."""
    schedule: Schedule = AT_ONCE
    parent: OperationId | None = None
    """The operation that it is a part of; None when it is asked for by itself."""
