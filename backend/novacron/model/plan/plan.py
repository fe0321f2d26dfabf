"""What an intent would do, shown before it is confirmed."""

from dataclasses import dataclass
from enum import StrEnum

from novacron.model.intent import Intent


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

    name: str
    title: str


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
    fleet_revision: int = 0
    """The revision it was made from."""
