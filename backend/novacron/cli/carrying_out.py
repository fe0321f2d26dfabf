"""How a verb is carried out: preview all, ask once, submit each, follow them to their outcome."""

import asyncio
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import typer

from novacron.cli.following import follow
from novacron.cli.output import complain, print_json, print_line
from novacron.cli.selectors import hosts_unread, is_glob, select_vms
from novacron.cli.session import run, settled_fleet
from novacron.model.errors import ExitCode
from novacron.model.fleet import Fleet, FleetVm
from novacron.model.ids import OperationId
from novacron.model.intent import Intent
from novacron.model.operation import Operation, OperationState
from novacron.model.plan.plan import Danger, Plan
from novacron.model.refusal import Refusal, RefusalCode
from novacron.ports.console import Console

_PREVIEWS_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How the operator wants verbs carried out."""

    yes: bool = False
    """Do not ask."""
    wait: bool = True
    as_json: bool = False


def for_each_vm(
    context: typer.Context, patterns: Sequence[str], intent_of: Callable[[FleetVm], Intent], manner: Manner
) -> None:
    """Carry out one intent for every VM meant, and end with the worst outcome's exit code."""

    async def work(console: Console) -> ExitCode:
        fleet = await settled_fleet(console)
        chosen = select_vms(fleet, patterns)
        unread = hosts_unread(fleet, filter(is_glob, patterns))
        if unread:
            complain("VMs", f"those of {', '.join(unread)} are not among these: never read yet", "novacron hosts")
        return await carry_out(console, fleet, [intent_of(vm) for vm in chosen], manner)

    _end(run(work, context))


def just(context: typer.Context, intent_of: Callable[[Fleet], Intent], manner: Manner) -> None:
    """Carry out one intent made from the fleet, and end with its exit code."""

    async def work(console: Console) -> ExitCode:
        fleet = await settled_fleet(console)
        return await carry_out(console, fleet, [intent_of(fleet)], manner)

    _end(run(work, context))


async def carry_out(console: Console, fleet: Fleet, intents: Sequence[Intent], manner: Manner) -> ExitCode:
    """Preview, confirm, submit and follow; returns the worst outcome."""
    previews = await _preview_all(console, intents)
    refusals = [answer for answer in previews if isinstance(answer, Refusal)]
    plans = [answer for answer in previews if isinstance(answer, Plan)]
    for refusal in refusals:
        complain(refusal.subject, refusal.reason, refusal.remedy)
    if not plans:
        return _refused(refusals)
    if not manner.yes and any(plan.danger is not Danger.NONE for plan in plans) and not _confirmed(plans):
        typer.echo("novacron: nothing was done", err=True)
        return ExitCode.REFUSED
    accepted: dict[OperationId, Operation] = {}
    for plan in plans:
        answer = await console.submit(plan.intent, seen_revision=fleet.revision, idempotency_key=str(uuid.uuid4()))
        if isinstance(answer, Refusal):
            refusals.append(answer)
            complain(answer.subject, answer.reason, answer.remedy)
        else:
            accepted[answer.id] = answer
    if manner.wait:
        await follow(console, accepted)
    _report(list(accepted.values()), manner)
    return max([_refused(refusals), *(_exit_code(one, manner) for one in accepted.values())])


async def _preview_all(console: Console, intents: Sequence[Intent]) -> list[Plan | Refusal]:
    limit = asyncio.Semaphore(_PREVIEWS_AT_ONCE)

    async def preview(intent: Intent) -> Plan | Refusal:
        async with limit:
            return await console.preview(intent)

    return list(await asyncio.gather(*(preview(intent) for intent in intents)))


def _confirmed(plans: Sequence[Plan]) -> bool:
    for plan in plans:
        print_line(plan.title)
        for touched in plan.touches:
            print_line(f"  touches {touched}")
        for warning in plan.warnings:
            print_line(f"  warning: {warning}")
        print_line(f"  undo: {plan.undo_how or plan.undo.value}")
    if not sys.stdin.isatty():
        complain("confirmation", "this needs a yes and there is no terminal to ask on", "--yes")
        return False
    names = {plan.subject for plan in plans if plan.danger is Danger.TYPE_NAME}
    if len(names) == 1:
        return bool(typer.prompt("Type the name to go on", default="", show_default=False) in names)
    if names:
        wanted = str(len(names))
        return bool(typer.prompt(f"Type {wanted} to go on", default="", show_default=False) == wanted)
    return typer.confirm("Go on?", default=False)


def _report(operations: Sequence[Operation], manner: Manner) -> None:
    if manner.as_json:
        print_json(list(operations))
        return
    for operation in operations:
        outcome = f": {operation.outcome}" if operation.outcome else ""
        print_line(f"{operation.title}: {operation.state.value}{outcome}")


def _refused(refusals: Sequence[Refusal]) -> ExitCode:
    if not refusals:
        return ExitCode.OK
    if any(refusal.code is RefusalCode.JOURNAL for refusal in refusals):
        return ExitCode.JOURNAL
    only_absent = all(refusal.code is RefusalCode.NOT_FOUND for refusal in refusals)
    return ExitCode.NOT_FOUND if only_absent else ExitCode.REFUSED


def _exit_code(operation: Operation, manner: Manner) -> ExitCode:
    if manner.wait and not operation.has_ended:
        return ExitCode.OUTCOME_UNKNOWN
    return {
        OperationState.FAILED: ExitCode.FAILED,
        OperationState.CANCELLED: ExitCode.FAILED,
        OperationState.NEEDS_ATTENTION: ExitCode.OUTCOME_UNKNOWN,
    }.get(operation.state, ExitCode.OK)


def _end(code: ExitCode) -> None:
    raise typer.Exit(code)
