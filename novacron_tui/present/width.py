"""How many terminal cells text takes, and text made to take exactly so many.

Terminals disagree about clusters: flags, skin tones, variation selectors, joined Hangul, spacing marks. So every
character is counted by itself, and those that some terminal would fold into a neighbour are shown as escapes.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from rich.cells import get_character_cell_size

from novacron.model.safetext import SafeText

_LATIN_MARKS: Final = range(0x0300, 0x0370)
"""The combining marks that every terminal draws over the letter before them."""
_UNRULY: Final = re.compile("[\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]")
"""Flags' letters and skin tones: one or two cells, and none or two, depending on whom one asks."""
ELLIPSIS: Final = "…"


@lru_cache(maxsize=4096)
def _character(character: str) -> tuple[str, int]:
    """Return how a character is shown and its width in cells."""
    width = get_character_cell_size(character)
    if width > 0 and not _UNRULY.match(character):
        return character, width
    if ord(character) in _LATIN_MARKS:
        return character, 0
    shown = f"\\u{{{ord(character):x}}}"
    return shown, len(shown)


def width_of(text: SafeText) -> int:
    """Return how many cells `text` takes as `settle` shows it."""
    if text.isascii():
        return len(text)
    return sum(_character(character)[1] for character in unicodedata.normalize("NFC", text))


def settle(text: SafeText) -> SafeText:
    """Show as escapes what terminals would draw at different widths."""
    if text.isascii():
        return text
    return SafeText("".join(_character(character)[0] for character in unicodedata.normalize("NFC", text)))


def clip(text: SafeText, width: int) -> SafeText:
    """Cut to at most `width` cells, the last one an ellipsis when something was lost."""
    if text.isascii():
        if len(text) <= width:
            return text
        return SafeText(text[: width - 1] + ELLIPSIS if width > 0 else "")
    return _clip(text, width)


def fit(text: SafeText, width: int, *, right: bool = False) -> SafeText:
    """Make it exactly `width` cells: cut, or padded on the right (on the left with `right`)."""
    if text.isascii() and len(text) <= width:
        return SafeText(text.rjust(width) if right else text.ljust(width))
    shown = clip(text, width)
    padding = " " * (width - width_of(shown))
    return SafeText(padding + shown if right else shown + padding)


def wrap(text: SafeText, width: int) -> list[SafeText]:
    """Break into lines of at most `width` cells, between words where there are any."""
    lines: list[SafeText] = []
    rest = settle(text)
    while width_of(rest) > width > 0:
        head = _head(rest, width)
        cut = head.rfind(" ")
        head = head[:cut] if cut > width // 2 else head
        lines.append(SafeText(head))
        rest = SafeText(rest[len(head) :].lstrip(" "))
    lines.append(rest)
    return lines


def _clip(text: SafeText, width: int) -> SafeText:
    # Marks take no cell, so twice the width and a little is more than can be shown.
    shown = settle(SafeText(text[: 3 * width + 3]))
    if width_of(shown) <= width and len(text) <= 3 * width + 3:
        return shown
    return SafeText(_head(shown, width - 1) + ELLIPSIS if width > 0 else "")


def _head(settled: SafeText, width: int) -> str:
    taken = 0
    for index, character in enumerate(settled):
        taken += _character(character)[1]
        if taken > width:
            return settled[:index]
    return str(settled)
