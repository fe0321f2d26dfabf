"""The palette: every command that has a key here, found by typing; and the danger menu, which is part of it."""

from collections.abc import Sequence

from textual import events

from novacron_tui import keys
from novacron_tui.commands.command import Context
from novacron_tui.commands.registry import COMMANDS
from novacron_tui.keys import Key, KeyScope
from novacron_tui.present.cells import Line
from novacron_tui.present.key_names import key_name
from novacron_tui.present.line_edit import LineEdit
from novacron_tui.present.palette_lines import Entry, find_entries, palette_lines
from novacron_tui.screens.box import BoxScreen


class PaletteScreen(BoxScreen[Key | None]):
    """Dismisses with the key whose meaning was chosen, or None."""

    def __init__(self, title: str, entries: Sequence[tuple[Entry, Key]], *, by_key: bool = False) -> None:
        super().__init__()
        self._heading = title
        self._keys = {entry.id: key for entry, key in entries}
        self._entries = [entry for entry, _ in entries]
        self._by_key = by_key
        self._typed = LineEdit()
        self._at = 0

    def lines(self, width: int) -> Sequence[Line]:
        """Show what is found."""
        found = find_entries(self._entries, self._typed.text)
        glyphs = self.desk.glyphs
        return palette_lines(self._heading, found, self._typed, self._at, width, glyphs, self.most_lines)

    def receive_paste(self, text: str) -> None:
        """Search for what is pasted."""
        self._search(self._typed.insert(text))

    async def pressed(self, event: events.Key) -> None:
        """Move, type, choose."""
        found = find_entries(self._entries, self._typed.text)
        if event.key == "escape":
            self.leave_with(None)
        elif event.key == "enter":
            if found and not found[self._at].reason:
                self.leave_with(self._keys[found[self._at].id])
        elif event.key in {"down", "ctrl+n", "tab", "up", "ctrl+p", "shift+tab"}:
            step = 1 if event.key in {"down", "ctrl+n", "tab"} else -1
            self._at = (self._at + step) % max(1, len(found))
            self.update()
        elif self._by_key and event.character and not self._typed.text and self._direct(event.character):
            return
        else:
            edited = self._typed.press(event.key, event.character)
            if edited is not None:
                self._search(edited)

    def _search(self, edited: LineEdit) -> None:
        self._typed = edited
        self._at = 0
        self.update()

    def _direct(self, character: str) -> bool:
        """In a menu the command's own key chooses it."""
        for entry in self._entries:
            if entry.key == character and not entry.reason:
                self.leave_with(self._keys[entry.id])
                return True
        return False


def palette_entries(scope: KeyScope, context: Context, *, danger: bool = False) -> list[tuple[Entry, Key]]:
    """Return what has a key in this scope, each with why it is not possible now; `danger`: only what can lose data."""
    found: dict[str, tuple[Entry, Key]] = {}
    for key in keys.keys_at(scope):
        command = COMMANDS.get(key.id)
        if key.id in found or key.group == "Move" or (danger and not (command and command.danger)):
            continue
        reason = command.enabled(context) if command else None
        title = command.title if command else key.label[:1].upper() + key.label[1:]
        name = key_name(key.keys[0])
        found[key.id] = (
            Entry(id=key.id, title=title, key=name, reason=reason or "", words=keys.ALIASES.get(key.id, "")),
            key,
        )
    return list(found.values())
