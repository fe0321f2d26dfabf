"""`novacron host add|test|trust`: putting a host into fleet.toml, and finding out why one does not answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from novacron.cli.output import complain, fail, print_line
from novacron.config.paths import config_file
from novacron.model.errors import ExitCode, LinkError, NotFound, NovaCronError
from novacron.model.host import HostFacts, HostSpec
from novacron.model.ids import HostId
from novacron.model.link import LinkStatus

host = typer.Typer(help="Add hosts to fleet.toml and test them.", no_args_is_help=True)

_DEADLINE_S = 15.0
_FAREWELL_S = 0.1
"""A ProxyCommand is ended after its connection; a loop that closed before would complain on the terminal."""


@host.command()
def add(
    context: typer.Context,
    name: str,
    address: Annotated[str, typer.Argument(help="ssh name or libvirt URI; the name itself when left out.")] = "",
    site: Annotated[str, typer.Option(help="Site it belongs to.")] = "",
    peer_uri: Annotated[str, typer.Option(help="URI by which the other hosts reach it.")] = "",
    migration_address: Annotated[str, typer.Option(help="Address for migration traffic.")] = "",
    ssh_config: Annotated[str, typer.Option(help="ssh configuration that knows it; yours when left out.")] = "",
    accept: Annotated[
        str, typer.Option("--accept", help="Trust this host key: its SHA256:… fingerprint, for scripts.")
    ] = "",
    untested: Annotated[bool, typer.Option("--untested", help="Add it although it does not answer.")] = False,
) -> None:
    """Add a host: connect once, show an unknown host key for a yes, then write fleet.toml."""
    from novacron.config.addresses import spec_of
    from novacron.config.fleet_file import add_host

    try:
        spec = spec_of(address or name, name)
        spec = replace(
            spec,
            site=site,
            peer_uri=peer_uri or spec.peer_uri,
            migration_address=migration_address,
            ssh_config=str(Path(ssh_config).expanduser().absolute()) if ssh_config else "",
        )
        if not untested:
            _greet(spec, accept)
        path = context.obj.fleet or config_file()
        add_host(path, spec)
    except NovaCronError as error:
        fail(error)
    print_line(f"{name} is in {path}; a running backend takes it up within seconds")


@host.command("test")
def try_hosts(
    context: typer.Context, names: Annotated[list[str] | None, typer.Argument(help="Hosts; all when left out.")] = None
) -> None:
    """Connect to hosts afresh and say what is wrong, if anything."""
    from novacron.runtime import fleet_of

    try:
        specs = fleet_of(context.obj).hosts
        for wanted in names or ():
            if wanted not in {spec.id for spec in specs}:
                raise NotFound(wanted, "no host of this fleet has that name", "novacron hosts lists them")
    except NovaCronError as error:
        fail(error)
    tried = [spec for spec in specs if not names or spec.id in names]
    answers = asyncio.run(_all_facts(tried))
    notes = asyncio.run(_all_notes(tried))
    failed = False
    for name, answer in answers.items():
        if isinstance(answer, NovaCronError):
            failed = True
            complain(answer.subject, answer.detail, answer.remedy)
        else:
            _say(name, answer)
        for line in notes[name]:
            print_line(f"{name}: its ssh configuration: {line}")
    raise typer.Exit(ExitCode.UNREACHABLE if failed else ExitCode.OK)


@host.command()
def trust(
    context: typer.Context,
    name: str,
    accept: Annotated[
        str, typer.Option("--accept", help="Trust this host key: its SHA256:… fingerprint, for scripts.")
    ] = "",
) -> None:
    """Vouch for the key of a host of the fleet: shows its fingerprint and asks for a yes."""
    from novacron.runtime import fleet_of

    try:
        specs = {spec.id: spec for spec in fleet_of(context.obj).hosts}
        if name not in specs:
            raise NotFound(name, "no host of this fleet has that name", "novacron hosts lists them")
        _greet(specs[HostId(name)], accept)
    except NovaCronError as error:
        fail(error)


def _greet(spec: HostSpec, accept: str) -> None:
    """Connect; an unknown host key is shown and learned after a typed yes, then tried again."""
    try:
        _say(spec.id, asyncio.run(_one(spec)))
    except LinkError as error:
        if error.status is not LinkStatus.HOST_KEY_UNKNOWN:
            raise
        _learn_key(spec, accept)
        _say(spec.id, asyncio.run(_one(spec)))


def _learn_key(spec: HostSpec, accept: str) -> None:
    from novacron.adapters.ssh.host_keys import fetch_host_key, trust_host_key

    key = asyncio.run(fetch_host_key(spec, deadline_s=_DEADLINE_S))
    print_line(f"{spec.id} shows a host key nobody vouched for: {key.algorithm} {key.fingerprint}")
    if accept and accept != key.fingerprint:
        raise LinkError(
            spec.id,
            f"its key is {key.fingerprint}, not {accept}",
            "find out which is right before going on",
            status=LinkStatus.HOST_KEY_UNKNOWN,
        )
    if not accept and typer.prompt("Type yes to trust it", default="", show_default=False) != "yes":
        raise LinkError(spec.id, "its key was not accepted", "", status=LinkStatus.HOST_KEY_UNKNOWN)
    trust_host_key(key)


async def _all_facts(specs: Sequence[HostSpec]) -> dict[HostId, HostFacts | NovaCronError]:
    """Ask all hosts at once: one that hangs costs its own deadline only."""
    answers = await asyncio.gather(*(_facts_or_error(spec) for spec in specs))
    await asyncio.sleep(_FAREWELL_S)
    return dict(zip([spec.id for spec in specs], answers, strict=True))


async def _all_notes(specs: Sequence[HostSpec]) -> dict[HostId, tuple[str, ...]]:
    """Return what each host's ssh configuration asks for and is not done, a line each."""
    notes = await asyncio.gather(*(_notes(spec) for spec in specs))
    return dict(zip([spec.id for spec in specs], notes, strict=True))


async def _notes(spec: HostSpec) -> tuple[str, ...]:
    from novacron.adapters.ssh.host_keys import passed_over

    try:
        async with asyncio.timeout(_DEADLINE_S):
            return await passed_over(spec) if spec.ssh else ()
    except (LinkError, TimeoutError):
        # What is wrong with it was told as the reason why the host does not answer.
        return ()


async def _facts_or_error(spec: HostSpec) -> HostFacts | NovaCronError:
    try:
        return await _facts(spec)
    except NovaCronError as error:
        return error


async def _one(spec: HostSpec) -> HostFacts:
    answer = (await _all_facts([spec]))[spec.id]
    if isinstance(answer, NovaCronError):
        raise answer
    return answer


async def _facts(spec: HostSpec) -> HostFacts:
    from novacron.adapters.libvirt.gateway import LibvirtGateway
    from novacron.engine.clock import SystemClock

    hypervisor = await LibvirtGateway(SystemClock()).connect(spec, deadline_s=_DEADLINE_S)
    try:
        # All of it at once, as the backend reads it: some limits show only then.
        return (await hypervisor.reader.read(inventory=True, deadline_s=_DEADLINE_S)).facts
    finally:
        await hypervisor.close()


def _say(name: HostId, facts: HostFacts) -> None:
    print_line(
        f"{name}: {facts.hostname}, libvirt {facts.libvirt_version}, QEMU {facts.hypervisor_version}, "
        f"{facts.cores} cores, {facts.memory_mib} MiB"
    )
    for limit in facts.limits:
        print_line(f"{name}: {limit}")


def add_to(app: typer.Typer) -> None:
    """Give the verbs of this module to the command."""
    app.add_typer(host, name="host", rich_help_panel="Backend")
