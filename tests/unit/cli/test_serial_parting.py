"""A guest that knows how terminals parse gets no further than one that does not, and leaves nothing set behind."""

import re

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.cli.serial_filter import SerialFilter
from tests.sent_bytes import foreign_parts


@pytest.mark.parametrize(
    "answered",
    [
        b"\x1b[?25$p",
        b"\x1b[1$w",
        b"\x1b[1;1;1;1;1;1*y",
        b"\x1b[?u",
        b"\x1b[?4m",
        b"\x1b[?1;1;0S",
        b"\x1b['|",
        b"\x1b[&u",
    ],
)
def test_no_question_that_the_terminal_would_answer_passes(answered):
    assert SerialFilter().feed(b"a" + answered + b"b") == b"ab"


@pytest.mark.parametrize(
    "left_behind",
    [
        b"\x1b[?1000h",
        b"\x1b[?1003;1006h",
        b"\x1b[?1004h",
        b"\x1b[?2004h",
        b"\x1b[>1u",
        b"\x1b[>4;2m",
        b"\x1b[5i",
        b"\x1b[!p",
    ],
)
def test_neither_mouse_nor_keyboard_protocol_nor_printer_is_turned_on(left_behind):
    assert SerialFilter().feed(b"a" + left_behind + b"b") == b"ab"


@pytest.mark.parametrize(
    "smuggled",
    [
        b"\x1b[\xc2\x9d0;Atitle\x07",
        b"\x1b[\x9d0;Atitle\x07",
        b"\x9d0;title\x07",
        b"\xe0\x82\x9d0;title\x07",
        b"\x1b[\x05m",
    ],
)
def test_no_control_hides_in_a_sequence_or_in_bytes_that_are_no_text(smuggled):
    shown = SerialFilter().feed(smuggled)
    assert not any(control in shown for control in (b"\x05", b"\x9d"))


def test_choosing_a_character_set_leaves_no_letter_behind():
    # What tput sgr0, less and top send all the time.
    assert SerialFilter().feed(b"\x1b(B\x1b[mplain\x1b)0") == b"\x1b[mplain"


def test_full_screen_programs_keep_what_they_need():
    drawing = b"\x1b[?1049h\x1b[?1h\x1b=\x1b[1;24r\x1b[H\x1b[2J\x1b[?25l\x1b[38;5;12mred\x1b[12;3Hhere\x1b[4L\x1b[K"
    assert SerialFilter().feed(drawing) == drawing


@given(
    st.lists(st.sampled_from([b"\x1b", b"[", b"]", b"?", b"0;", b"52", b"h", b"n", b"$p", b"\xc2", b"\x9d", b"\x05"]))
)
def test_whatever_is_put_together_no_control_and_no_question_passes(pieces):
    shown = SerialFilter().feed(b"".join(pieces))
    # A string that nobody opened is text, as harmless as any.
    sequences = re.findall(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|.)", shown)
    assert not {b"\x1b]"} & set(sequences)
    assert not [one for one in sequences if one.startswith(b"\x1b[") and one[-1:] in b"np"]
    assert b"\x05" not in shown
    assert "\x9d" not in shown.decode()


def test_a_terminal_is_given_back_as_it_was():
    screen = pyte.Screen(20, 5)
    stream = pyte.ByteStream(screen)
    fresh = set(screen.mode)
    inert = SerialFilter()
    stream.feed(inert.feed(b"\x1b[?25l\x1b[?7l\x1b[4h\x1b[2;3r\x1b[31m\x1b[?1h\x1b=hung up"))
    assert screen.mode != fresh
    assert screen.margins is not None
    stream.feed(inert.parting())
    assert (screen.mode, screen.margins, screen.cursor.attrs.fg) == (fresh, None, "default")


def test_a_guest_that_only_wrote_text_costs_no_parting_word():
    inert = SerialFilter()
    inert.feed("grüße\r\n".encode())
    assert inert.parting() == b""


@given(st.binary(max_size=200))
def test_the_parting_word_is_ours_alone(data):
    inert = SerialFilter()
    inert.feed(data)
    assert foreign_parts(re.sub(rb"\x1b\[(r|\??\d+[hl])|\x1b>", b"", inert.parting())) == []
