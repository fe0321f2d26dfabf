"""The help: every key that means something on one screen, in groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from novacron_tui.present.cells import Line, Role, Span, line_width, paragraph, span

_KEY_WIDTH: Final = 11
_FILTERS: Final = (
    ("web db", "rows that hold both words, anywhere"),
    ("host:kvm-3", "in one field: name host state site label reason uuid"),
    ("state:running", "also: paused, shut off, crashed, unknown"),
    ("host:=kvm-3", "exactly this"),
    ("-test  ~wb1", "not this; these letters in this order"),
)
_SIGNS: Final = "Unknown is never shown as stopped: a host that does not answer keeps its rows, with their age."


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHelp:
    """One line of the help: a key, or several with one meaning, and what they do."""

    names: tuple[str, ...]
    label: str
    group: str
    is_immediate: bool = False
    """Whether it acts on one row without a confirmation."""


def help_lines(title: str, groups: Sequence[str], keys: Sequence[KeyHelp], width: int) -> list[Line]:
    """Lay the groups out, in the given order, in as many columns as fit."""
    blocks = [_block(group, keys) for group in groups]
    blocks = [block for block in blocks if len(block) > 1]
    columns = max(1, min(3, width // 38))
    lines: list[Line] = [(span(f" Keys: {title}", Role.STRONG),), ()]
    lines += _in_columns(blocks, columns, width // columns)
    lines += [(), (span(" Filter ( / )", Role.COLUMN),)]
    lines += [(span(f"  {text:<16}", Role.KEY), span(meaning, Role.DIM)) for text, meaning in _FILTERS]
    lines += [(), *paragraph(_SIGNS, width - 2, Role.DIM, indent=1)]
    lines += paragraph(_confirmation_rule(keys), width - 2, Role.DIM, indent=1)
    lines += paragraph("q leaves this console; the backend and all operations go on.", width - 2, Role.DIM, 1)
    return lines


def _confirmation_rule(keys: Sequence[KeyHelp]) -> str:
    """Say which keys act at once here, and that all others show first what they would do."""
    immediate = [" ".join(key.names) for key in keys if key.is_immediate]
    if not immediate:
        return "Every action is shown before it happens."
    return f"{', '.join(immediate)} on one row: at once, unless its plan warns. All else is shown before it happens."


def _block(group: str, keys: Sequence[KeyHelp]) -> list[Line]:
    lines: list[Line] = [(span(f" {group}", Role.COLUMN),)]
    for key in keys:
        if key.group == group:
            lines.append((span(f"  {' '.join(key.names):<{_KEY_WIDTH}}", Role.KEY), span(key.label, Role.TEXT)))
    return lines


def _in_columns(blocks: Sequence[list[Line]], columns: int, width: int) -> list[Line]:
    stacks: list[list[Line]] = [[] for _ in range(columns)]
    for block in blocks:
        shortest = min(stacks, key=len)
        shortest += [*block, ()]
    lines: list[Line] = []
    for at in range(max(len(stack) for stack in stacks)):
        parts: list[Span] = []
        for stack in stacks:
            here = stack[at] if at < len(stack) else ()
            parts += (*here, span(" " * max(1, width - line_width(here))))
        lines.append(tuple(parts))
    return lines
