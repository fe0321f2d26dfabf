"""What of a guest's serial output may reach the operator's own terminal, and what has to be set right after it.

A guest is foreign: it may draw, but not set the clipboard or the title, print, turn the mouse or other keyboard
protocols on, nor make the terminal answer as if the operator had typed. Terminals differ in what they obey, so what
passes is named here and everything else does not: text, cursor moves, colours, erasing, and the few modes that
full-screen programs need.
"""

import re
from enum import Enum, auto
from typing import Final

from novacron.model.control_strings import ControlStrings

_DRAWING: Final = re.compile(
    rb"\x1b\[(?:[0-9;:]*[@A-HJ-MPSTXZ`abdefgmrsu]"  # moves, erasing, inserting, deleting, scrolling, colours
    rb"|\?[0-3]?[JK]|[0-9;]*[hl]|\?[0-9;]*[hl])"
)
_MODES: Final = {b"4": False, b"20": False, b"?1": False, b"?6": False, b"?7": True, b"?25": True, b"?1049": False}
"""Modes a guest may set -> how the terminal is left; "?" are DEC's own."""
_ESC, _CAN, _SUB = 0x1B, 0x18, 0x1A
_LONGEST_CSI: Final = 64


class _Mode(Enum):
    TEXT = auto()
    ESCAPE = auto()
    DESIGNATION = auto()
    """ESC with an intermediate byte: a character set is chosen. Neither it nor its last byte is text."""
    CSI = auto()


class SerialFilter:
    """Takes the guest's bytes in pieces and returns those that may be shown."""

    def __init__(self) -> None:
        self._strings = ControlStrings()
        self._mode = _Mode.TEXT
        self._held = bytearray()
        self._character = bytearray()
        """The bytes of a UTF-8 character that has not ended."""
        self._missing = 0
        self._changed: set[bytes] = set()
        self._has_drawn = False

    def feed(self, data: bytes) -> bytes:
        """Return what of `data`, and of a sequence held back before, may be shown now."""
        shown = bytearray()
        for number, part in enumerate(self._strings.cut(data)):
            if number:
                self._drop_sequence()
            for byte in part:
                shown += self._next(byte)
        return bytes(shown)

    def parting(self) -> bytes:
        """Return what gives a terminal back as it was: what the guest set and did not take back."""
        undone = bytearray()
        for mode in sorted(self._changed):
            undone += b"\x1b[%b%b" % (mode, b"h" if _MODES[mode] else b"l")
        # Colours, margins, keypad: known by no mode, and no harm where nothing was changed. DECSTBM moves the cursor.
        return bytes(undone) + (b"\x1b7\x1b[r\x1b8\x1b[m\x1b>" if self._has_drawn else b"")

    def _next(self, byte: int) -> bytes:
        if byte in (_CAN, _SUB):
            self._drop_sequence()
            return b""
        return {
            _Mode.TEXT: self._text,
            _Mode.ESCAPE: self._escape,
            _Mode.DESIGNATION: self._designation,
            _Mode.CSI: self._csi,
        }[self._mode](byte)

    def _drop_sequence(self) -> None:
        self._mode, self._held, self._missing = _Mode.TEXT, bytearray(), 0

    def _text(self, byte: int) -> bytes:
        if self._missing:
            if 0x80 <= byte < 0xC0:
                return self._continue_character(byte)
            self._missing = 0
        if byte == _ESC:
            self._mode, self._held = _Mode.ESCAPE, bytearray([byte])
            return b""
        if byte >= 0xC0:
            self._character, self._missing = bytearray([byte]), 1 + (byte >= 0xE0) + (byte >= 0xF0)
            return b""
        # A lone byte from 0x80 on is no character, and from 0x80 to 0x9f a C1 control to a terminal of eight bits.
        if byte >= 0x7F or (byte < 0x20 and byte not in b"\a\b\t\n\r"):
            return b""
        return bytes([byte])

    def _continue_character(self, byte: int) -> bytes:
        self._character.append(byte)
        self._missing -= 1
        if self._missing:
            return b""
        try:
            character = self._character.decode()
        except UnicodeDecodeError:
            return b""
        return b"" if "\x80" <= character <= "\x9f" else bytes(self._character)

    def _escape(self, byte: int) -> bytes:
        if byte == ord("["):
            self._held.append(byte)
            self._mode = _Mode.CSI
        elif 0x20 <= byte < 0x30:
            self._mode = _Mode.DESIGNATION
        elif byte != _ESC:
            self._mode = _Mode.TEXT
            # ESC 7, 8, M, D, E, = and > draw; everything else selects character sets or resets.
            if byte in b"78MDE=>":
                self._has_drawn = True
                return bytes([_ESC, byte])
        return b""

    def _designation(self, byte: int) -> bytes:
        if byte == _ESC:
            self._mode, self._held = _Mode.ESCAPE, bytearray([byte])
        elif byte >= 0x30:
            self._mode = _Mode.TEXT
        return b""

    def _csi(self, byte: int) -> bytes:
        if byte == _ESC:
            self._mode, self._held = _Mode.ESCAPE, bytearray([byte])
            return b""
        # Terminals obey controls in the middle of a sequence as anywhere else: none goes along.
        if byte < 0x20:
            return b""
        self._held.append(byte)
        if byte < 0x40 and len(self._held) <= _LONGEST_CSI:
            return b""
        self._mode = _Mode.TEXT
        return self._drawing(bytes(self._held))

    def _drawing(self, sequence: bytes) -> bytes:
        if not _DRAWING.fullmatch(sequence):
            return b""
        self._has_drawn = True
        if sequence[-1:] not in (b"h", b"l"):
            return sequence
        private, switch = sequence[2:3] == b"?", sequence[-1:]
        named = [b"?" * private + number for number in sequence[2 + private : -1].split(b";")]
        allowed = [mode for mode in named if mode in _MODES]
        for mode in allowed:
            (self._changed.discard if (switch == b"h") is _MODES[mode] else self._changed.add)(mode)
        return b"".join(b"\x1b[%b%b" % (mode, switch) for mode in allowed)
