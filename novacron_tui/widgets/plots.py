"""Plots of the last minutes. The only module that knows plotext; import it late (20 ms).

plotext keeps one figure for the whole process: every plot here clears it first, and nothing else may use it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import plotext

from novacron.model.safetext import SafeText
from novacron.model.sample import VmSample
from novacron_tui.present.cells import Line, Role, Span, fit_line, line_width, span
from novacron_tui.present.glyphs import Glyphs
from novacron_tui.present.quantity import percent, rate, size_mib

HEIGHT: Final = 7
"""Lines of one plot, its title included."""
_FRAME: Final = frozenset("┤└┬─│┘├┼┴")
_ASCII_FRAME: Final = str.maketrans({"┤": "|", "│": "|", "└": "+", "┬": "+", "─": "-", "┼": "+"})
_SHORTEST_S: Final = 60.0

_Series = tuple[str, Callable[[VmSample], float | None], Callable[[float | None], str]]
_SERIES: Final[tuple[_Series, ...]] = (
    ("CPU %", lambda sample: sample.cpu_percent, percent),
    ("Memory", lambda sample: sample.memory_mib, size_mib),
    ("Disk /s", lambda sample: sample.disk_b_s, rate),
    ("Network /s", lambda sample: sample.net_b_s, rate),
)


def usage_plots(
    samples: Sequence[VmSample], now: datetime, width: int, glyphs: Glyphs, *, current: bool = True
) -> list[Line]:
    """Plot CPU, memory, disk and network side by side, as many in a row as the width has room for.

    Unless `current`, the latest sample is not what is the case now, and no number says so.
    """
    in_row = 4 if width >= 150 else 2
    each = width // in_row
    blocks = [_plot(series, samples, now, each - 1, glyphs, current=current) for series in _SERIES]
    lines: list[Line] = []
    for first in range(0, len(blocks), in_row):
        for parts in zip(*blocks[first : first + in_row], strict=True):
            joined: list[Span] = []
            for part in parts:
                fitted = fit_line(part, each - 1)
                joined += (*fitted, span(" " * (each - line_width(fitted))))
            lines.append(tuple(joined))
    return lines


def _plot(
    series: _Series, samples: Sequence[VmSample], now: datetime, width: int, glyphs: Glyphs, *, current: bool
) -> list[Line]:
    title, value_of, shown = series
    latest = value_of(samples[-1]) if samples else None
    number = span(shown(latest), Role.STRONG) if current else span("?", Role.UNKNOWN)
    head = (span(f" {title} ", Role.COLUMN), number)
    runs = _runs([((sample.observed_at - now).total_seconds(), value_of(sample)) for sample in samples])
    if not runs:
        return [head, (span("   nothing is known yet", Role.DIM),), *([()] * (HEIGHT - 2))]
    highest = max(value for run in runs for _, value in run)
    top = _round_up(highest) if title != "CPU %" else max(100.0, _round_up(highest))
    earliest = min(runs[0][0][0], -_SHORTEST_S)
    drawn = _draw(runs, top, earliest, width, shown, glyphs)
    return [head, *(_coloured(text, glyphs) for text in drawn[: HEIGHT - 1])]


def _draw(
    runs: Sequence[Sequence[tuple[float, float]]],
    top: float,
    earliest: float,
    width: int,
    shown: Callable[[float | None], str],
    glyphs: Glyphs,
) -> list[str]:
    figure: Any = plotext
    figure.clear_figure()
    figure.theme("clear")
    figure.plotsize(width, HEIGHT - 1)
    for run in runs:
        marker = "*" if glyphs.is_ascii else "braille"
        figure.plot([at for at, _ in run], [value for _, value in run], marker=marker)
    figure.ylim(0, top)
    figure.xlim(earliest, 0)
    figure.yticks([0, top / 2, top], [f"{shown(tick):>5}" for tick in (0.0, top / 2, top)])
    figure.xticks([earliest, 0], [_ago(earliest), "now"])
    figure.xaxes(True, False)
    figure.yaxes(True, False)
    text = str(figure.build()).replace("\x1b[0m", "")
    return text.rstrip("\n").split("\n")


def _runs(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """Break a series where nothing is known: a gap is drawn as a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for at, value in points:
        if value is None:
            runs.append([])
        else:
            runs[-1].append((at, value))
    return [run for run in runs if run]


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 5 times a power of ten, so that the scale seldom changes."""
    step = 1.0
    while True:
        for factor in (1, 2, 5):
            if value <= step * factor:
                return step * factor
        step *= 10


def _ago(seconds: float) -> str:
    return f"{seconds / 60:.0f}m" if seconds <= -60 else f"{seconds:.0f}s"


def _coloured(text: str, glyphs: Glyphs) -> Line:
    """Split a drawn line into scale and curve."""
    shown = text.translate(_ASCII_FRAME) if glyphs.is_ascii else text
    edge = next((at + 1 for at, character in enumerate(text) if character in _FRAME), None)
    if edge is None or text[edge - 1] == "└":
        return (Span(SafeText(shown), Role.DIM),)
    return (Span(SafeText(shown[:edge]), Role.DIM), Span(SafeText(shown[edge:]), Role.BAR))
