"""`novacron`: without a verb the console, with one the same headless."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from novacron import __version__
from novacron.cli import acting, backend, creation, devices, hosts, listing, migration, serial, storage
from novacron.cli.options import fleet_options
from novacron.cli.output import complain, fail, open_closed_streams, printing
from novacron.cli.terminal import let_readers_leave, respect_terminal_without_colours
from novacron.model.errors import NovaCronError

app = typer.Typer(
    help="The on-call console for fleets of KVM hypervisors. Without a command: the console.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"novacron {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    fleet: Annotated[
        Path | None, typer.Option("--fleet", "-f", help="Another fleet.toml, also by NOVACRON_FLEET.")
    ] = None,
    connect: Annotated[
        list[str] | None,
        typer.Option("--connect", "-c", help="libvirt URI or ssh name instead of a file; may be repeated."),
    ] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="A simulated fleet: no root, no libvirt.")] = False,
    simulated_size: Annotated[
        str | None,
        typer.Option("--simulated-size", metavar="HOSTSxVMS", help="Hosts, and VMs on each of them; else 12x15."),
    ] = None,
    simulated_churn: Annotated[
        float | None,
        typer.Option(
            min=0, max=100, metavar="PERCENT", help="Of its VMs change each second; else figures alone, all the time."
        ),
    ] = None,
    theme: Annotated[str | None, typer.Option(help="Theme of the console.", envvar="NOVACRON_THEME")] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Note which fleet is meant; open the console when no verb follows."""
    context.obj = fleet_options(fleet, connect, simulated, simulated_size, simulated_churn)
    if context.invoked_subcommand is None:
        try:
            backend.open_console(context.obj, theme)
        except NovaCronError as error:
            fail(error)


for part in (listing, storage, acting, creation, migration, devices, serial, backend, hosts):
    part.add_to(app)


def _mount_lab() -> None:
    """The lab is a product of its own; its commands are mounted whole."""
    from novacron.cli.lab import app as lab

    app.add_typer(lab, name="lab", rich_help_panel="Learn")


_mount_lab()


def main() -> None:
    """Run the command line."""
    open_closed_streams()
    let_readers_leave()
    respect_terminal_without_colours()
    if "_NOVACRON_COMPLETE" in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()
    try:
        with printing():
            app(prog_name="novacron")
    except NovaCronError as error:  # before there is a backend to ask: folders, the fleet file
        complain(error.subject, error.detail, error.remedy)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
