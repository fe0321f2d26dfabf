"""Arguments and options that several verbs share, so that they read the same everywhere."""

from typing import Annotated

import typer

from novacron.cli.completion import complete_hosts, complete_vms
from novacron.model.errors import UsageError
from novacron.model.ids import HostId
from novacron.model.size import parse_size_mib


def read_size_mib(typed: object) -> int:
    """Return the size in MiB that was typed, or is offered."""
    try:
        return parse_size_mib(str(typed))
    except UsageError as error:
        raise typer.BadParameter(str(error)) from error


def read_some_mib(typed: object) -> int:
    """Return the size in MiB that was typed, or is offered; nothing at all is no size here."""
    size = read_size_mib(typed)
    if size < 1:
        raise typer.BadParameter("it is at least 1M")
    return size


_SIZES = "512M, 2G, 20GiB …; a plain number is MiB"
_MEANT = "Names, globs, UUIDs or name@host (all of a host: '*@host')"

VmNames = Annotated[list[str], typer.Argument(help=f"{_MEANT}.", autocompletion=complete_vms)]
AnyVmNames = Annotated[
    list[str] | None, typer.Argument(help=f"{_MEANT}; all when left out.", autocompletion=complete_vms)
]
VmName = Annotated[str, typer.Argument(help="Name, UUID or name@host.", autocompletion=complete_vms)]
AnyHostNames = Annotated[
    list[str] | None,
    typer.Argument(help="Host names or globs; all when left out.", autocompletion=complete_hosts),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Return once it is accepted.")]
MemorySize = Annotated[int, typer.Option(parser=read_some_mib, metavar="SIZE", help=f"Memory: {_SIZES}.")]
OtherMemorySize = Annotated[int | None, typer.Option(parser=read_some_mib, metavar="SIZE", help=f"Memory: {_SIZES}.")]
DiskSize = Annotated[int, typer.Option(parser=read_size_mib, metavar="SIZE", help=f"Size of its disk: {_SIZES}.")]
Bandwidth = Annotated[
    int | None,
    typer.Option(parser=read_some_mib, metavar="SIZE", help=f"At most this much a second: {_SIZES}."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Vouch = Annotated[
    list[str] | None,
    typer.Option(
        "--vouch",
        metavar="HOST",
        help="A host that cannot be asked: you know that it does not have or need what this is about.",
        autocompletion=complete_hosts,
    ),
]
PartialOk = Annotated[
    bool, typer.Option("--partial-ok", help="End with 0 also when hosts are missing that never answered.")
]


def vouched_for(hosts: list[str] | None) -> tuple[HostId, ...]:
    """Return the hosts that --vouch names."""
    return tuple(HostId(host) for host in hosts or ())
