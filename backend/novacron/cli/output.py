"""What the command line prints: tables for people, JSON for programs, errors with cause and remedy.

Foreign text reaches the terminal as SafeText only; JSON is ASCII with every other character escaped.
"""

import errno
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import typer

from novacron.model.errors import ExitCode, NovaCronError
from novacron.model.safetext import SafeText

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
_WIDEST_CELL = 60
_LONGEST_LAST = 400
"""Of the last column, which pushes nothing to the right: outcomes, causes and paths are read there."""


def print_json(value: object) -> None:
    """Print any model value, or lists and mappings of them, as indented JSON."""
    from pydantic_core import to_jsonable_python

    typer.echo(json.dumps(to_jsonable_python(value), indent=2, ensure_ascii=True))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their headings, every column as wide as its widest cell."""
    from novacron_tui.present.width import clip, fit, width_of

    most = [*[_WIDEST_CELL] * (len(columns) - 1), _LONGEST_LAST]
    texts = [[SafeText("-" if cell is None else cell) for cell in row] for row in rows]
    shown = [[clip(text, limit) for text, limit in zip(row, most, strict=True)] for row in texts]
    widths = [max([len(heading), *(width_of(row[index]) for row in shown)]) for index, heading in enumerate(columns)]
    for line in [[SafeText(heading.upper()) for heading in columns], *shown]:
        cells = [fit(cell, width) for cell, width in zip(line[:-1], widths[:-1], strict=True)]
        typer.echo("  ".join([*cells, line[-1]]).rstrip())


def print_line(text: object, *, err: bool = False) -> None:
    """Print one line of text that may quote foreign words."""
    typer.echo(SafeText(text), err=err)


def print_progress(text: str) -> None:
    """Overwrite the progress line on a terminal; say nothing into a pipe."""
    if sys.stderr.isatty():
        from novacron_tui.present.width import fit

        columns = os.get_terminal_size(sys.stderr.fileno()).columns or 80
        tell(f"\r{fit(SafeText(text), columns - 1)}", nl=False)


def clear_progress() -> None:
    """Remove the progress line."""
    if sys.stderr.isatty():
        columns = os.get_terminal_size(sys.stderr.fileno()).columns or 80
        tell("\r" + " " * (columns - 1) + "\r", nl=False)


def tell(text: str, *, nl: bool = True) -> None:
    """Print inert text on stderr; one that cannot be written to stops no command half-way."""
    try:
        typer.echo(text, nl=nl, err=True)
    except OSError:
        _let_go_of(2)


@contextmanager
def printing_what_was_done() -> Iterator[None]:
    """Let printing fail with a word on stderr: what was done is done, and its exit code counts."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        _let_go_of(1)
        # A reader that has seen enough, such as head, needs no word.
        if not isinstance(error, BrokenPipeError):
            complain("output", f"cannot be written: {error.strerror}", "novacron ops --json has it")


@contextmanager
def printing() -> Iterator[None]:
    """End with 1 and a word on stderr where stdout takes no more: half a list is none."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.filename is not None or error.errno not in _FULL:
            raise
        _let_go_of(1)
        complain("output", f"cannot be written: {error.strerror}", "make room where it goes to")
        sys.exit(ExitCode.FAILED)


def open_closed_streams() -> None:
    """Open what the caller closed of stdin, stdout and stderr on nothing, so that no socket gets their numbers."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number, which is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def _let_go_of(number: int) -> None:
    """Write to nothing from here on: else the interpreter tries again at its end, and ends with a code of its own."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, number)
    os.close(nothing)


def complain(subject: object, detail: object, remedy: object = "") -> None:
    """Print an error: what, why, and what to do about it."""
    tell(f"novacron: {SafeText(subject)}: {SafeText(detail)}")
    if remedy:
        tell(f"  try: {SafeText(remedy)}")


def complain_of_unread(what: str, hosts: Sequence[str], remedy: str) -> None:
    """Say whose are missing among what is listed, or acted on."""
    complain(what, f"those of {', '.join(hosts)} are not among these: never read yet", remedy)


def tell_unread(what: str, hosts: Sequence[str], *, partial_ok: bool) -> None:
    """Say what a list lacks because hosts never answered, and end with 5 unless that is all right."""
    if not hosts:
        return
    complain_of_unread(
        what, hosts, "novacron hosts says why" + ("" if partial_ok else "; --partial-ok ends with 0 all the same")
    )
    if not partial_ok:
        raise typer.Exit(ExitCode.UNREACHABLE)


def fail(error: NovaCronError) -> NoReturn:
    """Print the error and end with its exit code."""
    complain(error.subject, error.detail, error.remedy)
    raise typer.Exit(error.exit_code)
