"""`novacron lab`: real hypervisors on this machine, for trying, rehearsing and testing."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from novacron.lab.lab import Lab

app = typer.Typer(
    name="lab",
    help="Real hypervisors on this machine, to try, rehearse and test on. Nothing outside is touched.",
    no_args_is_help=True,
)

Name = Annotated[
    str | None,
    typer.Option("--name", "-n", envvar="NOVACRON_LAB", help="Which lab; there may be several."),
]


@app.callback()
def need_libraries() -> None:
    """Say it when the lab's libraries are not installed, before any of them is loaded."""
    from novacron.runtime import require_extra

    with _errors():
        require_extra("server", "lab")


@app.command()
def up(
    hosts: Annotated[int, typer.Option(help="How many hypervisors.", min=1, max=30)] = 3,
    vms: Annotated[int, typer.Option(help="Demo VMs per hypervisor.", min=0, max=20)] = 2,
    name: Name = None,
) -> None:
    """Bring the lab up; one that is up is left as it is."""
    from novacron.lab.build import up as bring_up
    from novacron.lab.layout import find_layout

    with _errors():
        lab = bring_up(find_layout(name), hosts=hosts, vms=vms, say=typer.echo)
    typer.echo(f"console:  novacron --fleet {lab.fleet_toml}")
    typer.echo(f"ssh:      ssh -F {lab.ssh_config} {lab.hosts[0].name}")


@app.command()
def down(name: Name = None) -> None:
    """End every hypervisor and VM of the lab and remove all it left on this machine."""
    from novacron.lab.build import down as take_down
    from novacron.lab.layout import find_layout

    with _errors():
        was_there = take_down(find_layout(name))
    typer.echo("down" if was_there else "there was nothing to take down")


@app.command()
def status(
    name: Name = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    fleet: Annotated[bool, typer.Option("--fleet", help="Only the path of its fleet.toml.")] = False,
) -> None:
    """Show the hypervisors, their daemons, the faults they suffer and their VMs."""
    from novacron.lab.status import read_status, render_json, render_text

    with _errors():
        lab = _load(name)
        if fleet:
            typer.echo(lab.fleet_toml)
            return
        seen = read_status(lab)
    typer.echo(render_json(lab, seen) if as_json else render_text(lab, seen))


@app.command(context_settings={"ignore_unknown_options": True})
def shell(
    host: str,
    command: Annotated[list[str] | None, typer.Argument(help="Instead of a shell.")] = None,
    name: Name = None,
) -> None:
    """Open a root shell on a hypervisor; it works whatever fault the host suffers."""
    with _errors():
        _load(name).shell(host, command or ["bash", "-l"])


def _load(name: str | None) -> "Lab":
    from novacron.lab.lab import Lab

    return Lab.load(name)


@app.command()
def fault(
    kind: Annotated[str | None, typer.Argument(help="Without one, all are listed.")] = None,
    host: Annotated[str | None, typer.Argument()] = None,
    argument: Annotated[str, typer.Argument(help="Depends on the fault.")] = "",
    name: Name = None,
) -> None:
    """Make something go wrong on a hypervisor."""
    from novacron.lab.faults import FAULTS, make_fault

    if kind is None:
        for each in FAULTS.values():
            usage = f" {each.argument} (default {each.default})" if each.default else f" {each.argument}"
            typer.echo(f"{each.kind:16} {each.help}{';' + usage if each.argument else ''}")
        return
    if host is None:
        raise typer.BadParameter("which host?")
    with _errors():
        make_fault(_load(name), kind, host, argument)
    typer.echo(f"{host}: {kind} {argument}".rstrip())


@app.command()
def heal(
    host: Annotated[str | None, typer.Argument()] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every host.")] = False,
    name: Name = None,
) -> None:
    """Mend every fault of a hypervisor, and start what should run there."""
    from novacron.lab.faults import mend_all, mend_host

    if (host is None) != everything:
        raise typer.BadParameter("name a host, or give --all")
    with _errors():
        lab = _load(name)
        mended = mend_all(lab) if host is None else {host: mend_host(lab, host)}
    for each, kinds in mended.items():
        typer.echo(f"{each}: mended {', '.join(kinds)}" if kinds else f"{each}: no fault")


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """Turn an error of ours into its line and exit code."""
    from novacron.model.errors import NovaCronError
    from novacron.model.safetext import SafeText

    try:
        yield
    except NovaCronError as error:
        typer.echo(SafeText(error), err=True)
        raise typer.Exit(error.exit_code) from error


if __name__ == "__main__":
    app()
