"""How one kind of operation is declared: everything the rest of the program has to know of it, in one value."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic

from novacron.model.fleet import Fleet
from novacron.model.operations.intent import IntentT, kind_of
from novacron.model.operations.step import StepArgs
from novacron.model.plan.plan import Danger, Plan, Undo
from novacron.model.refusal import Refusal
from novacron.model.work.claim import Claim


class Permission(StrEnum):
    """What a caller must be allowed to do."""

    VM_POWER = "vm.power"
    VM_EDIT = "vm.edit"
    VM_CREATE = "vm.create"
    VM_DELETE = "vm.delete"
    VM_MIGRATE = "vm.migrate"
    POOL_SWITCH = "pool.switch"
    VOLUME_DELETE = "volume.delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The words for one kind of operation."""

    verb: str
    """As one says it of several: "shut down" (3 VMs)."""
    doing: str
    """While it is under way: "shutting down"."""
    noun: str = "VM"
    """What it is about."""

    @property
    def nouns(self) -> str:
        """What several of them are about."""
        return f"{self.noun}s"


def no_files(_intent: Any, _fleet: Fleet) -> tuple[str, ...]:  # noqa: ANN401 - for any intent
    """Return the files of an operation that touches none."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationType(Generic[IntentT]):
    """One kind of operation."""

    intent: type[IntentT]
    plan: Callable[[IntentT, Fleet], Plan | Refusal]
    """Says what it would do to this fleet. Where `plan_with_facts` is set: as far as that can be said without them."""
    claims: Callable[[IntentT, Fleet], Iterable[Claim]]
    """What it needs for itself, what it shares, and what it takes of its hosts' capacities, for as long as it runs."""
    steps: tuple[type[StepArgs], ...]
    """The arguments of every type of step that one of its plans may have."""
    texts: Texts
    permission: Permission
    danger: Danger
    """The most that one of its plans asks of a confirmation."""
    subject: Callable[[IntentT, Fleet], str]
    """Names what it is about, as the fleet knows it."""
    undo: Undo = Undo.REVERSIBLE
    """The least that can be said of all its plans."""
    verb: Callable[[IntentT], str] | None = None
    """The verb, where it differs between intents of this kind; None: that of its texts."""
    plan_with_facts: Callable[[IntentT, Fleet, Any], Plan | Refusal] | None = None
    """Plans it with what the engine's preflight of this kind was told by the hypervisors; None: it has no preflight."""
    needs_inventory: Callable[[IntentT], bool] = lambda _intent: False
    """Whether pools and everybody's disks decide about it, so that they are read afresh before it is planned."""
    files: Callable[[IntentT, Fleet], tuple[str, ...]] = no_files
    """Paths on its host that it deletes: whatever other host may need one of them is read afresh as well."""

    claims_unread: Callable[[Any], Iterable[Claim]] = lambda _operation: ()
    """What one of before a restart needs beside its claims, while no host was read yet: rather too much."""

    @property
    def kind(self) -> str:
        """Its name on the wire and in the journal."""
        return kind_of(self.intent)
