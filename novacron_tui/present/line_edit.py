"""One line of text being typed: a value, so that every field in the console edits alike."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from novacron.model.safetext import SafeText
from novacron_tui.present.cells import Line, Role, Span, span
from novacron_tui.present.width import width_of

LONGEST: Final = 1024
"""More than this nobody types; a paste of a megabyte is cut here."""


@dataclass(frozen=True, slots=True)
class LineEdit:
    """Text and where the caret stands in it."""

    text: str = ""
    caret: int = 0

    @staticmethod
    def of(text: str) -> "LineEdit":
        """Begin with `text`, the caret behind it."""
        return LineEdit(text, len(text))

    def insert(self, typed: str) -> "LineEdit":
        """Type at the caret: the first line of it, without characters that show nothing."""
        first = next((part for part in typed.splitlines() if part), "")[:LONGEST]
        clean = "".join(character for character in first if unicodedata.category(character)[0] != "C")
        room = LONGEST - len(self.text)
        clean = clean[:room]
        return LineEdit(self.text[: self.caret] + clean + self.text[self.caret :], self.caret + len(clean))

    def press(self, key: str, character: str | None) -> "LineEdit | None":
        """Return what a key makes of it; None when the key is not one that edits."""
        if key in _KEYS:
            return _KEYS[key](self)
        if character is not None and len(character) == 1 and character.isprintable():
            return self.insert(character)
        return None

    def spans(self, width: int, *, active: bool) -> Line:
        """Show it in `width` cells with its caret, scrolled so that the caret is seen."""
        shown = SafeText(self.text)
        if not active:
            return (Span(shown),)
        before, at = SafeText(self.text[: self.caret]), SafeText(self.text[self.caret : self.caret + 1] or " ")
        while before and width_of(before) > width - 2:
            before = SafeText(before[1:])
        return (Span(before), Span(at, Role.CURSOR_TEXT), span(self.text[self.caret + 1 :]))

    def _moved(self, caret: int) -> "LineEdit":
        return replace(self, caret=min(max(0, caret), len(self.text)))

    def _without(self, start: int, end: int) -> "LineEdit":
        start = max(0, start)
        return LineEdit(self.text[:start] + self.text[end:], start)

    def _word_start(self) -> int:
        return self.text[: self.caret].rstrip().rfind(" ") + 1


_KEYS: Final[Mapping[str, Callable[[LineEdit], LineEdit]]] = {
    "backspace": lambda e: e._without(e.caret - 1, e.caret) if e.caret else e,
    "ctrl+h": lambda e: e._without(e.caret - 1, e.caret) if e.caret else e,
    "delete": lambda e: LineEdit(e.text[: e.caret] + e.text[e.caret + 1 :], e.caret),
    "left": lambda e: e._moved(e.caret - 1),
    "right": lambda e: e._moved(e.caret + 1),
    "home": lambda e: e._moved(0),
    "ctrl+a": lambda e: e._moved(0),
    "end": lambda e: e._moved(len(e.text)),
    "ctrl+e": lambda e: e._moved(len(e.text)),
    "ctrl+u": lambda e: e._without(0, e.caret),
    "ctrl+k": lambda e: LineEdit(e.text[: e.caret], e.caret),
    "ctrl+w": lambda e: e._without(e._word_start(), e.caret),
}
