"""`novacron console VM`: its serial console on this terminal, until ctrl+]."""

import asyncio
import os
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import typer

from novacron.cli.arguments import VmName
from novacron.cli.selectors import select_one_vm
from novacron.cli.serial_filter import SerialFilter
from novacron.cli.session import run, settled_fleet
from novacron.cli.terminal import is_reader_gone
from novacron.cli.this_user import this_user
from novacron.model.errors import Conflict, OperationError
from novacron.model.safetext import SafeText
from novacron.ports.backend import Backend
from novacron.ports.hypervisor import SerialLink

_DETACH = b"\x1d"
"""ctrl+], as virsh and telnet have it."""


def console(
    context: typer.Context,
    vm: VmName,
    force: Annotated[bool, typer.Option("--force", help="Take it from whoever has it.")] = False,
) -> None:
    """Open a VM's serial console; ctrl+] detaches."""

    async def work(backend: Backend) -> None:
        chosen = select_one_vm(await settled_fleet(backend), vm)
        name, host = SafeText(chosen.home.vm.name), chosen.home.host.id
        try:
            link = await backend.open_serial(this_user(), chosen.id, host, force=force)
        except Conflict as error:
            raise Conflict(name, error.detail, "with --force it is taken over from them") from error
        except OperationError as error:
            if chosen.home.vm.is_active or not chosen.home.is_current:
                raise
            detail = f"it is {chosen.home.vm.state} on {host}: only a VM that runs has a serial console"
            raise OperationError(name, detail, f"novacron start {name}") from error
        typer.echo(f"console of {name} on {host}; ctrl+] detaches", err=True)
        left = False
        try:
            inert = SerialFilter()
            with _raw_terminal(inert):
                left = await _join(link, inert)
        finally:
            await link.close()
            # Keys typed too many go to the shell now: say that this is one, and who ended it.
            parting = f"detached from {name}" if left else f"the console of {name} was closed at the other end"
            typer.echo(f"\r\n{parting}", err=True)

    run(work, context)


async def _join(link: SerialLink, inert: SerialFilter) -> bool:
    """Carry bytes both ways; return whether it was left (detached, nobody types or reads), not closed over there."""
    keys: asyncio.Queue[bytes] = asyncio.Queue()
    showing, typing = asyncio.ensure_future(_show(link, inert)), asyncio.ensure_future(_type(link, keys))
    try:
        with _heard(keys):
            done, _ = await asyncio.wait({showing, typing}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        return typing in done or is_reader_gone()
    finally:
        for task in (showing, typing):
            task.cancel()
        await asyncio.gather(showing, typing, return_exceptions=True)


async def _show(link: SerialLink, inert: SerialFilter) -> None:
    while not is_reader_gone() and (data := await link.read()):
        _write(inert.feed(data))


async def _type(link: SerialLink, keys: asyncio.Queue[bytes]) -> None:
    while data := await keys.get():
        before, detach, _ = data.partition(_DETACH)
        if before:
            await link.write(before)
        if detach:
            return


@contextmanager
def _heard(keys: asyncio.Queue[bytes]) -> Iterator[None]:
    """Put what is typed into the queue, and an empty piece when there is nobody to type."""
    loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()

    def hear() -> None:
        try:
            data = os.read(stdin, 4096)
        except OSError:  # the terminal is gone
            data = b""
        if not data:
            loop.remove_reader(stdin)
        keys.put_nowait(data)

    # Ended by either, the terminal would stay as no shell can use it.
    for sign in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(sign, keys.put_nowait, b"")
    try:
        loop.add_reader(stdin, hear)
    except PermissionError:  # a file, or /dev/null: nothing to wait for
        for piece in iter(lambda: os.read(stdin, 4096), b""):
            keys.put_nowait(piece)
        keys.put_nowait(b"")
    try:
        yield
    finally:
        loop.remove_reader(stdin)


@contextmanager
def _raw_terminal(inert: SerialFilter) -> Iterator[None]:
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
        with suppress(termios.error, OSError):  # the terminal is gone
            _write(inert.parting())
            termios.tcsetattr(stdin, termios.TCSADRAIN, before)


def _write(shown: bytes) -> None:
    sys.stdout.buffer.write(shown)
    sys.stdout.buffer.flush()


def add_to(app: typer.Typer) -> None:
    """Give the verb of this module to the command."""
    app.command(rich_help_panel="See")(console)
