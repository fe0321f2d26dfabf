"""The shapes: every state has its own, so that colour is never the only sign."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """One set of shapes, each one cell wide."""

    running: str = "●"
    paused: str = "‖"
    off: str = "○"
    crashed: str = "✖"
    unknown: str = "?"
    migrating: str = "⇄"
    busy: str = "◐"
    suspended: str = "◌"
    done: str = "✔"
    failed: str = "✖"
    attention: str = "!"
    ascending: str = "▲"
    descending: str = "▼"
    marked: str = "▌"
    bar_full: str = "█"
    bar_empty: str = "░"
    separator: str = "│"
    rule: str = "─"
    thumb: str = "┃"
    choice: str = "▸"
    pending: str = "→"
    """Between a value of now and the one that comes at the next start."""
    spark: str = "▁▂▃▄▅▆▇█"
    """From little to all, for small plots."""
    is_ascii: bool = False


UNICODE: Final = Glyphs()
ASCII: Final = Glyphs(
    running="*",
    paused="=",
    off="o",
    crashed="X",
    migrating=">",
    busy="~",
    suspended="z",
    done="+",
    failed="X",
    ascending="^",
    descending="v",
    marked="*",
    bar_full="#",
    bar_empty=".",
    separator="|",
    rule="-",
    thumb="|",
    choice=">",
    pending=">",
    spark="_.-=+*#@",
    is_ascii=True,
)
"""For terminals and locales that cannot draw the others."""


def glyphs_for(environment: dict[str, str]) -> Glyphs:
    """Choose by the environment: NOVACRON_ASCII decides, else the terminal's kind and the locale.

    Python itself sets LC_CTYPE to C.UTF-8 when the locale says nothing (PEP 538), which proves nothing about
    the terminal.
    """
    wish = environment.get("NOVACRON_ASCII", "")
    if wish:
        return UNICODE if wish == "0" else ASCII
    if environment.get("TERM", "") in {"dumb", "linux", "vt100", "vt102", "vt220"}:
        return ASCII
    language = environment.get("LANG", "")
    coerced = environment.get("LC_CTYPE") == "C.UTF-8" and language in {"", "C", "POSIX"}
    spoken = environment.get("LC_ALL") or ("" if coerced else environment.get("LC_CTYPE")) or language
    return UNICODE if "utf" in spoken.lower() else ASCII
