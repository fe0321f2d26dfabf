"""The figures side by side, each against what we aim at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the report: the same thing done by NovaCron and, where it can, by virsh."""

    what: str
    ours: Sequence[float]
    unit: str
    virsh: Sequence[float] = ()
    aim: float | None = None
    """The median has to be below it."""

    @property
    def is_met(self) -> bool:
        """Whether the aim is reached, or there is none."""
        return self.aim is None or median(self.ours) < self.aim


def render(figures: Sequence[Figure]) -> str:
    """Return the table: medians, and the worst of several in brackets."""
    rows = [("", "NovaCron", "virsh", "aim", "")]
    rows.extend(_row(figure) for figure in figures)
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join("  ".join(_placed(row, widths)).rstrip() for row in rows)


def _row(figure: Figure) -> tuple[str, str, str, str, str]:
    aim = "" if figure.aim is None else f"< {figure.aim:g} {figure.unit}"
    verdict = "" if figure.aim is None else ("met" if figure.is_met else "MISSED")
    return figure.what, _spread(figure.ours, figure.unit), _spread(figure.virsh, figure.unit), aim, verdict


def _spread(values: Sequence[float], unit: str) -> str:
    if not values:
        return "-"
    text = f"{median(values):.{_digits(unit)}f} {unit}"
    return text if len(values) == 1 else f"{text} (worst {max(values):.{_digits(unit)}f})"


def _digits(unit: str) -> int:
    return 2 if unit == "%" else 0


def _placed(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    place: Callable[[str, int], str] = str.ljust
    return [place(cell, width) for cell, width in zip(row, widths, strict=True)]
