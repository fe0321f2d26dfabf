"""The view of a table: order, cursor, selection, filter and window, without a screen."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from novacron_tui.present.cells import cell
from novacron_tui.present.column import Column, TableSpec, choose_columns
from novacron_tui.present.table_view import TableView, natural
from novacron_tui.present.volumes import VOLUMES
from novacron_tui.screens.panes import PANES

Row = tuple[str, int | None]


def _columns() -> tuple[Column[Row], ...]:
    return (
        Column(
            id="name",
            title="NAME",
            width=6,
            widest=20,
            priority=0,
            cell=lambda r, _: cell(r[0]),
            order=lambda r: natural(r[0]),
        ),
        Column(id="size", title="SIZE", width=4, priority=1, cell=lambda r, _: cell(r[1]), order=lambda r: r[1]),
        Column(id="note", title="NOTE", width=8, priority=2, cell=lambda r, _: cell(""), order=lambda r: None),
    )


def _view(*rows: Row, height: int = 4) -> TableView[Row]:
    view = TableView(
        TableSpec(
            columns=_columns(),
            key=lambda row: row[0],
            fields=lambda row: {"name": row[0], "state": "big" if (row[1] or 0) > 9 else "small"},
            sort="name",
            empty="nothing",
        )
    )
    view.set_height(height)
    view.set_rows(rows)
    return view


def _names(view: TableView[Row]) -> list[str]:
    return [row[0] for row in view.rows]


def test_names_are_ordered_as_people_order_them() -> None:
    assert _names(_view(("web-10", 1), ("web-2", 1), ("Web-1", 1))) == ["Web-1", "web-2", "web-10"]


def test_unknown_values_come_last_whichever_way_one_sorts() -> None:
    view = _view(("a", 3), ("b", None), ("c", 7))
    view.sort_by("size", reverse=False)
    assert _names(view) == ["a", "c", "b"]
    view.sort_by("size", reverse=True)
    assert _names(view) == ["c", "a", "b"]


def test_numbers_are_sorted_the_largest_first_and_words_from_a_on() -> None:
    view = _view(("b", 3), ("a", 20), ("c", 7))
    shown = view.spec.columns
    numbers = replace(shown[1], right=True)
    view.spec = replace(view.spec, columns=(shown[0], numbers, shown[2]))
    view.sort_next(1, view.spec.columns)
    assert (view.sort, _names(view)) == ("size", ["a", "c", "b"])
    view.sort_by("name")
    assert _names(view) == ["a", "b", "c"]
    view.sort_by("size")
    assert _names(view) == ["a", "c", "b"]
    view.sort_by("size")
    assert _names(view) == ["b", "c", "a"]


def test_every_column_of_numbers_in_the_panes_begins_with_the_largest() -> None:
    subjects = (*(pane.spec for pane in PANES), VOLUMES)
    numbers = {f"{column.title}" for spec in subjects for column in spec.columns if column.is_reversed_at_first}
    assert {"CPU%", "MEM", "USED", "FREE", "SIZE", "WRITTEN", "PROGRESS", "TOOK", "AGE", "RSS"} <= numbers
    assert not numbers & {"NAME", "HOST", "STATE", "POOL", "VOLUME", "OPERATION", "SUBJECT", "SITE"}


def test_the_cursor_follows_its_row_when_rows_move() -> None:
    view = _view(("a", 1), ("b", 2), ("c", 3))
    view.move(1)
    view.sort_by("size", reverse=True)
    view.set_rows([("a", 9), ("b", 1), ("c", 3), ("0", 5)])
    assert view.cursor_row == ("b", 1)


def test_a_cursor_whose_row_vanishes_is_on_no_other_until_its_reader_moves() -> None:
    view = _view(("a", 1), ("b", 2), ("c", 3))
    view.move(1)
    view.set_rows([("a", 1), ("c", 3)])
    assert view.lost
    assert view.cursor_row is None
    assert view.chosen == ()
    view.move(1)
    assert view.cursor_row == ("c", 3), "the next one stands in its place"
    assert not view.lost


def test_a_cursor_whose_row_comes_back_is_on_it_again_however_it_was_away() -> None:
    view = _view(("a", 1), ("b", 2), ("c", 3))
    view.move(1)
    for rows in ((), (("c", 3),), (("a", 1), ("c", 3))):
        view.set_rows(rows)
        assert view.chosen == ()
    view.set_rows([("a", 1), ("b", 20), ("c", 3)])
    assert view.chosen == (("b", 20),)


def test_a_selection_that_vanishes_is_replaced_by_nothing_and_comes_back() -> None:
    view = _view(("a", 1), ("b", 2), ("c", 3))
    view.toggle_selected()
    view.set_rows([("b", 2), ("c", 3)])
    assert view.lost
    assert view.chosen == ()
    view.set_rows([("a", 1), ("b", 2), ("c", 3)])
    assert view.chosen == (("a", 1),)
    view.set_rows([("b", 2), ("c", 3)])
    view.move(1)
    view.set_rows([("a", 1), ("b", 2), ("c", 3)])
    assert view.chosen == (("c", 3),), "who has moved on means what he moved to"


def test_what_is_filtered_away_by_its_reader_is_no_longer_meant() -> None:
    view = _view(("a", 1), ("b", 20))
    view.set_filter("state:big")
    assert view.chosen == (("b", 20),)
    assert not view.lost


def test_commands_act_on_what_is_selected_and_shown() -> None:
    view = _view(("a", 1), ("b", 20), ("c", 30))
    view.select_all()
    view.set_filter("state:big")
    assert [row[0] for row in view.chosen] == ["b", "c"]
    view.set_filter("")
    assert view.selected == {"b", "c"}, "a hidden row does not come back selected"


def test_a_filter_by_a_field_that_is_none_is_told_with_the_nearest_one() -> None:
    view = _view(("a", 1), ("b", 20))
    for typed, hint in {
        "sate:big": "No field is called sate: did you mean state:?",
        "-sate:big": "No field is called sate: did you mean state:?",
        "a xyzzy:b": "No field is called xyzzy: there are name:, state:",
        "st:big": "",
        "state:none": "",
        "a": "",
        "": "",
    }.items():
        view.set_filter(typed)
        assert view.filter_hint == hint, typed


def test_words_with_a_colon_that_are_found_as_they_stand_are_no_wrong_fields() -> None:
    view = _view(("10:30", 1), ("b", 20))
    view.set_filter("10:30")
    assert view.filter_hint == ""


def test_a_filter_that_matches_nothing_leaves_no_target() -> None:
    view = _view(("a", 1))
    view.set_filter("zzz")
    assert view.chosen == ()
    assert view.cursor_row is None


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("rows"), st.sets(st.integers(0, 30))),
            st.tuples(st.just("move"), st.integers(-40, 40)),
            st.tuples(st.just("scroll"), st.integers(-40, 40)),
            st.tuples(st.just("height"), st.integers(-3, 12)),
            st.tuples(st.just("sort"), st.sampled_from(["name", "size", "note"])),
            st.tuples(st.just("filter"), st.sampled_from(["", "1", "state:big", "-2"])),
            st.tuples(st.just("select"), st.none()),
        ),
        max_size=30,
    )
)
@settings(max_examples=300)
def test_the_cursor_is_always_on_a_row_that_is_on_screen(steps: list) -> None:
    view = _view()
    for what, value in steps:
        match what:
            case "rows":
                view.set_rows([(f"vm-{number}", number) for number in value])
            case "move":
                view.move(value)
            case "scroll":
                view.scroll(value)
            case "height":
                view.set_height(value)
            case "sort":
                view.sort_by(value)
            case "filter":
                view.set_filter(value)
            case "select":
                view.toggle_selected()
        assert view.top >= 0
        assert len(view.visible) == min(view.height, len(view.rows))
        assert view.selected <= set(_names(view))
        if view.rows:
            assert view.top <= view.cursor < view.top + view.height
            assert view.cursor_row is not None or view.lost or view.selected


@given(st.integers(1, 200))
def test_columns_never_take_more_than_there_is_but_for_the_last_one(width: int) -> None:
    chosen = choose_columns(_columns(), width)
    taken = sum(size for _, size in chosen) + len(chosen) - 1
    assert taken <= max(width, 6)
    assert chosen[0][0].id == "name"
