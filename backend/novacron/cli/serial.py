"""`novacron console VM`: its serial console on this terminal, until ctrl+]."""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from novacron.cli.arguments import VmName
from novacron.cli.selectors import select_one_vm
from novacron.cli.serial_filter import SerialFilter
from novacron.cli.session import run, settled_fleet
from novacron.model.safetext import SafeText
from novacron.ports.console import Console
from novacron.ports.hypervisor import SerialLink

_DETACH = b"\x1d"
"""ctrl+], as virsh and telnet have it."""


def console(
    context: typer.Context,
    vm: VmName,
    force: Annotated[bool, typer.Option("--force", help="Take it from whoever has it.")] = False,
) -> None:
    """Open a VM's serial console; ctrl+] detaches."""

    async def work(backend: Console) -> None:
        chosen = select_one_vm(await settled_fleet(backend), vm)
        link = await backend.open_serial(chosen.id, chosen.home.host.id, force=force)
        name = SafeText(chosen.home.vm.name)
        typer.echo(f"console of {name} on {chosen.home.host.id}; ctrl+] detaches", err=True)
        try:
            with _raw_terminal():
                await _join(link)
        finally:
            await link.close()
            typer.echo(f"\r\ndetached from {name}", err=True)

    run(work, context)


async def _join(link: SerialLink) -> None:
    """Carry bytes both ways until the operator detaches, input ends or the guest's side closes."""
    keys: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    stdin = sys.stdin.fileno()
    loop.add_reader(stdin, lambda: keys.put_nowait(os.read(stdin, 4096)))
    tasks = [asyncio.ensure_future(_show(link)), asyncio.ensure_future(_type(link, keys))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        loop.remove_reader(stdin)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _show(link: SerialLink) -> None:
    inert = SerialFilter()
    while data := await link.read():
        sys.stdout.buffer.write(inert.feed(data))
        sys.stdout.buffer.flush()


async def _type(link: SerialLink, keys: asyncio.Queue[bytes]) -> None:
    while data := await keys.get():
        before, detach, _ = data.partition(_DETACH)
        if before:
            await link.write(before)
        if detach:
            return


@contextmanager
def _raw_terminal() -> Iterator[None]:
    """Every key goes to the guest as it is pressed; the terminal is given back as it was."""
    if not sys.stdin.isatty():
        yield
        return
    stdin = sys.stdin.fileno()
    before = termios.tcgetattr(stdin)
    tty.setraw(stdin)
    try:
        yield
    finally:
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)


def add_to(app: typer.Typer) -> None:
    """Give the verb of this module to the command."""
    app.command(rich_help_panel="See")(console)
