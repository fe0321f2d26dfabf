"""Tables of the command line: columns that stand on every terminal, whatever is in them."""

import pytest
from wcwidth import wcswidth, wcwidth

from novacron.adapters.simulated.hostile import HOSTILE_TEXTS
from novacron.cli.output import print_table
from tests.sent_bytes import foreign_parts

_CLUSTERS = ("🇩🇪🇩🇪", "👍🏽", "❤\ufe0f", "👩\u200d👧", "\u1112\u1161\u11ab", "名前" * 40)


def test_columns_stand_whether_or_not_a_terminal_joins_clusters(capsys: pytest.CaptureFixture[str]) -> None:
    names = (*HOSTILE_TEXTS, *_CLUSTERS)
    print_table(("name", "state"), [(name, "|here") for name in names])
    printed = capsys.readouterr().out
    head, *rows = printed.splitlines()
    assert len(rows) == len(names)
    befores = [row[: row.index("|here")] for row in rows]
    assert {wcswidth(before) for before in befores} == {head.index("STATE")}
    assert {sum(map(wcwidth, before)) for before in befores} == {head.index("STATE")}
    assert not foreign_parts(printed.encode())


def test_what_stands_in_the_last_column_is_not_cut_and_does_not_widen_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outcome = "it runs on with 8 vCPUs, and has 12 from its next start on; " * 3
    print_table(("id", "title", "outcome"), [("a", "t" * 90, outcome), ("b", "short", "done")])
    head, first, second = capsys.readouterr().out.splitlines()
    assert first.endswith(outcome.strip())
    assert first.index("it runs") == second.index("done") == head.index("OUTCOME")
    assert "t" * 90 not in first
