"""A guest may draw on the operator's terminal, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.cli.serial_filter import SerialFilter


@pytest.mark.parametrize(
    "harmless",
    [b"login: ", b"\x1b[31mred\x1b[0m", b"\x1b[2J\x1b[H", b"a\r\nb\tc\b", "ü→©".encode(), b"\x1b7\x1b8"],
)
def test_drawing_passes(harmless):
    assert SerialFilter().feed(harmless) == harmless


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x1b]52;c;ZXZpbA==\x07",
        b"\x1b]0;title\x1b\\",
        b'\x1bP$q"p\x1b\\',
        b"\x1b_apc\x1b\\",
        b"\x1b[6n",
        b"\x1b[c",
        b"\x1b[>c",
        b"\x1b[18t",
        b"\x1bc",
        b"\x00\x05\x0e",
        "\x9b\x9d".encode(),
    ],
)
def test_commands_to_the_terminal_do_not_pass(hostile):
    assert SerialFilter().feed(b"a" + hostile + b"b") == b"ab"


@given(st.lists(st.binary(max_size=12)))
def test_cutting_the_stream_anywhere_changes_nothing(pieces):
    whole = SerialFilter().feed(b"".join(pieces))
    piecemeal = SerialFilter()
    assert b"".join(piecemeal.feed(piece) for piece in pieces) == whole


@given(st.binary(max_size=200))
def test_no_string_sequence_ever_passes(data):
    shown = SerialFilter().feed(data)
    for opening in (b"\x1b]", b"\x1bP", b"\x1b_", b"\x1b^", b"\x1bX"):
        assert opening not in shown


@pytest.mark.parametrize("start", [b"\x1b]0;", b"\x1bP", b"\x1b_", b"\x1b^", b"\x1bX"])
@pytest.mark.parametrize("end", [b"\x18", b"\x1a", b"\x1b[0m", b"x" * 5000])
def test_a_control_string_that_never_ends_does_not_hide_what_follows(start, end):
    shown = SerialFilter()
    shown.feed(start + b"title" + end)
    assert shown.feed(b"login: ").endswith(b"login: ")


def test_a_control_string_inside_a_sequence_ends_it():
    assert SerialFilter().feed(b"\x1b[3\x1b]0;x\x071mred") == b"1mred"
