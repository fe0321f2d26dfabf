"""What of a guest's serial output may reach the operator's own terminal.

A guest is foreign: it may draw, but not set the clipboard or the title, nor make the terminal answer as if
the operator had typed. Cursor moves, colours and erasing pass; strings (OSC, DCS, APC, PM, SOS), reports,
window operations and C1 controls do not.
"""

from enum import Enum, auto
from typing import Final

_STRING_STARTS: Final = b"]P^_X"
_REFUSED_FINALS: Final = b"ctnqx"
"""CSI finals that make the terminal answer, or resize and raise windows."""
_ESC, _BEL, _CAN, _SUB = 0x1B, 0x07, 0x18, 0x1A
_LATIN_LEAD: Final = 0xC2
_LONGEST_CSI: Final = 64


class _Mode(Enum):
    TEXT = auto()
    ESCAPE = auto()
    CSI = auto()
    STRING = auto()
    STRING_ESCAPE = auto()
    LATIN = auto()
    """After 0xC2, the UTF-8 lead byte of U+0080 to U+00BF: the C1 controls are among them."""


class SerialFilter:
    """Takes the guest's bytes in pieces and returns those that may be shown."""

    def __init__(self) -> None:
        self._mode = _Mode.TEXT
        self._held = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Return what of `data`, and of a sequence held back before, may be shown now."""
        shown = bytearray()
        for byte in data:
            shown += self._next(byte)
        return bytes(shown)

    def _next(self, byte: int) -> bytes:
        if byte in (_CAN, _SUB):
            self._mode, self._held = _Mode.TEXT, bytearray()
            return b""
        return {
            _Mode.TEXT: self._text,
            _Mode.ESCAPE: self._escape,
            _Mode.CSI: self._csi,
            _Mode.STRING: self._string,
            _Mode.STRING_ESCAPE: self._string_escape,
            _Mode.LATIN: self._latin,
        }[self._mode](byte)

    def _text(self, byte: int) -> bytes:
        if byte == _ESC:
            self._mode, self._held = _Mode.ESCAPE, bytearray([byte])
            return b""
        if byte == _LATIN_LEAD:
            self._mode = _Mode.LATIN
            return b""
        if byte < 0x20 and byte not in b"\a\b\t\n\r":
            return b""
        return bytes([byte])

    def _latin(self, byte: int) -> bytes:
        self._mode = _Mode.TEXT
        if 0x80 <= byte <= 0x9F:
            return b""
        return bytes([_LATIN_LEAD]) + self._text(byte)

    def _escape(self, byte: int) -> bytes:
        if byte in _STRING_STARTS:
            self._mode = _Mode.STRING
        elif byte == ord("["):
            self._held.append(byte)
            self._mode = _Mode.CSI
        elif byte == _ESC:
            return b""
        else:
            self._mode = _Mode.TEXT
            # ESC 7, 8, M, D, E, = and > draw; everything else selects character sets or resets.
            return bytes([_ESC, byte]) if byte in b"78MDE=>" else b""
        return b""

    def _csi(self, byte: int) -> bytes:
        self._held.append(byte)
        if byte == _ESC or len(self._held) > _LONGEST_CSI:
            self._mode = _Mode.ESCAPE if byte == _ESC else _Mode.TEXT
            self._held = bytearray([_ESC])
            return b""
        if not 0x40 <= byte <= 0x7E:
            return b""
        self._mode = _Mode.TEXT
        return b"" if byte in _REFUSED_FINALS else bytes(self._held)

    def _string(self, byte: int) -> bytes:
        if byte == _BEL:
            self._mode = _Mode.TEXT
        elif byte == _ESC:
            self._mode = _Mode.STRING_ESCAPE
        return b""

    def _string_escape(self, byte: int) -> bytes:
        self._mode = _Mode.TEXT if byte == ord("\\") else _Mode.STRING
        return b""
