"""Forms: fields, what may be chosen in them, and the intents they become. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from novacron.model.errors import UsageError
from novacron.model.operations.intent import Intent
from novacron.model.size import parse_size_mib, size_text

NO_VCPUS: Final = "vCPUs are a whole number of at least 1"
SIZE_HINT: Final = "512M, 2G, 1.5GiB"

Values = Mapping[str, str]
"""What stands in each field; "yes" and "no" in a toggle."""


class FieldKind(StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    NUMBER = "number"
    SIZE = "size"
    """As in novacron.model.size; a plain number is MiB."""
    CHOICE = "choice"
    TOGGLE = "toggle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing that can be chosen."""

    value: str
    label: str = ""
    """Foreign text; empty: the value itself."""
    note: str = ""
    refusal: str = ""
    """Why it cannot be, as far as the screen can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field."""

    id: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    value: str = ""
    """At first."""
    options: tuple[Option, ...] = ()
    unit: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Fields that may depend on each other's values, and what they mean together."""

    title: str
    fields: Callable[[Values], tuple[Field, ...]]
    """Asked again after every change: another host has other pools."""
    intents: Callable[[Values], tuple[Intent, ...] | str]
    """The intents, or what is still missing."""
    judged: str = ""
    """The choice field whose options are judged by previews, one for each option."""


def number(values: Values, field: str, *, least: int = 0) -> int | None:
    """Return a field's whole number, or None when there is none of at least `least`."""
    text = values.get(field, "").strip()
    if not text.isascii() or not text.isdigit():
        return None
    value = int(text[:12])
    return value if value >= least else None


def size_mib(values: Values, field: str, *, least: int = 0) -> int | str:
    """Return a field's size in MiB, or what is wrong with it."""
    try:
        size = parse_size_mib(values.get(field, ""))
    except UsageError as error:
        return str(error)
    return size if size >= least else f"the smallest size here is {size_text(least)}"


def toggled(values: Values, field: str) -> bool:
    """Return whether a toggle is on."""
    return values.get(field) == "yes"
