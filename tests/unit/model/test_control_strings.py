"""Where the control strings of a byte stream end, whatever a guest sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.model.control_strings import LONGEST_STRING, ControlStrings

STARTS = [b"\x1b]", b"\x1bP", b"\x1b^", b"\x1b_", b"\x1bX"]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(
    ("end", "rest"), [(b"\x07", b""), (b"\x1b\\", b""), (b"\x18", b""), (b"\x1a", b""), (b"\x1b[2J", b"\x1b[2J")]
)
def test_a_string_ends_at_bel_st_can_sub_and_where_another_sequence_begins(start, end, rest):
    assert ControlStrings().cut(b"a" + start + b"secret" + end + b"b") == [b"a", rest + b"b"]


@pytest.mark.parametrize("start", STARTS)
def test_a_string_without_an_end_is_bounded(start):
    assert ControlStrings().cut(start + b"x" * LONGEST_STRING + b"login: ") == [b"", b"login: "]


def test_a_string_that_begins_inside_another_ends_that_one():
    assert ControlStrings().cut(b"\x1b]one\x1bPtwo\x07b") == [b"", b"", b"b"]


def test_a_string_cut_out_leaves_no_sequence_made_of_its_two_sides():
    assert ControlStrings().cut(b"\x1b\x1b]x\x07]52;c;eA==\x07") == [b"", b"]52;c;eA==\x07"]


@given(st.lists(st.binary(max_size=12) | st.sampled_from([*STARTS, b"\x1b", b"\x1b\\", b"\x07", b"\x18"])))
def test_no_start_of_a_string_passes_wherever_the_stream_is_cut(pieces):
    whole = ControlStrings().cut(b"".join(pieces))
    piecemeal = ControlStrings()
    parts = [b""]
    for piece in pieces:
        first, *others = piecemeal.cut(piece)
        parts[-1] += first
        parts += others
    assert parts == whole
    assert not any(start in part for part in whole for start in STARTS)
