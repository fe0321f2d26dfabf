"""On which line of fleet.toml a setting is, for messages. The TOML reader knows values, not their lines."""

import re
from collections.abc import Sequence

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"\s*([\w-]+|\"[^\"]*\"|'[^']*')\s*[.=]")


def line_of(text: str, location: Sequence[str | int]) -> int | None:
    """Return the line of a setting, or of the entry it should be in; None when it is not found.

    `location` is a path such as ("host", 2, "site"): keys, and indexes from 0. A guess by the look of lines: text
    inside a multi-line string that looks like a header can mislead it, and only the message suffers.
    """
    section, index, key = _target(location)
    seen: dict[str, int] = {}
    entry: int | None = None
    inside = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        if header is not None:
            name, _, below = header[2].partition(".")
            if not below:
                seen[name] = seen.get(name, -1) + 1
            inside = name, seen.get(name, 0)
            if inside == (section, index) and (entry is None or below == key):
                entry = number
        elif _names(line, key if inside == (section, index) else section if not inside[0] else None):
            return number
    return entry


def _target(location: Sequence[str | int]) -> tuple[str, int, str | None]:
    index = next((part for part in location if isinstance(part, int)), 0)
    names = [part for part in location if isinstance(part, str)]
    return names[0] if names else "", index, names[1] if len(names) > 1 else None


def _names(line: str, key: str | None) -> bool:
    found = _KEY.match(line)
    return found is not None and key is not None and found[1].strip("\"'") == key
