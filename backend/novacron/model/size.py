"""Sizes as people type them: 512, 512M, 2G, 20GiB. One reading of them for the console's forms and the command line."""

import re
from fractions import Fraction
from typing import Final

from novacron.model.errors import UsageError

MOST_MIB: Final = 1024**4
"""An exbibyte: more than this is a slip of the hand."""
_IN_MIB: Final = {
    "k": Fraction(1, 1024),
    "m": Fraction(1),
    "g": Fraction(1024),
    "t": Fraction(1024**2),
    "p": Fraction(1024**3),
}
_SIZE: Final = re.compile(r"(?P<number>[0-9]{1,15}(?:\.[0-9]{1,9})?)\s*(?P<unit>[a-z]*)", re.ASCII | re.IGNORECASE)
_BINARY: Final = re.compile(r"(?P<prefix>[kmgtp])(?:ib)?", re.IGNORECASE)
_REMEDY: Final = "type it as 512M, 2G, 20GiB or 1T; a plain number is MiB"


def parse_size_mib(text: str) -> int:
    """Return the size in MiB; a number without a unit is MiB. Powers of 1024: G and GiB are the same.

    Raises:
        UsageError: it is no size, it is no whole number of MiB, or it is larger than anything.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"size {text.strip()[:40]!r}", "this is no size", _REMEDY)
    size = Fraction(found["number"]) * _mib_of(found["unit"], text)
    if size.denominator != 1:
        near = " or ".join(f"{mib}M" for mib in (int(size), int(size) + 1) if mib)
        raise UsageError(f"size {text.strip()!r}", "this is no whole number of MiB", f"type {near}")
    if size > MOST_MIB:
        raise UsageError(f"size {text.strip()!r}", "no machine is that large", _REMEDY)
    return int(size)


def size_text(mib: int) -> str:
    """Return how a size is typed, exactly and as short as that goes: 2G, 1536M."""
    for unit in "tg":
        if mib and mib % int(_IN_MIB[unit]) == 0:
            return f"{mib // int(_IN_MIB[unit])}{unit.upper()}"
    return f"{mib}M"


def _mib_of(unit: str, text: str) -> Fraction:
    if not unit:
        return Fraction(1)
    found = _BINARY.fullmatch(unit)
    if found is not None:
        return _IN_MIB[found["prefix"].casefold()]
    if re.fullmatch(r"[kmgtp]b", unit, re.IGNORECASE):
        binary = f"{unit[0].upper()}iB"
        detail = f"{unit} is a thousand of the next smaller one to some and 1024 to others"
        raise UsageError(f"size {text.strip()!r}", detail, f"type {binary}, which is 1024 of the next smaller one")
    raise UsageError(f"size {text.strip()[:40]!r}", f"{unit[:20]!r} is no unit of size", _REMEDY)
