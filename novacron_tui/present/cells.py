"""What is painted: spans of inert text in a role, lines of them, and table cells.

A role says what something means; the palette (novacron_tui.palette) says how that looks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

from novacron.model.safetext import SafeText
from novacron_tui.present.width import clip, fit, settle, width_of, wrap


class Role(StrEnum):
    """What a piece of text means. The values are the names in themes/*.toml."""

    TEXT = "text"
    DIM = "dim"
    STRONG = "strong"
    TITLE = "title"
    KEY = "key"
    TAB = "tab"
    """The pane that is shown, among those that are not."""
    ACCENT = "accent"
    COLUMN = "column"
    GOOD = "good"
    WARNING = "warning"
    CRITICAL = "critical"
    RUNNING = "state-running"
    PAUSED = "state-paused"
    OFF = "state-off"
    CRASHED = "state-crashed"
    UNKNOWN = "state-unknown"
    MIGRATING = "state-migrating"
    BAR = "bar"
    BAR_REST = "bar-rest"
    CURSOR_TEXT = "cursor-text"
    """The caret of a text field."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one line."""

    text: SafeText
    role: Role = Role.TEXT


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table, in forms from the longest to the shortest: the first that fits is shown."""

    forms: tuple[SafeText, ...]
    role: Role = Role.TEXT


FOLDS: Final = 8
"""Lines that one line may become."""


def span(text: object, role: Role = Role.TEXT) -> Span:
    """Make a span of anything, inert."""
    return Span(SafeText(text), role)


def line(*parts: Span | str) -> Line:
    """Make a line; a plain string is text of our own."""
    return tuple(part if isinstance(part, Span) else span(part) for part in parts)


def cell(*forms: object, role: Role = Role.TEXT) -> Cell:
    """Make a cell; 5,000 foreign characters are cut before they cost anything."""
    return Cell(tuple(SafeText.clip(form, 400) for form in forms), role)


def fit_cell(value: Cell, width: int, *, right: bool = False) -> Span:
    """Return the longest form that fits, cut or padded to exactly `width` cells."""
    chosen = next((form for form in value.forms if width_of(form) <= width), value.forms[-1])
    return Span(fit(chosen, width, right=right), value.role)


def line_width(spans: Sequence[Span]) -> int:
    """Return how many cells a line takes."""
    return sum(width_of(part.text) for part in spans)


def fit_line(spans: Sequence[Span], width: int) -> Line:
    """Cut a line to `width` cells; it is not padded."""
    shown: list[Span] = []
    left = width
    for part in spans:
        if left <= 0:
            break
        text = clip(part.text, left)
        shown.append(Span(text, part.role))
        left -= width_of(text)
    return tuple(shown)


def fold_line(spans: Sequence[Span], width: int, indent: int = 4) -> list[Line]:
    """Break a line that is wider than `width`, between words where there are any; what follows is indented.

    A text that has no end must not push all others off the screen: it is cut after `FOLDS` lines.
    """
    if line_width(spans) <= width:
        return [tuple(spans)]
    indent = min(indent, max(0, width - 8))
    spans = fit_line(spans, width + (FOLDS - 1) * (width - indent))
    lines: list[Line] = []
    here: list[tuple[str, Role]] = []
    taken = last_gap = 0
    for part in spans:
        for character in settle(part.text):
            wide = width_of(SafeText(character))
            has_broken = False
            # Twice where the word that goes to the next line fills that one: it is indented.
            while taken + wide > width and here:
                rest = _break(here, last_gap)
                lines.append(_joined(here, 0 if not lines else indent))
                here, last_gap, has_broken = rest, 0, True
                taken = indent + sum(width_of(SafeText(each)) for each, _ in here)
            if has_broken and character == " " and not here:
                continue
            here.append((character, part.role))
            taken += wide
            if character == " " and any(each != " " for each, _ in here):
                last_gap = len(here)
    return [*lines, _joined(here, 0 if not lines else indent)]


def _break(here: list[tuple[str, Role]], last_gap: int) -> list[tuple[str, Role]]:
    """Cut `here` behind its last gap, where that leaves it more than half; return what goes to the next line."""
    cut = last_gap if last_gap > len(here) // 2 else len(here)
    rest = here[cut:]
    del here[cut:]
    return rest


def _joined(characters: Sequence[tuple[str, Role]], indent: int) -> Line:
    parts = [span(" " * indent)] if indent else []
    for role, group in groupby(characters, key=lambda each: each[1]):
        parts.append(Span(SafeText("".join(character for character, _ in group)), role))
    return tuple(parts)


def flow_parts(parts: Iterable[Sequence[Span]], width: int) -> list[Line]:
    """Put parts side by side, on as many lines as that takes; none is broken."""
    lines: list[Line] = []
    here: Line = ()
    for part in parts:
        if here and line_width(here) + line_width(part) > width:
            lines.append(here)
            here = ()
        here = (*here, *part)
    return [*lines, here]


def justify(left: Sequence[Span], right: Sequence[Span], width: int) -> Line:
    """Put one part at the left edge and one at the right; the left one gives way."""
    kept = fit_line(right, width)
    room = max(0, width - line_width(kept) - 1)
    head = fit_line(left, room)
    gap = width - line_width(head) - line_width(kept)
    return (*head, span(" " * max(0, gap)), *kept)


def paragraph(text: object, width: int, role: Role = Role.TEXT, indent: int = 0) -> list[Line]:
    """Wrap text to `width` cells, every line indented."""
    # Nobody reads more of an error text than this, and a hostile one has no end.
    safe = SafeText.clip(text, 4000)
    pad = " " * indent
    return [(span(pad), Span(part, role)) for part in wrap(safe, max(8, width - indent))]
