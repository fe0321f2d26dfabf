"""What an intent would do, shown before it is confirmed."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from novacron.model.operations.intent import Intent
from novacron.model.operations.step import StepArgs


class Danger(StrEnum):
    """How much a confirmation must ask for."""

    NONE = "none"
    """Harmless and reversible: done at once."""
    CONFIRM = "confirm"
    """One key."""
    TYPE_NAME = "type name"
    """Data or service is lost: the VM's name has to be typed."""


class Undo(StrEnum):
    """Whether it can be taken back."""

    REVERSIBLE = "reversible"
    NEVER = "cannot be undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One step that will be journaled and carried out."""

    id: str
    """Its name within the operation."""
    args: StepArgs
    title: str
    """What it does, in the operator's words, naming what it touches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole of what an intent would do."""

    intent: Intent
    title: str
    """One line, as the operation will be called."""
    subject: str
    steps: tuple[PlannedStep, ...]
    touches: tuple[str, ...]
    """Every thing it would change: VMs, disks, hosts, one line each."""
    warnings: tuple[str, ...] = ()
    danger: Danger = Danger.NONE
    undo: Undo = Undo.REVERSIBLE
    undo_how: str = ""
    """The inverse in a few words: "start it again"."""
    can_cancel: bool = False
    basis: tuple[str, ...] = ()
    """Every fact that decides what will be touched, one line each; no figure that changes by itself."""
    digest: str = ""
    """A digest of the intent, the steps and the basis. Whoever confirms the plan submits it, and a plan that would
    differ by then is refused. Set by `with_digest`, as the last thing of planning."""


def with_digest(plan: Plan) -> Plan:
    """Return the plan with its digest: equal for two plans that would touch the same things in the same way."""
    decided = [asdict(plan.intent), plan.danger, [step.id for step in plan.steps], plan.basis]
    text = json.dumps(decided, sort_keys=True, default=str)
    return replace(plan, digest=hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32])


def basis_difference(confirmed: tuple[str, ...], now: tuple[str, ...]) -> str:
    """Say in one line what was so when the plan was confirmed, and what is so instead."""
    gone = [line for line in confirmed if line not in now]
    new = [line for line in now if line not in confirmed]
    parts = [f"no longer: {'; '.join(gone)}"] if gone else []
    parts += [f"now: {'; '.join(new)}"] if new else []
    return "; ".join(parts) or "its steps are others now"
