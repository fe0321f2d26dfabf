"""Foreign text on its way to cells: inert, and exactly as wide as its cell. Property tests."""

import unicodedata

import pyte
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.style import Style

from novacron.adapters.simulated.hostile import HOSTILE_TEXTS
from novacron.model.safetext import SafeText
from novacron_tui.present.cells import (
    FOLDS,
    Role,
    cell,
    fit_cell,
    fit_line,
    fold_line,
    justify,
    line_width,
    paragraph,
    span,
)
from novacron_tui.present.line_edit import LineEdit
from novacron_tui.present.width import clip, fit, settle, width_of, wrap
from novacron_tui.widgets.guest_screen import GuestScreen, inert

ANYTHING = st.text(st.characters(), max_size=60) | st.sampled_from(HOSTILE_TEXTS)
_FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _is_inert(text: str) -> bool:
    return not any(unicodedata.category(character) in _FORBIDDEN for character in text)


def _emulated_width(text: str) -> int:
    """Return where a terminal's cursor stands after the text."""
    screen = pyte.Screen(4000, 2)
    pyte.Stream(screen).feed(text)
    return screen.cursor.x


@given(ANYTHING, st.integers(1, 60), st.booleans())
@settings(max_examples=1000)
@example("\U0001f469\u200d\U0001f469\u200d\U0001f467", 10, False)
@example("\U0001f1e9\U0001f1ea", 3, False)
@example("e\u0301\u0302\u0303\u0304", 2, True)
@example("\u0c15\u0c4d\u0c37\u102b", 5, False)
def test_a_fitted_text_is_inert_and_as_wide_as_its_cell_on_a_terminal(raw: str, width: int, right: bool) -> None:
    shown = fit(SafeText(raw), width, right=right)
    assert _is_inert(shown)
    assert width_of(shown) == width
    assert _emulated_width(shown) == width


@given(ANYTHING, st.integers(1, 40))
@settings(max_examples=300)
def test_a_cell_takes_exactly_its_width(raw: str, width: int) -> None:
    part = fit_cell(cell(raw, raw[:3], role=Role.TEXT), width)
    assert _emulated_width(part.text) == width


@given(ANYTHING, st.integers(1, 60))
@settings(max_examples=300)
def test_a_clipped_text_is_never_wider_than_asked(raw: str, width: int) -> None:
    assert width_of(clip(SafeText(raw), width)) <= width


@given(ANYTHING, st.integers(8, 60))
@settings(max_examples=300)
def test_wrapping_loses_nothing_but_blanks(raw: str, width: int) -> None:
    lines = wrap(SafeText(raw), width)
    assert all(width_of(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == settle(SafeText(raw)).replace(" ", "")


@given(ANYTHING, ANYTHING, st.integers(1, 80))
@settings(max_examples=300)
def test_a_justified_line_is_exactly_as_wide_as_the_screen(left: str, right: str, width: int) -> None:
    assert line_width(justify([span(left)], [span(right)], width)) <= width
    assert line_width(fit_line([span(left), span(right)], width)) <= width


def test_a_paragraph_of_a_million_characters_stays_short() -> None:
    assert len(paragraph("x" * 1_000_000, 76)) < 60


@given(ANYTHING)
@settings(max_examples=300)
def test_what_is_typed_or_pasted_is_one_inert_line(raw: str) -> None:
    edit = LineEdit().insert(raw)
    assert _is_inert(edit.text)
    assert edit.caret == len(edit.text)


def test_a_megabyte_pasted_is_cut() -> None:
    assert len(LineEdit().insert("y" * 1_000_000).insert("z" * 99).text) == 1024


@given(st.binary(max_size=400))
@settings(max_examples=400)
@example(b"\x1b[?6c\x1b[>4;1m\x1b[\xc2\xb2m\x1b[?25l\x1b]0;t\x07")
@example(b"\x1b[" + b"9" * 5000 + b"m")
@example(b"\x1b]52;c;" + b"A" * 9000)
def test_a_guest_that_sends_anything_leaves_a_screen_of_inert_cells(data: bytes) -> None:
    guest = GuestScreen(40, 10, lambda _: None)
    guest.feed(data)
    guest.feed(b"\x1b[0m\r\nalive")
    for row in range(10):
        segments = guest.line(row, Style(), colour=True, ascii_only=False)
        assert all(_is_inert(segment.text) for segment in segments)


@pytest.mark.parametrize("start", ["\x1b]0;", "\x1bP", "\x1b_", "\x1b^", "\x1bX"])
@pytest.mark.parametrize("end", ["\x18", "\x1a", "\x1b[0m", "\x1b\\", "\x07"])
def test_a_guests_control_string_is_not_shown_and_hides_nothing_after_it(start: str, end: str) -> None:
    guest = GuestScreen(40, 2, lambda _: None)
    guest.feed(f"a{start}secret{end}b".encode())
    assert _first_line(guest) == "ab"


def test_a_guests_control_string_without_an_end_is_bounded() -> None:
    guest = GuestScreen(40, 2, lambda _: None)
    guest.feed(b"\x1bP" + b"x" * 4096 + b"login: ")
    assert _first_line(guest) == "login:"


def test_c1_controls_in_utf8_begin_nothing_on_a_guests_screen() -> None:
    guest = GuestScreen(40, 2, lambda _: None)
    guest.feed("a\x9d0;b".encode())
    assert _first_line(guest) == "a0;b"


def _first_line(guest: GuestScreen) -> str:
    return "".join(segment.text for segment in guest.line(0, Style(), colour=True, ascii_only=False)).rstrip()


@given(st.characters())
@settings(max_examples=500)
def test_one_guest_cell_is_never_more_than_two_wide(character: str) -> None:
    assert width_of(inert(character)) in {1, 2} or inert(character) == ""


@given(st.lists(ANYTHING, max_size=4), st.integers(20, 60), st.integers(0, 12))
@example(["0000000000 0000000", "000"], 20, 11)
def test_a_line_that_is_folded_is_all_there_and_nowhere_wider_than_the_screen(
    raw: list[str], width: int, indent: int
) -> None:
    spans = tuple(span(text, role) for text, role in zip(raw, Role, strict=False))
    lines = fold_line(spans, width, indent)
    assert all(line_width(line) <= width for line in lines)
    if line_width(spans) > width * FOLDS // 2:
        return  # Such a text may be cut.
    # What fits is left as it is; the painter settles it.
    shown = "".join(settle(part.text) for line in lines for part in line)
    whole = "".join(settle(part.text) for part in spans)
    assert "".join(shown.split()) == "".join(whole.split())


def test_a_text_without_end_is_cut_after_some_lines() -> None:
    lines = fold_line((span("x" * 20_000),), 80)
    assert len(lines) == FOLDS
    assert lines[-1][-1].text.endswith("…")


def test_a_line_is_folded_between_words_and_keeps_its_roles() -> None:
    lines = fold_line((span("  cause "), span("no answer within five seconds", Role.WARNING)), 24)
    assert ["".join(part.text for part in line) for line in lines] == ["  cause no answer ", "    within five seconds"]
    assert lines[1][1].role is Role.WARNING
