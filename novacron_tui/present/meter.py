"""Bars: how much of something is used or done."""

from novacron_tui.present.cells import Role, Span, span
from novacron_tui.present.glyphs import Glyphs


def bar(part: float | None, width: int, glyphs: Glyphs) -> str:
    """Draw 0.0 to 1.0 as a bar of `width` cells; nothing known draws nothing, and only all of it a full bar."""
    if part is None:
        return " " * width
    full = width if part >= 1 else min(width - 1, max(0, round(part * width)))
    return glyphs.bar_full * full + glyphs.bar_empty * (width - full)


def bar_spans(part: float | None, width: int, glyphs: Glyphs, role: Role = Role.BAR) -> tuple[Span, Span]:
    """Draw the same bar in two roles."""
    drawn = bar(part, width, glyphs)
    full = drawn.count(glyphs.bar_full)
    return span(drawn[:full], role), span(drawn[full:], Role.BAR_REST)


def fullness_role(part: float | None) -> Role:
    """Return the role of a store by how full it is."""
    if part is None:
        return Role.DIM
    return Role.CRITICAL if part >= 0.95 else Role.WARNING if part >= 0.85 else Role.BAR
