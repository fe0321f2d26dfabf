"""The fields of a form, and what may be chosen in them."""

from dataclasses import dataclass
from enum import StrEnum


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
