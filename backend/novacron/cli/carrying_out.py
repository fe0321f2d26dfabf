"""How a verb is carried out: preview all, ask once, submit one or a batch, follow to the outcome of each."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NoReturn

import typer

from novacron.cli.asking import ask
from novacron.cli.following import follow, insisting
from novacron.cli.output import complain, complain_of_unread, printing_what_was_done
from novacron.cli.reporting import Tally
from novacron.cli.scheduling import schedule_of
from novacron.cli.selectors import hosts_unread, is_glob, names_in_doubt, refuse_both_copies, select_vms
from novacron.cli.session import run, settled_fleet
from novacron.cli.this_user import this_user
from novacron.model.errors import BackendError, ExitCode, LinkError, NovaCronError
from novacron.model.fleet import Fleet, FleetVm
from novacron.model.operation import Operation
from novacron.model.operations.batch import Batch, BatchChild, digest_of
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Danger, Plan
from novacron.model.refusal import Refusal
from novacron.model.work.schedule import AT_ONCE, Schedule
from novacron.ports.backend import Backend


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How the operator wants verbs carried out."""

    yes: bool = False
    """Do not ask."""
    wait: bool = True
    as_json: bool = False
    schedule: Schedule = AT_ONCE
    """When they may begin."""


def for_each_vm(
    context: typer.Context, patterns: Sequence[str], intent_of: Callable[[FleetVm], Intent], manner: Manner
) -> None:
    """Carry out one intent for every VM meant, and end with the worst outcome's exit code."""

    def intents_of(fleet: Fleet) -> list[Intent]:
        chosen = select_vms(fleet, patterns)
        refuse_both_copies(chosen)
        _mind_unread(fleet, patterns, manner)
        return [intent_of(vm) for vm in chosen]

    _run(context, intents_of, manner)


def just(context: typer.Context, intent_of: Callable[[Fleet], Intent], manner: Manner) -> None:
    """Carry out one intent made from the fleet, and end with its exit code."""
    _run(context, lambda fleet: [intent_of(fleet)], manner)


async def carry_out(backend: Backend, intents: Sequence[Intent], manner: Manner, tally: Tally) -> None:
    """Preview, confirm, submit and follow; what comes of it is in the tally."""
    plans: list[Plan] = []
    for answer in await _preview_all(backend, intents, manner.schedule):
        if isinstance(answer, Refusal):
            tally.refuse(answer)
        else:
            plans.append(answer)
    dangerous = any(plan.danger is not Danger.NONE for plan in plans)
    if dangerous and not manner.yes:
        consent = ask(plans, on_stderr=manner.as_json)
        if consent is not ExitCode.OK:
            tally.codes.append(consent)
            return
    if len(plans) == 1:
        await _submit(backend, plans[0], manner.schedule, tally)
    elif plans:
        await _submit_batch(backend, plans, manner.schedule, tally)
    if manner.wait:
        await follow(backend, tally.operations)


def _run(context: typer.Context, intents_of: Callable[[Fleet], Sequence[Intent]], manner: Manner) -> NoReturn:
    manner = replace(manner, schedule=schedule_of(context))
    tally = Tally(waited=manner.wait)

    async def work(backend: Backend) -> None:
        fleet = await settled_fleet(backend)
        await carry_out(backend, intents_of(fleet), manner, tally)

    try:
        run(work, context)
    finally:
        # Whatever ended it, ctrl+c too: what was accepted is named, and a program is given its JSON.
        with printing_what_was_done():
            tally.report(as_json=manner.as_json)
    raise typer.Exit(tally.exit_code)


def _mind_unread(fleet: Fleet, patterns: Sequence[str], manner: Manner) -> None:
    """Tell which hosts may have VMs that are meant and not known.

    Raises:
        LinkError: one of them may have a VM of a name that is meant, and nobody looks at which one was taken.
    """
    unread = hosts_unread(fleet, filter(is_glob, patterns))
    if unread:
        complain_of_unread("VMs", unread, "novacron hosts")
    for name, places in names_in_doubt(fleet, patterns).items():
        doubt = LinkError(
            name,
            f"{', '.join(places)} may have a VM of this name too: never read yet",
            "name it by UUID or as name@host; novacron hosts says why",
        )
        if manner.yes:
            raise doubt
        complain(doubt.subject, doubt.detail, doubt.remedy)


async def _submit(backend: Backend, plan: Plan, schedule: Schedule, tally: Tally) -> None:
    """Submit one, under a key, so that asking again does nothing twice."""
    key = str(uuid.uuid4())
    submit = partial(
        backend.submit, this_user(), plan.intent, plan_digest=plan.digest, idempotency_key=key, schedule=schedule
    )
    answer = await _answered(backend, submit, [plan], key, tally)
    if isinstance(answer, Refusal):
        tally.refuse(answer)
    elif answer is not None:
        tally.operations[answer.id] = answer


async def _submit_batch(backend: Backend, plans: Sequence[Plan], schedule: Schedule, tally: Tally) -> None:
    """Submit several as one batch; what comes of each of its operations is in the tally."""
    key = str(uuid.uuid4())
    children = [BatchChild(intent=plan.intent, plan_digest=plan.digest) for plan in plans]
    digest = digest_of(plan.digest for plan in plans)
    submit = partial(
        backend.submit_batch, this_user(), children, plan_digest=digest, idempotency_key=key, schedule=schedule
    )
    parent = await _answered(backend, submit, plans, key, tally)
    if isinstance(parent, Refusal):
        tally.refuse(parent)
    elif parent is not None:
        # Named by its parent until its operations are known.
        tally.operations[parent.id] = parent
        for refusal in parent.intent.refused if isinstance(parent.intent, Batch) else ():
            tally.refuse(refusal)
        try:
            accepted = await insisting(backend, partial(backend.children, this_user(), parent.id))
        except NovaCronError as error:
            complain(parent.title, error.detail, error.remedy)
            return
        del tally.operations[parent.id]
        tally.operations.update({one.id: one for one in accepted})


async def _answered(
    backend: Backend,
    submit: Callable[[], Awaitable[Operation | Refusal]],
    plans: Sequence[Plan],
    key: str,
    tally: Tally,
) -> Operation | Refusal | None:
    """Return the answer to a submission; None: there was none, which the tally has for each plan."""
    try:
        return await insisting(backend, submit)
    except NovaCronError as error:
        for plan in plans:
            tally.lose(plan, key, error)
        return None
    except asyncio.CancelledError:
        for plan in plans:
            tally.lose(plan, key, BackendError("backend", "the command was interrupted"))
        raise


async def _preview_all(backend: Backend, intents: Sequence[Intent], schedule: Schedule) -> Sequence[Plan | Refusal]:
    if len(intents) == 1:
        return [await backend.preview(this_user(), intents[0], schedule=schedule)]
    return (await backend.preview_batch(this_user(), intents, schedule=schedule)).answers if intents else ()
