"""The last two lines: what the row under the cursor is, and which keys do something to it."""

from collections.abc import Iterable

from novacron.model.safetext import SafeText
from novacron_tui.present.cells import Line, Role, Span, justify, line_width, span
from novacron_tui.present.key_names import key_name


def footer_line(own: Iterable[tuple[str, str]], always: Iterable[tuple[str, str]], width: int) -> Line:
    """Name as many keys of the row as fit, those given first mattering most; then those that are always there."""
    last = [part for key, label in always for part in _key(key, label)]
    shown: list[Span] = []
    for key, label in own:
        part = _key(key, label)
        if line_width(shown) + line_width(part) + line_width(last) > width:
            break
        shown += part
    return justify(shown, last, width)


def unassigned_key_line(pressed: str) -> Line:
    """Say that a key does nothing here."""
    return (span(SafeText.clip(key_name(pressed), 20), Role.KEY), span(" means nothing here", Role.DIM))


def _key(key: str, label: str) -> tuple[Span, ...]:
    return (span(f" {key}", Role.KEY), span(f" {label} ", Role.DIM))
