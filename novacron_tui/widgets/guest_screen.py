"""A terminal emulator for a guest's serial console. Hostile bytes end here, in a grid of characters.

Imports pyte; import it late. What pyte makes of a byte stream is a screen buffer; nothing of the stream itself ever
reaches the operator's terminal.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import pyte
from rich.segment import Segment
from rich.style import Style

from novacron.model.control_strings import LONGEST_STRING, ControlStrings
from novacron.model.safetext import SafeText
from novacron_tui.present.width import settle, width_of

SLICE_BYTES: Final = 4096
"""pyte takes about 0.5 MB/s: larger slices would be felt at the keyboard."""
_LONGEST_SEQUENCE: Final = LONGEST_STRING
"""An escape sequence longer than this is dropped: one without an end would eat all memory."""
_C1_INTRODUCERS: Final = ("\x9b", "\x9d")
"""pyte takes these for CSI and OSC in UTF-8, too; terminals differ there, and `novacron console` drops them."""
_APPLICATION_CURSOR: Final = 1 << 5
_COLOURS: Final = {
    "black": "black",
    "red": "red",
    "green": "green",
    "brown": "yellow",
    "blue": "blue",
    "magenta": "magenta",
    "cyan": "cyan",
    "white": "white",
}
_MOST_MARKS: Final = 8
_HEX: Final = re.compile("[0-9a-f]{6}")


class _Stream(pyte.ByteStream):
    """pyte's parser, which here ignores sequences that it does not understand."""

    def __init__(self, screen: pyte.Screen) -> None:
        self._inside = 0
        self._strings = ControlStrings()
        super().__init__(screen)

    def feed(self, data: bytes) -> None:  # type: ignore[override]  # as pyte's own ByteStream
        """Take bytes. pyte would show what is in most control strings, and lets only ST and BEL end the others."""
        for number, part in enumerate(self._strings.cut(data)):
            if number:
                self._drop_sequence()
            super().feed(part)

    def _drop_sequence(self) -> None:
        self._initialize_parser()
        self.utf8_decoder.reset()
        self._inside = 0

    def _send_to_parser(self, data: str) -> bool | None:
        assert self._parser is not None  # noqa: S101 - attached in the constructor
        if data in _C1_INTRODUCERS:
            return self._inside == 0
        try:
            plain = self._parser.send(data)
        except (TypeError, ValueError, IndexError, KeyError):
            # Digits that are none, parameters no method takes: pyte 0.8 trips over them.
            plain = None
            self._inside = _LONGEST_SEQUENCE
        self._inside = 0 if plain else self._inside + 1
        if self._inside > _LONGEST_SEQUENCE:
            self._initialize_parser()
            self._inside = 0
            return True
        return plain


class _Screen(pyte.Screen):
    """pyte's screen; what it answers (cursor reports and the like) goes back to the guest, as from any terminal."""

    def __init__(self, columns: int, rows: int, answer: Callable[[bytes], None]) -> None:
        self._answer = answer
        super().__init__(columns, rows)

    def draw(self, data: str) -> None:
        """Draw text; of a heap of marks on one character only the first few: pyte goes over all of them for each."""
        if data.isascii():
            super().draw(data)
            return
        start = 0
        for at, character in enumerate(data):
            if unicodedata.combining(character):
                if start < at:
                    super().draw(data[start:at])
                if self._marks_before_cursor() < _MOST_MARKS:
                    super().draw(character)
                start = at + 1
        if start < len(data):
            super().draw(data[start:])

    def _marks_before_cursor(self) -> int:
        if self.cursor.x:
            last = self.buffer[self.cursor.y][self.cursor.x - 1]
        elif self.cursor.y:
            last = self.buffer[self.cursor.y - 1][self.columns - 1]
        else:
            return 0
        return len(last.data) - 1

    def write_process_input(self, data: str) -> None:
        """Send an answer."""
        self._answer(data.encode())


class GuestScreen:
    """The guest's screen: fed with bytes, read as lines of segments."""

    def __init__(self, columns: int, rows: int, answer: Callable[[bytes], None]) -> None:
        self._screen = _Screen(columns, rows, answer)
        self._stream = _Stream(self._screen)

    @property
    def sends_application_cursor(self) -> bool:
        """Whether arrows are to be sent as in application cursor mode."""
        return _APPLICATION_CURSOR in self._screen.mode

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row of the guest's cursor."""
        return self._screen.cursor.x, self._screen.cursor.y

    def feed(self, data: bytes) -> set[int]:
        """Take bytes and return the rows they changed."""
        before = self._screen.cursor.y
        for start in range(0, len(data), SLICE_BYTES):
            self._stream.feed(data[start : start + SLICE_BYTES])
        changed = {*self._screen.dirty, before, self._screen.cursor.y}
        self._screen.dirty.clear()
        return changed

    def resize(self, columns: int, rows: int) -> None:
        """Change its size."""
        self._screen.resize(rows, columns)

    def line(self, row: int, base: Style, *, colour: bool, ascii_only: bool) -> list[Segment]:
        """Return one row, each character inert and as wide as pyte thinks."""
        segments: list[Segment] = []
        buffered = self._screen.buffer[row]
        for column in range(self._screen.columns):
            character = buffered[column]
            if character.data == "":
                continue  # The second half of a wide one.
            at_cursor = (column, row) == self.cursor and not self._screen.cursor.hidden
            style = _style(base, character, colour, at_cursor)
            text = inert(character.data)
            segments.append(Segment(text if text.isascii() or not ascii_only else "?" * width_of(text), style))
        return segments


@lru_cache(maxsize=8192)
def inert(data: str) -> SafeText:
    """Return what is shown of one cell: the character itself, or a dot where it would not stay one."""
    if data.isascii() and data.isprintable():
        return SafeText(data)
    if any(unicodedata.category(character)[0] in "CZ" for character in data):
        return SafeText("·" if data.strip() else " ")
    shown = settle(SafeText(data))
    return shown if width_of(shown) in {1, 2} else SafeText("·")


def _style(base: Style, character: Any, colour: bool, at_cursor: bool) -> Style:  # noqa: ANN401 - pyte's Char
    return _made(
        base,
        _colour(character.fg) if colour else None,
        _colour(character.bg) if colour else None,
        character.bold,
        character.italics,
        character.underscore,
        character.reverse is not at_cursor,
    )


@lru_cache(maxsize=4096)
def _made(
    base: Style, front: str | None, back: str | None, bold: bool, italic: bool, underline: bool, reverse: bool
) -> Style:
    return base + Style(color=front, bgcolor=back, bold=bold, italic=italic, underline=underline, reverse=reverse)


def _colour(name: str) -> str | None:
    """Return pyte's colour as Rich's; anything that is none is the default."""
    if name.startswith("bright"):
        plain = _COLOURS.get(name.removeprefix("bright"))
        return f"bright_{plain}" if plain else None
    return _COLOURS.get(name) or (f"#{name}" if _HEX.fullmatch(name) else None)
