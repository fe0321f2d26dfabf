"""What may reach a terminal: our own control sequences and printable text, nothing else."""

import codecs
import re
import unicodedata

_ALLOWED = re.compile(
    r"\x1b\[\d+;\d+r\x1b\[\d+;1H\x1b\[\d+[LM]\x1b\[r"  # lines of the table moved within margins, which are given back
    r"|\x1b\[\d+;\d+H"  # cursor position
    r"|\x1b\[[\d;]*m"  # colours and weight
    r"|\x1b\[\?(1049|1000|1002|1003|1004|1006|1015|1016|2004|2026|2048|25|7|1007)[hl]"  # modes
    r"|\x1b\[\?(2026|2048)\$p"  # "do you know this mode?"
    r"|\x1b\[(>\d+|<|\?)?u"  # kitty's keyboard protocol, asked for and given back
    r"|\x1b\[\?1049[hl]|\x1b7|\x1b8"
    r"|\x1b\[6n|\x1b\[c|\x1b\[2J|\x1b\[H"
)


def foreign_parts(sent: bytes) -> list[str]:
    """Return what was sent besides allowed sequences and printable text."""
    # What was read so far may end in the middle of a character or of a sequence.
    text = _ALLOWED.sub("", codecs.getincrementaldecoder("utf-8")().decode(sent))
    text = re.sub(r"\x1b(\[[0-?]*)?\Z", "", text)
    bad = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    return [
        repr(text[max(0, at - 20) : at + 20])
        for at, c in enumerate(text)
        if c not in "\r\n" and unicodedata.category(c) in bad
    ]
