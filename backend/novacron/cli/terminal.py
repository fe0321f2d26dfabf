"""What the command line does with the terminal or pipe it was given, before any verb: readers that leave, colours."""

import io
import os
import sys

_STDOUT = 1


class _Output(io.FileIO):
    """Standard output whose reader may have seen enough, as head does: what comes after that goes nowhere."""

    is_gone = False

    def write(self, data: object) -> int:
        """Write, or forget what nobody reads."""
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BrokenPipeError:
            self.is_gone = True
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, _STDOUT)
            os.close(nothing)
            return len(memoryview(data).cast("B"))  # type: ignore[arg-type]


def let_readers_leave() -> None:
    """Let `novacron vms | head` end as it would have without head.

    The raw file is replaced, because click, Rich and the interpreter's own end each have another idea of what a broken
    pipe means.
    """
    before = sys.stdout
    if not isinstance(before, io.TextIOWrapper):
        return
    raw = _Output(_STDOUT, "w", closefd=False)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(raw), before.encoding, before.errors, line_buffering=before.line_buffering
    )


def is_reader_gone() -> bool:
    """Return whether nobody reads standard output any more."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return isinstance(raw, _Output) and raw.is_gone


def respect_terminal_without_colours() -> None:
    """Say NO_COLOR for a terminal that has none (vt100, vt220, xterm-mono …): to Rich, to Textual and to the console.

    A terminal that terminfo does not know is taken to have colours, as most have.
    """
    term = os.environ.get("TERM", "")
    if "NO_COLOR" in os.environ or not term or "color" in term or os.environ.get("COLORTERM"):
        return
    import curses

    try:
        curses.setupterm(term, _STDOUT)
        colours = curses.tigetnum("colors")
    except curses.error:
        return
    if colours < 8:
        os.environ["NO_COLOR"] = "1"
