"""The widget around a guest's screen: paints it, and turns keys into what a serial line carries."""

from collections.abc import Callable
from typing import Final

from textual import events
from textual.geometry import Region
from textual.strip import Strip

from novacron_tui.widgets.guest_screen import GuestScreen
from novacron_tui.widgets.painted import Painted

DETACH: Final = "ctrl+right_square_bracket"
"""ctrl+], as virsh console has it."""
_KEYS: Final = {
    "enter": b"\r",
    "tab": b"\t",
    "escape": b"\x1b",
    "backspace": b"\x7f",
    "shift+tab": b"\x1b[Z",
    "insert": b"\x1b[2~",
    "delete": b"\x1b[3~",
    "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "f1": b"\x1bOP",
    "f2": b"\x1bOQ",
    "f3": b"\x1bOR",
    "f4": b"\x1bOS",
    "f5": b"\x1b[15~",
    "f6": b"\x1b[17~",
    "f7": b"\x1b[18~",
    "f8": b"\x1b[19~",
    "f9": b"\x1b[20~",
    "f10": b"\x1b[21~",
    "f11": b"\x1b[23~",
    "f12": b"\x1b[24~",
    "ctrl+@": b"\x00",
    "ctrl+space": b"\x00",
    "ctrl+backslash": b"\x1c",
    "ctrl+circumflex_accent": b"\x1e",
    "ctrl+underscore": b"\x1f",
}
_ARROWS: Final = {"up": b"A", "down": b"B", "right": b"C", "left": b"D"}


class SerialTerminal(Painted):
    """Shows a guest's screen."""

    DEFAULT_CSS = "SerialTerminal { width: 1fr; height: 1fr; }"

    def __init__(self, answer: Callable[[bytes], None]) -> None:
        super().__init__(id="terminal")
        self._guest = GuestScreen(80, 24, answer)

    def feed(self, data: bytes) -> None:
        """Take bytes of the guest and paint the rows they change."""
        for row in self._guest.feed(data):
            if row < self.size.height:
                self.refresh(Region(0, row, self.size.width, 1))

    def sent_for(self, key: str, character: str | None) -> bytes:
        """Return what a key press is on the line; nothing for keys that have no meaning there."""
        if key in _ARROWS:
            return (b"\x1bO" if self._guest.sends_application_cursor else b"\x1b[") + _ARROWS[key]
        if key in _KEYS:
            return _KEYS[key]
        if key.startswith("ctrl+") and len(key) == 6 and key[5].isalpha():
            return bytes((ord(key[5].lower()) & 0x1F,))
        if key.startswith("alt+") and len(key) == 5:
            return b"\x1b" + key[4].encode()
        return character.encode("utf-8", "replace") if character and character.isprintable() else b""

    def on_resize(self, event: events.Resize) -> None:
        """Give the guest's screen the size there is; its own tty has to be told by hand (stty)."""
        if event.size.width and event.size.height:
            self._guest.resize(event.size.width, event.size.height)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Paint one row."""
        painter = self.painter
        palette = painter.palette
        segments = self._guest.line(y, painter.blank(), colour=palette.has_colour, ascii_only=self.glyphs.is_ascii)
        return Strip(segments).adjust_cell_length(self.size.width, painter.blank())
