"""Foreign text made inert.

Names, descriptions and error texts come from machines we do not control. Textual and Rich write control
sequences they contain straight to the terminal, so nothing foreign is painted except as SafeText.
"""

import unicodedata
from typing import Final, Self

_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MAX_COMBINING: Final = 2
"""Combining marks kept on one base character: more of them climb into neighbouring lines."""


class SafeText(str):
    """Text a terminal cannot obey: printable characters of one line, everything else shown as \\u{hex}.

    Constructing one sanitises; there is no way to make one that is not safe. Its markup is never
    interpreted: widgets build Rich `Text` or Textual `Content` from it, never from markup.
    """

    __slots__ = ()

    def __new__(cls, raw: object = "") -> Self:
        if isinstance(raw, cls):
            return raw
        return super().__new__(cls, _inert(str(raw)))

    @classmethod
    def clip(cls, raw: object, characters: int) -> Self:
        """Make it safe and cut it to `characters`, the last one an ellipsis when something was lost."""
        # Cut before escaping: 5,000 hostile characters must not cost 30,000 each frame.
        text = str(raw)
        safe = cls(text[: characters + 1])
        if len(safe) <= characters and len(text) <= characters:
            return safe
        return str.__new__(cls, str(safe)[: max(0, characters - 1)] + "…")


def _inert(raw: str) -> str:
    if raw.isascii() and raw.isprintable():
        return raw
    shown: list[str] = []
    combining = 0
    for character in raw:
        category = unicodedata.category(character)
        if category in _HIDDEN_CATEGORIES:
            combining = 0
            shown.append(f"\\u{{{ord(character):x}}}")
        elif category in {"Mn", "Me"}:
            combining += 1
            if combining <= _MAX_COMBINING and shown:
                shown.append(character)
        else:
            combining = 0
            shown.append(" " if category == "Zs" else character)
    return "".join(shown)
