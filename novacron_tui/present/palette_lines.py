"""The command palette: what can be done here, found by a few letters, with why not where it cannot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from novacron_tui.present.cells import Line, Role, Span, justify, span
from novacron_tui.present.glyphs import Glyphs
from novacron_tui.present.line_edit import LineEdit

_ROWS: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the palette."""

    id: str
    title: str
    key: str
    reason: str = ""
    """Why it is not possible now; empty: it is."""
    words: str = ""
    """Other names by which it is known: "quit" and "q" for what is called detach here."""


def find_entries(entries: Sequence[Entry], query: str) -> list[Entry]:
    """Return those that hold the letters of `query` in this order; the best first, possible before impossible.

    What is called exactly so comes first even when it is not possible: who types "destroy" wants to read why not.
    """
    wanted = query.casefold().replace(" ", "")
    scored = [(score, entry) for entry in entries if (score := _score(entry, wanted)) is not None]
    scored.sort(key=lambda pair: (bool(pair[1].reason) and pair[0] >= 0, pair[0]))
    return [entry for _, entry in scored]


def palette_lines(
    title: str, found: Sequence[Entry], typed: LineEdit, at: int, width: int, glyphs: Glyphs, most: int = 16
) -> list[Line]:
    """Draw the query and what it finds, in at most `most` lines."""
    rows = min(_ROWS, max(1, most - 4))
    first = min(max(0, at - rows // 2), max(0, len(found) - rows))
    lines: list[Line] = [
        (span(f" {title} ", Role.KEY), *typed.spans(width - len(title) - 4, active=True)),
        (span(glyphs.rule * width, Role.DIM),),
    ]
    for index, entry in enumerate(found[first : first + rows], start=first):
        lines.append(_entry_line(entry, width, glyphs, here=index == at))
    if not found:
        lines.append((span("   nothing of that name", Role.DIM),))
    reason = found[at].reason if found else ""
    lines += [
        (span(glyphs.rule * width, Role.DIM),),
        (span(f" {reason or 'enter does it, esc leaves'}", Role.WARNING if reason else Role.DIM),),
    ]
    return lines


def _entry_line(entry: Entry, width: int, glyphs: Glyphs, *, here: bool) -> Line:
    mark = f" {glyphs.choice} " if here else "   "
    role = Role.DIM if entry.reason else Role.STRONG if here else Role.TEXT
    left: list[Span] = [span(mark, Role.KEY), span(entry.title, role)]
    if entry.reason:
        left.append(span(f"  {entry.reason}", Role.DIM))
    return justify(left, [span(f"{entry.key} ", Role.KEY)], width)


def _score(entry: Entry, wanted: str) -> int | None:
    title = entry.title.casefold()
    if not wanted:
        return 0
    if wanted in entry.words.split():
        return -1
    at = title.find(wanted)
    if at >= 0:
        return at
    place, spread = -1, 100
    for letter in wanted:
        found = title.find(letter, place + 1)
        if found < 0:
            return None
        spread += found - place
        place = found
    return spread
