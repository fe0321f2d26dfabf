"""All kinds of operation. A new subject is one line here; everything else asks the registry."""

from collections.abc import Mapping
from typing import Any, Final

from novacron.model.fleet import Fleet
from novacron.model.operation import Operation
from novacron.model.operations import (
    creation,
    definition,
    deletion,
    disks,
    migration,
    nics,
    power,
    resizing,
    storage,
)
from novacron.model.operations.batch import Batch
from novacron.model.operations.intent import Intent
from novacron.model.operations.step import StepArgs
from novacron.model.operations.type import OperationType, Texts
from novacron.model.operations.unknown import UnknownIntent
from novacron.model.plan.plan import Plan, with_digest
from novacron.model.plan.resources import vm_alone
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.work.claim import Claims, claims

SUBJECTS: Final = (power, definition, resizing, disks, nics, creation, deletion, migration, storage)
TYPES: Final[Mapping[str, OperationType[Any]]] = {one.kind: one for subject in SUBJECTS for one in subject.TYPES}
"""By kind."""
INTENTS: Final[tuple[type[Intent], ...]] = (*(one.intent for one in TYPES.values()), Batch, UnknownIntent)
"""Every class of intent that a journal or a message may hold."""
STEP_ARGS: Final[tuple[type[StepArgs], ...]] = tuple(
    dict.fromkeys(args for one in TYPES.values() for args in one.steps)
)
"""The arguments of every type of step."""


def plan(intent: Intent, fleet: Fleet, facts: object = None) -> Plan | Refusal:
    """Say what the intent would do to this fleet.

    `facts` is what the engine's preflight was told; None: nobody was asked.
    """
    found = TYPES.get(intent.kind)
    if found is None:
        return Refusal(
            code=RefusalCode.INVALID,
            subject=intent.kind,
            reason="this version of novacron knows no such operation",
            remedy="use the version that made it",
        )
    if facts is not None and found.plan_with_facts is not None:
        answer = found.plan_with_facts(intent, fleet, facts)
    else:
        answer = found.plan(intent, fleet)
    return answer if isinstance(answer, Refusal) else with_digest(answer)


def claims_of(intent: Intent, fleet: Fleet) -> Claims:
    """Return what the intent needs for itself, what it shares, and what it takes of its hosts' capacities.

    Of a kind that is not known: its VM, so that nothing is done to it meanwhile.
    """
    found = TYPES.get(intent.kind)
    if found is not None:
        return claims(found.claims(intent, fleet))
    return claims(vm_alone(intent.about_vm) if intent.about_vm is not None else ())


def claims_unread(operation: Operation) -> Claims:
    """Return what an operation of before a restart needs, while no host was read yet: rather too much.

    Which disk a volume is cannot be told then; its whole pool is held instead. How much memory a VM takes cannot be
    told either: what runs shows in its host's next reading.
    """
    known = claims_of(operation.intent, Fleet())
    found = TYPES.get(operation.intent.kind)
    return claims((*known.all, *(found.claims_unread(operation) if found is not None else ())))


def texts_of(intent: Intent) -> Texts:
    """Return the words for it; for a kind that is not known, words made of its name."""
    found = TYPES.get(intent.kind)
    if found is not None:
        return found.texts
    name = intent.named if isinstance(intent, UnknownIntent) else intent.kind
    words = name.replace("-", " ")
    return Texts(verb=words, doing=words, noun="operation")


def verb_of(intent: Intent) -> str:
    """Return the verb for it."""
    found = TYPES.get(intent.kind)
    return found.verb(intent) if found is not None and found.verb is not None else texts_of(intent).verb


def subject_of(intent: Intent, fleet: Fleet) -> str:
    """Return the name of what the intent is about, as the fleet knows it."""
    found = TYPES.get(intent.kind)
    return found.subject(intent, fleet) if found is not None else str(intent.about_vm or intent.kind)


def needs_inventory(intent: Intent) -> bool:
    """Whether pools and everybody's disks decide about it."""
    found = TYPES.get(intent.kind)
    return found is not None and found.needs_inventory(intent)


def files_of(intent: Intent, fleet: Fleet) -> tuple[str, ...]:
    """Return the paths on its host that it deletes."""
    found = TYPES.get(intent.kind)
    return found.files(intent, fleet) if found is not None else ()
