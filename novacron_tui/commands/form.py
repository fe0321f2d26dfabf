"""Forms: which fields they have, and the intents that the filled-in values become. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from novacron.model.errors import UsageError
from novacron.model.operations.intent import Intent
from novacron.model.size import parse_size_mib, size_text
from novacron_tui.present.form_fields import Field

NO_VCPUS: Final = "vCPUs are a whole number of at least 1"
SIZE_HINT: Final = "512M, 2G, 1.5GiB"

Values = Mapping[str, str]
"""The text in each field; "yes" and "no" in a toggle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Fields that may depend on each other's values, and what they mean together."""

    title: str
    fields: Callable[[Values], tuple[Field, ...]]
    """Asked again after every change: another host has other pools."""
    intents: Callable[[Values], tuple[Intent, ...] | str]
    """The intents, or what is still missing."""
    previewed_field: str = ""
    """The choice field of which each option is previewed."""


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
