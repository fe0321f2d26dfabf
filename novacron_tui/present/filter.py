"""The filter line: what an operator types to see fewer rows.

Words must all be found, anywhere in the row but in its UUID: "db-" stands in every eighth of them and means nothing
there, so a UUID is found by its first eight characters, or by `uuid:`. `host:lab1` looks at one field only, by any
unambiguous beginning of its name (`h:lab1`), `host:=lab1` wants exactly that; a leading `-` or `!` wants the opposite;
`~wb1` finds w, b and 1 in this order.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

_LEAST_OF_UUID: Final = 8
"""What the confirmations show of a UUID."""


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a filter."""

    text: str
    field: str = ""
    negated: bool = False
    fuzzy: bool = False

    def holds(self, fields: Mapping[str, str]) -> bool:
        """Tell whether a row with these fields is wanted by this word."""
        if self.field:
            names = [name for name in fields if name.startswith(self.field)]
            if names:
                found = any(self._found(fields[name].casefold(), exact=name == "state") for name in names)
                return found is not self.negated
        word = self if not self.field else Term(f"{self.field}:{self.text}")
        return any(word._found_in(name, value.casefold()) for name, value in fields.items()) is not self.negated

    def _found_in(self, name: str, value: str) -> bool:
        if name == "uuid":
            return len(self.text) >= _LEAST_OF_UUID and value.startswith(self.text)
        return self._found(value)

    def _found(self, value: str, *, exact: bool = False) -> bool:
        if self.fuzzy:
            rest = iter(value)
            return all(character in rest for character in self.text)
        if self.field and self.text.startswith("="):
            return value == self.text[1:]
        # "state:running" must not find a host that "is not running".
        return value.startswith(self.text) if exact else self.text in value


@dataclass(frozen=True, slots=True)
class Filter:
    """All words of a filter; with none, every row is wanted."""

    terms: tuple[Term, ...] = ()

    def unknown_field(self, known: Collection[str]) -> tuple[str, str] | None:
        """Return the first field that is none, and the nearest that is one, empty if none is near; None if all are."""
        for field in (term.field for term in self.terms if term.field):
            if not any(name.startswith(field) for name in known):
                near = get_close_matches(field, known, n=1)
                return field, near[0] if near else ""
        return None

    def holds(self, fields: Mapping[str, str]) -> bool:
        """Tell whether a row with these fields is wanted."""
        return all(term.holds(fields) for term in self.terms)


def parse_filter(text: str) -> Filter:
    """Read what was typed; anything can be typed, so nothing is an error."""
    return Filter(tuple(term for word in text.casefold().split() if (term := _parse(word)) is not None))


def _parse(word: str) -> Term | None:
    negated = word[0] in "-!" and len(word) > 1
    body = word[1:] if negated else word
    fuzzy = body.startswith("~")
    body = body[1:] if fuzzy else body
    field, colon, text = body.partition(":")
    if colon and field and text:
        return Term(text, field=field, negated=negated, fuzzy=fuzzy)
    if colon and field:
        return None  # "host:" while it is still being typed
    return Term(body, negated=negated, fuzzy=fuzzy) if body else None
