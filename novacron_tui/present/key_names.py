"""How a key is called on screen."""

from typing import Final

_NAMES: Final = {
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "shift+tab": "S-tab",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
}


def key_name(key: str) -> str:
    """Return the short name of a key that Textual calls `key`: "esc", "^c", "↓"."""
    return _NAMES.get(key, key.replace("ctrl+", "^"))
