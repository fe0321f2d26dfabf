"""Asking the operator before anything is done: what would happen, and a yes to it."""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from novacron.cli.output import complain, print_line, tell
from novacron.model.errors import ExitCode
from novacron.model.plan.plan import Danger, Plan


def ask(plans: Sequence[Plan], *, on_stderr: bool) -> ExitCode:
    """Show what would be done and ask for a yes: OK when it was given, else what the command ends with."""
    try:
        for plan in plans:
            _show(plan, on_stderr=on_stderr)
        if _is_agreed(plans, on_stderr=on_stderr):
            return ExitCode.OK
    except OSError:
        complain("confirmation", "what would be done cannot be shown, so nobody can agree to it", "--yes")
    except KeyboardInterrupt:
        tell("")
        return _nothing_done(ExitCode.INTERRUPTED)
    return _nothing_done(ExitCode.REFUSED)


def _is_agreed(plans: Sequence[Plan], *, on_stderr: bool) -> bool:
    if not sys.stdin.isatty():
        complain("confirmation", "this needs a yes and there is no terminal to ask on", "--yes")
        return False
    names = {plan.subject for plan in plans if plan.danger is Danger.TYPE_NAME}
    if not names:
        return _typed("Go on? [y/N]: ", on_stderr=on_stderr).lower() in ("y", "yes")
    if len(names) == 1:
        return _typed("Type the name to go on: ", on_stderr=on_stderr) in names
    wanted = str(len(names))
    return _typed(f"Type {wanted} to go on: ", on_stderr=on_stderr) == wanted


def _show(plan: Plan, *, on_stderr: bool) -> None:
    print_line(plan.title, err=on_stderr)
    for touched in plan.touches:
        print_line(f"  touches {touched}", err=on_stderr)
    for warning in plan.warnings:
        print_line(f"  warning: {warning}", err=on_stderr)
    print_line(f"  undo: {plan.undo_how or plan.undo.value}", err=on_stderr)


def _typed(question: str, *, on_stderr: bool) -> str:
    """Return what is typed; nothing when the input ends.

    Not by Typer: it asks on stdout, and makes ctrl+c and ctrl+d the same.

    Raises:
        KeyboardInterrupt: ctrl+c.
    """
    with _interruptible():
        typer.echo(question, nl=False, err=on_stderr)
        line = sys.stdin.readline()
    if not line.endswith("\n"):
        typer.echo(err=on_stderr)
    return line.rstrip("\r\n")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let ctrl+c end a read at once: the event loop's own handler only notes it, and the read would go on."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _nothing_done(code: ExitCode) -> ExitCode:
    tell("novacron: nothing was done")
    return code
