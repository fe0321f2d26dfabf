"""The control strings of a terminal's byte stream, and where they end. One rule for every place that shows a guest.

OSC, DCS, APC, PM and SOS command a terminal: its title, its clipboard, its keys. No guest may, so that what is in them
is passed over. What else a guest may do is decided by who shows it.
"""

import re
from enum import Enum, auto
from typing import Final

LONGEST_STRING: Final = 4096
"""Bytes after which a string that has not ended is taken for none: what follows is shown again."""
_STARTS: Final = b"]P^_X"
_ESC: Final = 0x1B
_END: Final = re.compile(rb"[\x07\x18\x1a\x1b]")
"""BEL ends a string, and so do CAN and SUB; ESC does when it begins another sequence, of which ST is one."""


class _At(Enum):
    TEXT = auto()
    ESCAPE = auto()
    STRING = auto()
    STRING_ESCAPE = auto()


class ControlStrings:
    """Takes a stream in pieces and cuts the control strings out of it."""

    def __init__(self) -> None:
        self._at = _At.TEXT
        self._room = 0

    def cut(self, data: bytes) -> list[bytes]:
        """Return what is outside of strings: one part, and one more for each string that began in `data`.

        A string ends the sequence it begins in, so that the part after it must not be read as that one's rest. An ESC
        at the end is kept back until it is known what it begins.
        """
        parts = [bytearray()]
        start = 0
        while start < len(data):
            if self._at is _At.TEXT:
                start = self._pass_text(data, start, parts[-1])
            elif self._at is _At.STRING:
                start = self._skip_string(data, start)
            else:
                self._take_after_escape(data[start], parts)
                start += 1
        return [bytes(part) for part in parts]

    def _pass_text(self, data: bytes, start: int, part: bytearray) -> int:
        escape = data.find(_ESC, start)
        if escape < 0:
            part += data[start:]
            return len(data)
        part += data[start:escape]
        self._at = _At.ESCAPE
        return escape + 1

    def _skip_string(self, data: bytes, start: int) -> int:
        limit = start + self._room
        end = _END.search(data, start, limit)
        if end is not None:
            self._at = _At.STRING_ESCAPE if data[end.start()] == _ESC else _At.TEXT
            return end.end()
        skipped = min(len(data), limit)
        self._room -= skipped - start
        if not self._room:
            self._at = _At.TEXT
        return skipped

    def _take_after_escape(self, byte: int, parts: list[bytearray]) -> None:
        is_terminator = self._at is _At.STRING_ESCAPE and byte == ord("\\")
        if byte == _ESC:
            self._at = _At.ESCAPE
        elif byte in _STARTS:
            self._at, self._room = _At.STRING, LONGEST_STRING
            parts.append(bytearray())
        else:
            self._at = _At.TEXT
            if not is_terminator:
                parts[-1] += bytes([_ESC, byte])
