"""Numbers, filters, glyphs and palettes: small pure things."""

from datetime import timedelta
from pathlib import Path

import pytest

from novacron.model.errors import ConfigError
from novacron_tui.palette import load_palette, palette_names
from novacron_tui.present.cells import Role
from novacron_tui.present.filter import parse_filter, searched
from novacron_tui.present.glyphs import ASCII, UNICODE, glyphs_for
from novacron_tui.present.quantity import age, duration, fraction, percent, rate, size_mib
from tests.builders import NOW


@pytest.mark.parametrize(
    ("mib", "shown"),
    [
        (None, "-"),
        (0, "0"),
        (1, "1M"),
        (512, "512M"),
        (1023, "1G"),
        (1024, "1G"),
        (1536, "1.5G"),
        (2**20 * 12, "12T"),
    ],
)
def test_sizes_have_a_unit_and_few_digits(mib: float | None, shown: str) -> None:
    assert size_mib(mib) == shown


def test_rates_and_percents_are_short() -> None:
    assert [rate(value) for value in (None, 0.0, 999.0, 1024.0, 1_300_000.0)] == ["-", "0", "999", "1K", "1.2M"]
    assert [percent(value) for value in (None, 0.0, 0.04, 9.94, 9.96, 1256.3)] == ["-", "0", "0.0", "9.9", "10", "1256"]


def test_nothing_is_all_done_before_it_is() -> None:
    assert [fraction(value) for value in (0.0, 0.5, 0.999, 1.0, None)] == ["0%", "50%", "99%", "100%", "-"]


def test_ages_are_told_by_their_largest_units() -> None:
    shown = [duration(seconds) for seconds in (-4, 14, 61, 700, 7500, 200_000)]
    assert shown == ["0s", "14s", "1m01", "11m", "2h05", "2d"]
    assert age(NOW - timedelta(seconds=14), NOW) == "14s"
    assert age(None, NOW) == "-"


_FIELDS = {"name": "web-1", "host": "kvm-fra-01", "state": "shut off", "site": "fra", "uuid": "39b0bfc9"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("web", True),
        ("WEB fra", True),
        ("web ams", False),
        ("host:fra", True),
        ("h:fra-01", True),
        ("host:=kvm-fra-01", True),
        ("host:=kvm-fra-0", False),
        ("host:web", False),
        ("state:shut", True),
        ("state:off", False),
        ("-web", False),
        ("!ams web", True),
        ("~wb1", True),
        ("~1bw", False),
        ("host:", True),
        ("nofield:web", False),
        ("[/] \\x1b", False),
    ],
)
def test_a_filter_holds_when_all_its_words_do(text: str, holds: bool) -> None:
    assert parse_filter(text).holds(searched(_FIELDS)) is holds


@pytest.mark.parametrize(
    ("environment", "ascii_only"),
    [
        ({"LANG": "en_US.UTF-8", "TERM": "xterm"}, False),
        ({"LANG": "C", "TERM": "xterm"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8", "TERM": "xterm"}, True),
        ({"LANG": "", "LC_ALL": "C.UTF-8", "TERM": "xterm"}, False),
        ({"LANG": "en_US.UTF-8", "TERM": "linux"}, True),
        ({"LANG": "en_US.UTF-8", "TERM": "dumb"}, True),
        ({"LANG": "C", "TERM": "xterm", "NOVACRON_ASCII": "0"}, False),
        ({"LANG": "en_US.UTF-8", "NOVACRON_ASCII": "1"}, True),
    ],
)
def test_ascii_is_used_where_the_terminal_may_know_no_more(environment: dict[str, str], ascii_only: bool) -> None:
    assert glyphs_for(environment).is_ascii is ascii_only


def test_every_state_has_a_shape_of_its_own_in_both_sets() -> None:
    for glyphs in (UNICODE, ASCII):
        shapes = (glyphs.running, glyphs.paused, glyphs.off, glyphs.crashed, glyphs.unknown, glyphs.migrating)
        assert len(set(shapes)) == len(shapes)


def test_both_themes_know_every_role() -> None:
    assert palette_names() == ("nova-day", "nova-night")
    for name in palette_names():
        palette = load_palette(name)
        assert {palette.style(role) for role in Role}


def test_without_colour_no_style_has_one() -> None:
    palette = load_palette(colour=False)
    for role in Role:
        style = palette.style(role)
        assert style.color is None
        assert style.bgcolor is None


def test_an_unknown_theme_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ConfigError, match="nova-day, nova-night"):
        load_palette("sunrise")


def test_a_theme_with_a_wrong_colour_is_refused_by_its_file(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "themes" / "nova-night.toml").read_text()
    broken = tmp_path / "mine.toml"
    broken.write_text(text.replace('good = "#7bd88f"', 'good = "greenish"'))
    with pytest.raises(ConfigError, match=r"mine\.toml"):
        load_palette(str(broken))
    broken.write_text("name = ")
    with pytest.raises(ConfigError, match="is not TOML"):
        load_palette(str(broken))
    broken.write_text("name = " + "[" * 100_000)
    with pytest.raises(ConfigError, match="nested too deeply"):
        load_palette(str(broken))
