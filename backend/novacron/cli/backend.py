"""The backend's own verbs: daemon, status, detach, completion; and opening the console on it."""

import sys
from typing import Annotated

import typer

from novacron.cli.output import complain, fail, print_json, print_line
from novacron.cli.session import run
from novacron.cli.this_user import this_user
from novacron.config.options import FleetOptions
from novacron.model.errors import BackendError, ExitCode, NovaCronError
from novacron.ports.backend import Backend, BackendStatus


def open_console(options: FleetOptions, theme: str | None) -> None:
    """Attach the console to the fleet's backend, starting it when there is none."""
    # Textual reads stdin and draws on stderr; on anything else it runs for ever and nobody can end it by a key.
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        complain("console", "there is no terminal here", "in one: novacron; without one: novacron vms, novacron --help")
        raise typer.Exit(ExitCode.USAGE)
    from novacron.runtime import ensure_backend, require_extra, theme_of

    require_extra("console", "console")
    socket = ensure_backend(options)
    from novacron.api.client import RemoteBackend
    from novacron_tui.run import run as run_console

    backend = RemoteBackend(socket, revive=lambda: ensure_backend(options))
    under_way = run_console(backend, this_user(), theme=theme or theme_of(options))
    if under_way is None:
        complain("console", "it ended by a fault of its own", "open it again: the backend and its operations go on")
        raise typer.Exit(ExitCode.FAILED)
    # Keys typed too many go to the shell now: say that this is one.
    with_what = f" with {under_way} operations under way" if under_way else ""
    typer.echo(f"detached: the backend goes on{with_what}; the same command comes back", err=True)


def daemon(
    context: typer.Context,
    detached: Annotated[bool, typer.Option("--detached", hidden=True)] = False,
) -> None:
    """Run the backend in the foreground, as for systemd."""
    from novacron.runtime import require_extra, run_daemon

    try:
        require_extra("server", "backend")
        run_daemon(context.obj)
    except NovaCronError as error:
        fail(error)


def status(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Say whether a backend runs and how it is; starts none."""
    from novacron.runtime import is_answering, socket_of

    if not is_answering(socket_of(context.obj)):
        fail(BackendError("backend", "none runs for this fleet", "any other command starts it"))

    async def work(backend: Backend) -> BackendStatus:
        return await backend.status(this_user())

    found = run(work, context)
    if as_json:
        print_json(found)
        return
    print_line(f"backend {found.version}, process {found.pid}, since {found.started_at:%Y-%m-%d %H:%M:%S} UTC")
    print_line(f"fleet: {found.fleet_source} ({found.hosts} hosts)")
    if found.fleet_error:
        print_line(f"the file as it is now is not followed: {found.fleet_error}")
    if found.polling_slowed:
        print_line(found.polling_slowed)
    print_line(f"{found.consoles} consoles attached, {found.operations_running} operations running")
    if found.operations_run_by:
        print_line(f"operations: run by {found.operations_run_by}; shown here, and taken over when that backend ends")
    print_line(f"journal: {found.journal_path}{': ' if found.journal_error else ''}{found.journal_error}")


def detach(
    context: typer.Context,
    stop: Annotated[bool, typer.Option("--stop", help="End the backend; VMs and their jobs on hosts go on.")] = False,
) -> None:
    """Say how to leave the backend alone; with --stop, end it."""
    from novacron.runtime import stop_backend

    if not stop:
        print_line("consoles detach by themselves (q, or a lost line); the backend goes on. --stop ends it.")
        return
    pid = stop_backend(context.obj)
    if pid is None:
        fail(BackendError("backend", "none runs for this fleet", ""))
    print_line(f"process {pid} was asked to end")


def completion(
    shell: Annotated[str, typer.Argument(help="bash, zsh or fish.")],
) -> None:
    """Print the shell's completion script: eval "$(novacron completion bash)"."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    if shell not in ("bash", "zsh", "fish"):
        raise typer.BadParameter("bash, zsh or fish")
    typer.echo(get_completion_script(prog_name="novacron", complete_var="_NOVACRON_COMPLETE", shell=shell))
    raise typer.Exit(ExitCode.OK)


def add_to(app: typer.Typer) -> None:
    """Give the verbs of this module to the command."""
    for verb in (daemon, status, detach, completion):
        app.command(rich_help_panel="Backend")(verb)
