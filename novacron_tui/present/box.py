"""The part of a dialog that a terminal has room for: what it asks is always seen, what it says can be scrolled."""

from collections.abc import Sequence
from typing import Final

from novacron_tui.present.cells import Line, Role, span

_LEAST: Final = 3
"""Lines of the text that are seen beside the longest question."""


def box_window(
    head: Sequence[Line], tail: Sequence[Line], most: int, top: int, cursor: int | None
) -> tuple[list[Line], int]:
    """Return at most `most` lines of `head` and `tail`, and the first line of `head` among them.

    `top` is where the reader has scrolled to; `cursor` is the line of `head` that has to be seen, and wins.
    """
    if len(head) + len(tail) <= most:
        return [*head, *tail], 0
    # On a terminal too low for all of the tail its end is what counts: there one answers.
    spilt = max(0, len(tail) - max(1, most - _LEAST - 1))
    head, question = [*head, *tail[:spilt]], tail[spilt:]
    room = most - len(question) - 1
    last = max(0, len(head) - room)
    first = min(max(0, top if cursor is None else cursor - room // 3), last)
    keys = "pgdn pgup" if cursor is None else "tab"
    where = f" lines {first + 1} to {min(first + room, len(head))} of {len(head)}"
    more: Line = (span(where, Role.WARNING), span(f"   {keys}", Role.KEY), span(" shows more", Role.DIM))
    return [*head[first : first + room], more, *question], first
