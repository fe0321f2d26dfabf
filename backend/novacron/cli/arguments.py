"""Arguments and options that several verbs share, so that they read the same everywhere."""

from typing import Annotated

import typer

from novacron.cli.completion import complete_hosts, complete_vms

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
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
PartialOk = Annotated[
    bool, typer.Option("--partial-ok", help="End with 0 also when hosts are missing that never answered.")
]
