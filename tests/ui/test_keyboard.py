"""What the terminal sends, and the keys it is taken for."""

import pytest
from textual import events

from novacron_tui.terminal.keyboard import KeyParser

_ESCAPE = "escape"


def _keys(*reads: str) -> list[str]:
    parser = KeyParser()
    heard = [message for data in reads for message in parser.feed(data)]
    return [message.key for message in (*heard, *parser.feed("")) if isinstance(message, events.Key)]


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        ("\x1b\r", [_ESCAPE, "enter"]),
        ("\x1bs", [_ESCAPE, "s"]),
        ("\x1b:", [_ESCAPE, "colon"]),
        ("\x1b/web", [_ESCAPE, "slash", "w", "e", "b"]),
        ("\x1b\x1bq", [_ESCAPE, _ESCAPE, "q"]),
        ("\x1b ", [_ESCAPE, "space"]),
        ("\x1b\x7f", [_ESCAPE, "backspace"]),
        ("\x1bä", [_ESCAPE, "ä"]),
        ("j\x1b[Bk", ["j", "down", "k"]),
        ("\x1b[Z", ["shift+tab"]),
        ("\x1bOP", ["f1"]),
        ("\x1b[115;3u", ["alt+s"]),
        ("\x1b[27u", [_ESCAPE]),
    ],
)
def test_escape_and_what_follows_are_two_keys_and_a_sequence_is_one(sent: str, keys: list[str]) -> None:
    assert _keys(sent) == keys


def test_an_escape_whose_next_key_comes_a_read_later_is_not_lost() -> None:
    assert _keys("d\x1b", "s") == ["d", _ESCAPE, "s"]
