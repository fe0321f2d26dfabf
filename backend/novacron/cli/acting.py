"""The acting verbs on VMs that exist: power, settings, deletion, and cancelling an operation."""

from collections.abc import Callable, Mapping
from typing import Annotated, Final

import typer

from novacron.cli.arguments import Json, NoWait, OtherMemorySize, VmName, VmNames, Vouch, Yes, vouched_for
from novacron.cli.carrying_out import Manner, for_each_vm
from novacron.cli.following import follow
from novacron.cli.output import complain, print_json, printing_what_was_done
from novacron.cli.reporting import code_of_operation, code_of_refusal, print_outcome
from novacron.cli.scheduling import scheduled
from novacron.cli.session import run
from novacron.cli.this_user import this_user
from novacron.model.errors import ExitCode
from novacron.model.fleet import FleetVm
from novacron.model.ids import OperationId
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.definition import RenameVm, SetAutostart
from novacron.model.operations.deletion import DeleteVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.power import ForceOffVm, PauseVm, RebootVm, ResumeVm, ShutdownVm, StartVm
from novacron.model.operations.resizing import ResizeVm
from novacron.model.refusal import Refusal
from novacron.ports.backend import Backend


def start(
    context: typer.Context,
    names: VmNames,
    vouch: Vouch = None,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Power VMs on."""
    manner = Manner(yes=yes, wait=not no_wait, as_json=as_json)
    for_each_vm(context, names, lambda vm: StartVm(vm=vm.id, host=vm.home.host.id, vouched=vouched_for(vouch)), manner)


def stop(
    context: typer.Context,
    names: VmNames,
    timeout: Annotated[float, typer.Option(help="Seconds the guest is given.")] = 120.0,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Ask guests to shut down, and wait for it."""
    manner = Manner(yes=yes, wait=not no_wait, as_json=as_json)
    for_each_vm(context, names, lambda vm: ShutdownVm(vm=vm.id, host=vm.home.host.id, timeout_s=timeout), manner)


def reboot(
    context: typer.Context, names: VmNames, yes: Yes = False, no_wait: NoWait = False, as_json: Json = False
) -> None:
    """Ask guests to restart."""
    manner = Manner(yes=yes, wait=not no_wait, as_json=as_json)
    for_each_vm(context, names, lambda vm: RebootVm(vm=vm.id, host=vm.home.host.id), manner)


def force_off(
    context: typer.Context, names: VmNames, yes: Yes = False, no_wait: NoWait = False, as_json: Json = False
) -> None:
    """Pull the plug: guests lose what they had not written."""
    manner = Manner(yes=yes, wait=not no_wait, as_json=as_json)
    for_each_vm(context, names, lambda vm: ForceOffVm(vm=vm.id, host=vm.home.host.id), manner)


def pause(
    context: typer.Context, names: VmNames, yes: Yes = False, no_wait: NoWait = False, as_json: Json = False
) -> None:
    """Stop the VMs' CPUs; memory stays."""
    manner = Manner(yes=yes, wait=not no_wait, as_json=as_json)
    for_each_vm(context, names, lambda vm: PauseVm(vm=vm.id, host=vm.home.host.id), manner)


def resume(
    context: typer.Context,
    names: VmNames,
    vouch: Vouch = None,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Let paused VMs go on, and wake those that sleep."""
    manner = Manner(yes=yes, wait=not no_wait, as_json=as_json)
    for_each_vm(context, names, lambda vm: ResumeVm(vm=vm.id, host=vm.home.host.id, vouched=vouched_for(vouch)), manner)


def rename(
    context: typer.Context,
    name: VmName,
    new_name: str,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Give a shut-off VM another name."""
    manner = Manner(yes=yes, wait=not no_wait, as_json=as_json)
    for_each_vm(context, [name], lambda vm: RenameVm(vm=vm.id, host=vm.home.host.id, new_name=new_name), manner)


def autostart(
    context: typer.Context,
    names: VmNames,
    enabled: Annotated[bool, typer.Option("--on/--off", help="Start them with their host, or not.")] = True,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Start VMs with their host, or not."""
    manner = Manner(yes=yes, wait=not no_wait, as_json=as_json)
    for_each_vm(context, names, lambda vm: SetAutostart(vm=vm.id, host=vm.home.host.id, enabled=enabled), manner)


def resize(
    context: typer.Context,
    names: VmNames,
    vcpus: Annotated[int | None, typer.Option(min=1, help="Virtual CPUs.")] = None,
    memory: OtherMemorySize = None,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Set vCPUs and memory."""
    if vcpus is None and memory is None:
        raise typer.BadParameter("say --vcpus, --memory or both")
    manner = Manner(yes=yes, wait=not no_wait, as_json=as_json)
    for_each_vm(
        context,
        names,
        lambda vm: ResizeVm(vm=vm.id, host=vm.home.host.id, vcpus=vcpus, memory_mib=memory),
        manner,
    )


def delete(
    context: typer.Context,
    names: VmNames,
    with_disks: Annotated[bool, typer.Option("--with-disks", help="Delete their disks too.")] = False,
    vouch: Vouch = None,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Remove VMs; their disks stay unless --with-disks."""
    manner = Manner(yes=yes, wait=not no_wait, as_json=as_json)

    def intent_of(vm: FleetVm) -> DeleteVm:
        return DeleteVm(vm=vm.id, host=vm.home.host.id, with_disks=with_disks, vouched=vouched_for(vouch))

    for_each_vm(context, names, intent_of, manner)


def cancel(
    context: typer.Context,
    operation: Annotated[str, typer.Argument(help="Its id, from novacron ops.")],
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Ask a running operation to stop; a migration then leaves its VM at the source."""

    async def work(backend: Backend) -> Operation | Refusal:
        answer = await backend.cancel(this_user(), OperationId(operation))
        if isinstance(answer, Refusal) or no_wait:
            return answer
        latest = {answer.id: answer}
        await follow(backend, latest)
        return latest[answer.id]

    answer = run(work, context)
    code = _code_of_cancelling(answer, waited=not no_wait)
    _print_answer(answer, as_json=as_json)
    if code is ExitCode.REFUSED and isinstance(answer, Operation):
        complain(answer.title, "was not cancelled: it was done first", "undo it, if it must not be so")
    raise typer.Exit(code)


def acknowledge(
    context: typer.Context,
    operation: Annotated[str, typer.Argument(help="Its id, from novacron ops.")],
    note: Annotated[str, typer.Option("--note", "-n", help="What you found or did.")],
    as_json: Json = False,
) -> None:
    """Say that you have dealt with an operation that needs attention; its alert is cleared."""
    answer = run(lambda backend: backend.acknowledge(this_user(), OperationId(operation), note=note), context)
    _print_answer(answer, as_json=as_json)
    raise typer.Exit(code_of_refusal(answer) if isinstance(answer, Refusal) else ExitCode.OK)


def _print_answer(answer: Operation | Refusal, *, as_json: bool) -> None:
    if isinstance(answer, Refusal):
        complain(answer.subject, answer.reason, answer.remedy)
    with printing_what_was_done():
        if as_json:
            print_json({"refusal": answer} if isinstance(answer, Refusal) else answer)
        elif isinstance(answer, Operation):
            print_outcome(answer)


def _code_of_cancelling(answer: Operation | Refusal, *, waited: bool) -> ExitCode:
    """Return what a cancel ends with: well only when the operation was cancelled."""
    if isinstance(answer, Refusal):
        return code_of_refusal(answer)
    return {
        OperationState.CANCELLED: ExitCode.OK,
        OperationState.DONE: ExitCode.REFUSED,
    }.get(answer.state, code_of_operation(answer, waited=waited))


def add_to(app: typer.Typer) -> None:
    """Give the verbs of this module to the command."""
    verbs: tuple[Callable[..., None], ...] = (
        start,
        stop,
        reboot,
        force_off,
        pause,
        resume,
        rename,
        autostart,
        resize,
        delete,
    )
    for verb in verbs:
        app.command(rich_help_panel="Act")(scheduled(verb))
    for verb in (cancel, acknowledge):
        app.command(rich_help_panel="Act")(verb)


VERBS: Final[Mapping[type[Intent], tuple[str, ...]]] = {
    StartVm: ("start",),
    ShutdownVm: ("stop",),
    RebootVm: ("reboot",),
    ForceOffVm: ("force-off",),
    PauseVm: ("pause",),
    ResumeVm: ("resume",),
    RenameVm: ("rename",),
    SetAutostart: ("autostart",),
    ResizeVm: ("resize",),
    DeleteVm: ("delete",),
}
"""Which verb asks for which intent."""
