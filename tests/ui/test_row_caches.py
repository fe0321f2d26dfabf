"""What is kept of rows from snapshot to snapshot: it tells the same as rows looked at anew, and costs what changed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from novacron.model.fleet import Fleet, Host
from novacron.model.link import LinkStatus
from novacron.model.vm import VmState
from novacron_tui.present.cells import cell
from novacron_tui.present.column import Column, TableSpec
from novacron_tui.present.fleet_rows import FleetRows
from novacron_tui.present.table_view import TableView, natural
from novacron_tui.present.vms import VMS
from novacron_tui.present.words import vm_word
from tests.builders import a_fleet, a_host, a_link, a_reading, a_usage, a_vm

Row = tuple[str, str, int | None]
"""Name, state and size."""

_SPEC: TableSpec[Row] = TableSpec(
    columns=(
        Column(id="name", title="", width=6, priority=0, cell=lambda r, _: cell(r[0]), order=lambda r: natural(r[0])),
        Column(id="state", title="", width=6, priority=0, cell=lambda r, _: cell(r[1]), order=lambda r: r[1]),
        Column(id="size", title="", width=4, priority=1, cell=lambda r, _: cell(r[2]), order=lambda r: r[2]),
    ),
    key=lambda row: row[0],
    fields=lambda row: {"name": row[0], "state": row[1], "size": str(row[2]), "uuid": f"{row[0]}-4242-4242"},
    sort="name",
    empty="nothing",
)

_NAMES = [*(f"web-{number}" for number in range(12)), "db-7", "Straße", "db\x1f8", "abcdefg", "abcdefgh"]
_ROWS = st.lists(
    st.builds(
        lambda name, state, size: (name, state, size),
        st.sampled_from(_NAMES),
        st.sampled_from(["running", "shut off", "not running"]),
        st.none() | st.integers(0, 3),
    ),
    unique_by=lambda row: row[0],
    max_size=len(_NAMES),
)
_WORDS = st.sampled_from(
    (
        *(
            "w",
            "we",
            "web",
            "web-1",
            "-web",
            "~w1",
            "~w",
            "s:run",
            "state:running",
            "state:=",
            "state:=running",
            "n:we",
        ),
        *(
            "uuid:web",
            "web-1-42",
            "web-1-4",
            "x:web",
            "x:web-",
            "size:2",
            "!db",
            "strasse",
            "abcdefg",
            "abcdefgh",
            "db",
        ),
    )
)
_FILTERS = st.lists(_WORDS, max_size=3).map(" ".join) | st.text(max_size=3)
_STEPS = st.lists(
    st.tuples(st.just("rows"), _ROWS)
    | st.tuples(st.just("change"), st.tuples(st.integers(0, 20), st.none() | st.integers(0, 3)))
    | st.tuples(st.just("filter"), _FILTERS)
    | st.tuples(st.just("type"), _WORDS)
    | st.tuples(st.just("sort"), st.tuples(st.sampled_from(["name", "state", "size"]), st.booleans())),
    max_size=12,
)


def _apply(view: TableView[Row], rows: Sequence[Row], step: str, value: object) -> Sequence[Row]:
    """Do one step to a view, and to the rows that it was given last."""
    if step == "rows":
        rows = tuple(value)
        view.set_rows(rows)
    elif step == "change" and rows:
        index, size = value
        rows = tuple((*row[:2], size) if at == index % len(rows) else row for at, row in enumerate(rows))
        view.set_rows(rows)
    elif step == "filter":
        view.set_filter(value)
    elif step == "type":
        for end in range(len(value) + 1):
            view.set_filter(value[:end])
    elif step == "sort":
        view.sort_by(value[0], reverse=value[1])
    return rows


def _plain(view: TableView[Row], rows: Sequence[Row]) -> list[Row]:
    """Filter and sort everything anew, by the rules and without anything that was kept."""
    column = next(column for column in _SPEC.columns if column.id == view.sort)
    found = [
        row for row in rows if all(_holds(word, _SPEC.fields(row)) for word in view.filter_text.casefold().split())
    ]
    known = sorted((row for row in found if column.order(row) is not None), key=column.order, reverse=view.reverse)
    return known + [row for row in found if column.order(row) is None]


def _holds(word: str, fields: Mapping[str, str]) -> bool:
    negated = word[0] in "-!" and len(word) > 1
    body = word[1:] if negated else word
    fuzzy = body.startswith("~")
    body = body[1:] if fuzzy else body
    field, colon, text = body.partition(":")
    if colon and field and not text:
        return True
    names = [name for name in fields if colon and field and name.startswith(field)]
    if names:
        return any(_found(text, fields[name].casefold(), fuzzy, name == "state", True) for name in names) is not negated
    if not body:
        return True
    fuzzy = fuzzy and not (colon and field)
    return any(_found_anywhere(body, name, value.casefold(), fuzzy) for name, value in fields.items()) is not negated


def _found_anywhere(text: str, name: str, value: str, fuzzy: bool) -> bool:
    if name == "uuid":
        return len(text) >= 8 and value.startswith(text)
    return _found(text, value, fuzzy, False, False)


def _found(text: str, value: str, fuzzy: bool, from_start: bool, may_be_exact: bool) -> bool:
    if fuzzy:
        rest = iter(value)
        return all(character in rest for character in text)
    if may_be_exact and text.startswith("="):
        return value == text[1:]
    return value.startswith(text) if from_start else text in value


@given(_STEPS)
def test_kept_filter_and_order_tell_the_same_as_plain_ones(steps: list[tuple[str, object]]) -> None:
    view = TableView(_SPEC)
    rows: Sequence[Row] = ()
    for step, value in steps:
        rows = _apply(view, rows, step, value)
        assert list(view.rows) == _plain(view, rows)
        assert [view.key_at(index) for index in range(len(view.rows))] == [row[0] for row in view.rows]


def _host(name: str, vms: Mapping[str, VmState], up: bool) -> Host:
    link = LinkStatus.UP if up else LinkStatus.UNREACHABLE
    return a_host(name, link=a_link(link), reading=a_reading(name, *(a_vm(vm, state=s) for vm, s in vms.items())))


_VMS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]), st.sampled_from([VmState.RUNNING, VmState.SHUT_OFF]), max_size=4
)
_HOSTS = st.sampled_from(["kvm-1", "kvm-2", "kvm-3"])


@given(st.lists(st.dictionaries(_HOSTS, st.tuples(_VMS, st.booleans()), min_size=1), min_size=1, max_size=5))
def test_rows_and_counts_of_a_fleet_are_those_of_a_fleet_looked_at_anew(fleets: list[dict]) -> None:
    rows, hosts = FleetRows(), {}
    for revision, changed in enumerate(fleets, start=1):
        # Hosts that are not named go away every third time, else they stay the same objects.
        kept = {} if revision % 3 == 0 else hosts
        hosts = kept | {name: _host(name, vms, up) for name, (vms, up) in changed.items()}
        fleet = Fleet(revision=revision, hosts=hosts)
        rows.take(fleet)
        assert {vm.id: vm for vm in rows.vms} == dict(fleet.vms)
        words = [vm_word(vm) for vm in fleet.vms.values()]
        assert rows.tally.vms == {word: words.count(word) for word in words}


def _large_fleet(hosts: int = 100, vms: int = 20) -> Fleet:
    return a_fleet(
        *(
            a_host(f"kvm-{host}", reading=a_reading(f"kvm-{host}", *(_vm(f"vm-{host}-{vm}") for vm in range(vms))))
            for host in range(hosts)
        )
    )


def _vm(name: str, cpu: float = 1.0):
    return replace(a_vm(name), usage=a_usage(cpu_percent=cpu))


def test_a_changed_host_costs_its_own_vms_alone() -> None:
    fleet = _large_fleet()
    rows, view = FleetRows(), TableView(VMS)
    rows.take(fleet)
    view.set_rows(rows.vms)
    view.set_filter("vm-5")
    view.sort_by("cpu")
    joined, computed, looked_at = rows.joined, view.order.computed, view.search.looked_at
    host = fleet.hosts["kvm-7"]
    vms = (_vm("vm-7-0", cpu=50.0), *host.reading.vms[1:])
    rows.take(fleet.with_host(replace(host, reading=replace(host.reading, vms=vms))))
    view.set_rows(rows.vms)
    assert rows.joined - joined == 20
    assert view.order.computed - computed == 20
    assert view.search.looked_at == looked_at, "what a filter sees of them has not changed"


def test_a_longer_word_looks_at_what_the_shorter_one_found() -> None:
    rows, view = FleetRows(), TableView(VMS)
    rows.take(_large_fleet())
    view.set_rows(rows.vms)
    seen = []
    for word in ("v", "vm-5", "vm-50", "vm-50-", "vm-50-1"):
        before = view.search.looked_at
        view.set_filter(word)
        seen.append(view.search.looked_at - before)
    assert seen == [2000, 2000, 220, 20, 20]


def test_moving_and_turning_the_order_computes_no_key() -> None:
    rows, view = FleetRows(), TableView(VMS)
    rows.take(_large_fleet())
    view.set_rows(rows.vms)
    computed = view.order.computed
    view.move(30)
    view.sort_by(view.sort)
    assert view.order.computed == computed
