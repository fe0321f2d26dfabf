"""The filter line: what an operator types to see fewer rows.

Words must all be found, anywhere in the row but in its UUID: "db-" stands in every eighth of them and means nothing
there, so a UUID is found by its first eight characters, or by `uuid:`. `host:lab1` looks at one field only, by any
unambiguous beginning of its name (`h:lab1`), `host:=lab1` wants exactly that; a leading `-` or `!` wants the opposite;
`~wb1` finds w, b and 1 in this order.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, NamedTuple

_LEAST_OF_UUID: Final = 8
"""What the confirmations show of a UUID."""
_BETWEEN_FIELDS: Final = "\x1f"
"""Separates the fields of a searched text. Words are parted by blanks, of which this is one: no word holds it."""
_UUID: Final = "uuid"


class Searched(NamedTuple):
    """The texts of one row in lower case, made once per row and not once per letter that is typed."""

    names: tuple[str, ...]
    """Of the fields in `text`."""
    text: str
    """All fields but the UUID."""
    uuid: str | None
    """None where rows have none."""

    def field(self, name: str) -> str:
        """Return the text of one field."""
        if name == _UUID:
            return self.uuid or ""
        return self.text.split(_BETWEEN_FIELDS)[self.names.index(name)]

    @property
    def known(self) -> tuple[str, ...]:
        """The names of all its fields."""
        return self.names if self.uuid is None else (*self.names, _UUID)


_FIELD_NAMES: Final[dict[tuple[str, ...], tuple[str, ...]]] = {}
"""For the names of all fields those without the UUID, each tuple once: all rows of a table have the same."""


def searched(fields: Mapping[str, str]) -> Searched:
    """Return what a filter looks at of a row with these fields."""
    given = tuple(fields)
    names = _FIELD_NAMES.get(given)
    if names is None:
        names = _FIELD_NAMES[given] = tuple(name for name in given if name != _UUID)
    values = [fields[name] for name in names]
    text = _BETWEEN_FIELDS.join(values).casefold()
    if text.count(_BETWEEN_FIELDS) >= len(names) > 0:
        text = _BETWEEN_FIELDS.join(value.casefold().replace(_BETWEEN_FIELDS, " ") for value in values)
    uuid = fields.get(_UUID)
    return Searched(names, text, None if uuid is None else uuid.casefold())


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a filter."""

    text: str
    field: str = ""
    negated: bool = False
    fuzzy: bool = False

    def holds(self, row: Searched) -> bool:
        """Tell whether a row is wanted by this word."""
        if self.field:
            names = [name for name in row.known if name.startswith(self.field)]
            if names:
                found = any(self._found(row.field(name), exact=name == "state") for name in names)
                return found is not self.negated
        word = self if not self.field else Term(f"{self.field}:{self.text}")
        return word._found_anywhere(row) is not self.negated

    def keep(self, rows: Sequence[Searched], positions: Iterable[int]) -> list[int]:
        """Return those of `positions` whose rows are wanted by this word."""
        if self.field or self.fuzzy or self.negated:
            return [position for position in positions if self.holds(rows[position])]
        text = self.text
        if len(text) < _LEAST_OF_UUID:
            return [position for position in positions if text in rows[position][1]]
        return [position for position in positions if self._found_anywhere(rows[position])]

    def narrows(self, other: "Term") -> bool:
        """Tell whether it can only want rows that `other` wants."""
        if self == other:
            return True
        same_kind = (self.field, self.negated, self.fuzzy) == (other.field, False, other.fuzzy)
        # With its eighth character a word is also looked for in the UUID.
        reaches_uuid = _length_as_word(other) < _LEAST_OF_UUID <= _length_as_word(self)
        is_exact = bool(other.field) and other.text.startswith("=")
        return same_kind and not is_exact and not reaches_uuid and self.text.startswith(other.text)

    def _found_anywhere(self, row: Searched) -> bool:
        if row.uuid is not None and len(self.text) >= _LEAST_OF_UUID and row.uuid.startswith(self.text):
            return True
        if self.fuzzy:
            return any(self._found(value) for value in row.text.split(_BETWEEN_FIELDS))
        return self.text in row.text

    def _found(self, value: str, *, exact: bool = False) -> bool:
        if self.fuzzy:
            rest = iter(value)
            return all(character in rest for character in self.text)
        if self.field and self.text.startswith("="):
            return value == self.text[1:]
        # "state:running" must not find a host that "is not running".
        return value.startswith(self.text) if exact else self.text in value


def _length_as_word(term: Term) -> int:
    """Return how long it is where its field is none, and both are looked for as one word."""
    return len(term.text) + (len(term.field) + 1 if term.field else 0)


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

    def holds(self, row: Searched) -> bool:
        """Tell whether a row is wanted."""
        return all(term.holds(row) for term in self.terms)

    def keep(self, rows: Sequence[Searched], positions: Iterable[int]) -> list[int]:
        """Return those of `positions` whose rows are wanted."""
        kept = list(positions)
        for term in self.terms:
            kept = term.keep(rows, kept)
        return kept

    def narrows(self, other: "Filter") -> bool:
        """Tell whether it can only want rows that `other` wants: its result is then found within the other's."""
        if len(self.terms) < len(other.terms):
            return False
        return all(mine.narrows(its) for mine, its in zip(self.terms, other.terms, strict=False))


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
