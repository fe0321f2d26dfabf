"""The last two lines: what the row under the cursor is, and which keys do something to it."""

from collections.abc import Iterable

from novacron_tui.present.cells import Line, Role, Span, line_width, span


def footer_line(keys: Iterable[tuple[str, str]], width: int) -> Line:
    """Name as many keys as fit; those given first matter most. The last one given is always shown."""
    wanted = list(keys)
    if not wanted:
        return ()
    shown: list[Span] = []
    last = _key(*wanted[-1])
    for key, label in wanted[:-1]:
        part = _key(key, label)
        if line_width(shown) + line_width(part) + line_width(last) > width:
            break
        shown += part
    return (*shown, *last)


def _key(key: str, label: str) -> tuple[Span, ...]:
    return (span(f" {key}", Role.KEY), span(f" {label} ", Role.DIM))
