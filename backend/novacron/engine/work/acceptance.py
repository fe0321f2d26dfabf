"""From a submission to an operation that can be journaled: its claims, and the plan that was confirmed."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from novacron.engine.previews import Previews
from novacron.engine.store import FleetStore
from novacron.engine.work.planning import AT_A_TIME
from novacron.engine.work.queue import WorkQueue
from novacron.engine.work.submission import Submission
from novacron.model.errors import JournalError
from novacron.model.fleet import Fleet
from novacron.model.ids import OperationId
from novacron.model.operation import Operation, OperationState, StepRecord
from novacron.model.operations.intent import Intent
from novacron.model.operations.registry import claims_of, subject_of
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode, refuse
from novacron.model.work.claim import Claim, compatible


class Acceptance:
    """Decides whether what was confirmed can be accepted."""

    def __init__(self, queue: WorkQueue, store: FleetStore, previews: Previews) -> None:
        self._queue = queue
        self._store = store
        self._previews = previews

    def hold(self, asked: Submission, identifier: OperationId, now: datetime) -> Operation | Refusal:
        """Take the objects it is about, or say which operation is in the way.

        What is told to begin later takes nothing yet: it waits for its objects at its time.
        """
        fleet = self._store.fleet
        held = _claimant(identifier, asked, subject_of(asked.intent, fleet), now)
        if not asked.schedule.is_due(now):
            return held
        return self._queue.take(claims_of(asked.intent, fleet), held) or held

    def remember(self, plan: Plan) -> None:
        """Keep what a plan that was shown rests on, so that a refusal can say what has changed since."""
        self._previews.remember(plan)

    def confirm(self, held: Operation, planned: Plan | Refusal, plan_digest: str) -> Operation | Refusal:
        """Return what is to be journaled, when the plan of just now is the one that was confirmed."""
        if isinstance(planned, Refusal):
            return planned
        if planned.digest != plan_digest:
            return refuse(
                RefusalCode.CHANGED,
                planned.subject,
                f"it is not what was confirmed: {self._previews.difference(plan_digest, planned)}",
                "look again, then decide again",
            )
        operation = replace(
            held,
            title=planned.title,
            subject=planned.subject,
            steps=tuple(StepRecord(id=step.id, args=step.args, title=step.title) for step in planned.steps),
            can_cancel=planned.can_cancel,
            plan_digest=planned.digest,
        )
        if not held.schedule.is_due(held.accepted_at):
            return operation
        # What it touches is known better after the look.
        return self._queue.take(claims_of(held.intent, self._store.fleet), operation) or operation


async def refuse_rivals(
    intents: Sequence[Intent], answers: Sequence[Plan | Refusal], fleet: Fleet
) -> list[Plan | Refusal]:
    """Return the answers with a refusal in place of a plan that needs what one before it has for itself."""
    taken: dict[str, tuple[Claim, str]] = {}
    judged: list[Plan | Refusal] = []
    for number, (intent, answer) in enumerate(zip(intents, answers, strict=True)):
        if isinstance(answer, Plan):
            objects = claims_of(intent, fleet).objects.all
            known = (taken[claim.resource] for claim in objects if claim.resource in taken)
            before = next((title for claim, title in known if not _fits_beside(claim, objects)), None)
            if before is None:
                # Of several that share it, any one stands for all.
                taken |= {claim.resource: (claim, answer.title) for claim in objects}
                judged.append(answer)
            else:
                judged.append(_rival(answer, before))
        else:
            judged.append(answer)
        if number % AT_A_TIME == 0:
            await asyncio.sleep(0)
    return judged


def _fits_beside(claim: Claim, objects: Sequence[Claim]) -> bool:
    return all(compatible(claim, one) for one in objects)


def _rival(plan: Plan, before: str) -> Refusal:
    return refuse(
        RefusalCode.LOCKED,
        plan.subject,
        f'"{before}", which is asked for together with it, needs the same',
        "ask for this one when that one has ended",
    )


def _claimant(identifier: OperationId, asked: Submission, subject: str, now: datetime) -> Operation:
    """Return an operation as it holds its claims while it is being planned."""
    return Operation(
        id=identifier,
        intent=asked.intent,
        title=f"{asked.intent.kind} {subject} on {asked.intent.host}",
        subject=subject,
        actor=asked.actor,
        state=OperationState.ACCEPTED,
        accepted_at=now,
        idempotency_key=asked.key,
        schedule=asked.schedule,
        parent=asked.parent,
    )


def no_journal(error: JournalError) -> Refusal:
    """Say that nothing is accepted because the journal cannot be written."""
    remedy = error.remedy or "free space or repair the state folder; what runs goes on"
    return refuse(RefusalCode.JOURNAL, error.subject, error.detail, remedy)
