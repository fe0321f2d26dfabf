"""The overview: the fleet at a glance, as lines and as the things on them that can be opened."""

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from novacron.model.alert.alert import Alert
from novacron.model.fleet import FleetVm, Host
from novacron.model.operation import Operation
from novacron_tui.present.cells import Line, Role, Span, fit_line, line_width, span
from novacron_tui.present.column import CellContext
from novacron_tui.present.console_state import ConsoleState, PoolRow, pool_rows
from novacron_tui.present.fleet_history import FleetSample, sample_of, sparkline
from novacron_tui.present.meter import bar_spans, fullness_role
from novacron_tui.present.quantity import age, fraction, percent, rate, size_mib
from novacron_tui.present.table_view import natural
from novacron_tui.present.vms import VMS, state_cell
from novacron_tui.present.width import fit
from novacron_tui.present.words import link_sign, operation_sign, severity_sign, vm_role

Thing = FleetVm | Host | PoolRow | Operation | Alert
_TWO_COLUMNS: Final = 110
"""From this width on two columns stand side by side."""
_RACK: Final = "rack"
"""The label of a host by which the hosts of a site are put together."""
_FULL: Final = 0.9
_MOST: Final = 6
"""Lines of one list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where on the overview a thing is, in cells."""

    key: str
    thing: Thing
    x: int
    y: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What is painted, and what of it can be opened, in the order in which it is read."""

    lines: tuple[Line, ...]
    places: tuple[Place, ...]


class _Block:
    """Lines that are put together, each with the things on it."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines: list[Line] = []
        self.places: list[Place] = []

    def title(self, text: str, note: str = "") -> None:
        if self.lines:
            self.lines.append(())
        self.lines.append((span(f" {text}", Role.COLUMN), span(f"  {note}" if note else "", Role.DIM)))

    def thing(self, key: str, thing: Thing, parts: Sequence[Span]) -> None:
        """Add a line that is one thing."""
        line = fit_line((span(" "), *parts), self.width)
        width = max(1, line_width(line) - 1)
        self.places.append(Place(key=key, thing=thing, x=1, y=len(self.lines), width=width))
        self.lines.append(line)

    def put(self, other: "_Block", x: int) -> None:
        """Put another block to the right of this one, its first line beside the first one here."""
        while len(self.lines) < len(other.lines):
            self.lines.append(())
        for y, line in enumerate(other.lines):
            left = fit_line(self.lines[y], x)
            self.lines[y] = (*left, span(" " * (x - line_width(left))), *line)
        self.places += [_moved(place, x, 0) for place in other.places]
        self.width = x + other.width

    def append(self, other: "_Block") -> None:
        """Put another block below this one."""
        if self.lines and other.lines:
            self.lines.append(())
        self.places += [_moved(place, 0, len(self.lines)) for place in other.places]
        self.lines += other.lines


def _moved(place: Place, x: int, y: int) -> Place:
    return Place(key=place.key, thing=place.thing, x=place.x + x, y=place.y + y, width=place.width)


def overview(state: ConsoleState, samples: Sequence[FleetSample], context: CellContext, width: int) -> Overview:
    """Lay the overview out for a width; where two columns fit they stand side by side."""
    page = _usage(state, samples, context, width)
    two = width >= _TWO_COLUMNS
    half = width // 2 if two else width
    left, right = _wrong(state, context, half - 1), _Block(half - 1)
    left.append(_heat(state, context, half - 1))
    right.append(_busiest(state, half - 1))
    right.append(_latest(state, context, half - 1))
    if two:
        left.put(right, half)
    else:
        left.append(right)
    page.append(left)
    places = sorted(page.places, key=lambda place: (place.y, place.x))
    return Overview(lines=tuple(page.lines), places=tuple(places))


def with_cursor(lines: Sequence[Line], place: Place | None) -> list[Line]:
    """Return the lines with the thing under the cursor highlighted."""
    marked = list(lines)
    if place is not None and place.y < len(marked):
        marked[place.y] = _highlighted(marked[place.y], place.x, place.width)
    return marked


def _highlighted(line: Line, x: int, width: int) -> Line:
    # Cells are cut by their characters: an ellipsis in the middle would change what is read.
    shown: list[Span] = []
    at = 0
    for part in line:
        for character in part.text:
            shown.append(span(character, Role.TAB if x <= at < x + width else part.role))
            at += line_width(shown[-1:])
    return _joined(shown)


def _joined(parts: Sequence[Span]) -> Line:
    return tuple(
        span("".join(part.text for part in group), role) for role, group in groupby(parts, key=lambda part: part.role)
    )


def _usage(state: ConsoleState, samples: Sequence[FleetSample], context: CellContext, width: int) -> _Block:
    block = _Block(width)
    counts = state.fleet.counts
    now = sample_of(counts, context.now)
    used = counts.pools_capacity_mib - counts.pools_available_mib
    rows: tuple[tuple[str, float | None, str, Callable[[FleetSample], float | None]], ...] = (
        ("CPU", now.cpu, f"of {counts.cores} cores", lambda sample: sample.cpu),
        (
            "memory",
            now.memory,
            f"{size_mib(counts.memory_used_mib)} of {size_mib(counts.memory_mib)}",
            lambda sample: sample.memory,
        ),
        ("storage", now.storage, f"{size_mib(used)} of {size_mib(counts.pools_capacity_mib)}", lambda s: s.storage),
    )
    wide = max(8, min(30, width // 5))
    for name, part, text, value_of in rows:
        drawn = sparkline(samples, value_of, max(0, width - wide - 36), context.glyphs.spark)
        block.lines.append(
            (
                span(f" {name:<8}", Role.DIM),
                *bar_spans(part, wide, context.glyphs, fullness_role(part)),
                span(f" {fraction(part):>4} "),
                span(f"{text:<19} ", Role.DIM),
                span(drawn, Role.ACCENT),
            )
        )
    return block


def _wrong(state: ConsoleState, context: CellContext, width: int) -> _Block:
    block = _Block(width)
    block.title("Wrong")
    things = [*_alerts(state, context), *_hosts_down(state, context), *_vms_in_trouble(state, context)]
    things += _full_pools(state)
    for key, thing, parts in things[: 2 * _MOST]:
        block.thing(key, thing, parts)
    if len(things) > 2 * _MOST:
        block.lines.append((span(f" and {len(things) - 2 * _MOST} more", Role.DIM),))
    if not things:
        known = state.knows_any_host
        block.lines.append((span(" nothing" if known else " not known yet", Role.DIM if known else Role.UNKNOWN),))
    return block


_Entry = tuple[str, Thing, tuple[Span, ...]]


def _alerts(state: ConsoleState, context: CellContext) -> Iterable[_Entry]:
    for alert in state.alerts:
        if alert.cleared_at is None:
            shape, role = severity_sign(alert.severity, context.glyphs)
            ago = age(alert.raised_at, context.now)
            text = span(f" {alert.text}", Role.DIM)
            yield f"alert {alert.key}", alert, (span(f"{shape} {ago:>5} ", role), span(alert.subject), text)


def _hosts_down(state: ConsoleState, context: CellContext) -> Iterable[_Entry]:
    told = {alert.host for alert in state.alerts if alert.cleared_at is None and alert.vm is None}
    for host in state.fleet.hosts.values():
        if not host.link.is_up and host.id not in told:
            shape, role = link_sign(host.link, context.glyphs)
            yield f"down {host.id}", host, (span(f"{shape} ", role), span(host.id), span(f" {host.link.status}", role))


def _vms_in_trouble(state: ConsoleState, context: CellContext) -> Iterable[_Entry]:
    if not (state.tally.vms.get("crashed") or state.tally.vms.get("paused")):
        return
    told = {alert.vm for alert in state.alerts if alert.cleared_at is None}
    for vm in state.vms:
        # One that somebody has paused is as it was wished.
        is_bad = vm.home.is_current and vm_role(vm.home.vm.state, vm.home.vm.reason) is Role.CRASHED
        if is_bad and vm.id not in told:
            shown = state_cell(vm, context)
            yield f"trouble {vm.id}", vm, (span(f"{shown.forms[0]} ", shown.role), span(vm.home.vm.name))


def _full_pools(state: ConsoleState) -> Iterable[_Entry]:
    told = {(alert.host, alert.subject) for alert in state.alerts if alert.cleared_at is None}
    for row in pool_rows(state.fleet):
        used = row.pool.used_fraction
        if row.host.is_current and used is not None and used >= _FULL and (row.host.id, row.pool.name) not in told:
            name = span(f" {row.pool.name} on {row.host.id}")
            yield f"full {row.key}", row, (span(f"{fraction(used):>4}", fullness_role(used)), name)


def _heat(state: ConsoleState, context: CellContext, width: int) -> _Block:
    """Draw each host as one cell by its CPU, the hosts of a rack on a line of their own."""
    block = _Block(width)
    block.title("Hosts by site and rack", "by CPU")
    hosts = sorted(state.fleet.hosts.values(), key=lambda host: (*_rack_of(host), natural(host.id)))
    for (site, rack), group in groupby(hosts, key=_rack_of):
        members = list(group)
        name = fit(span(f"{site} {rack}".strip() or "no site").text, 13)
        each = max(1, width - 16)
        for first in range(0, len(members), each):
            here = members[first : first + each]
            y = len(block.lines)
            cells = [_heat_cell(host, context) for host in here]
            block.lines.append((span(f" {name if not first else ' ' * 13} ", Role.DIM), *cells))
            for at, host in enumerate(here):
                block.places.append(Place(key=f"host {host.id}", thing=host, x=15 + at, y=y, width=1))
    return block


def _rack_of(host: Host) -> tuple[str, str]:
    return host.spec.site, host.spec.labels.get(_RACK, "")


def _heat_cell(host: Host, context: CellContext) -> Span:
    if host.reading is None or not host.is_current:
        return span(*link_sign(host.link, context.glyphs))
    cpu = host.reading.load.cpu_percent
    if cpu is None:
        return span(context.glyphs.unknown, Role.UNKNOWN)
    shapes = context.glyphs.spark
    role = Role.CRITICAL if cpu >= 95 else Role.WARNING if cpu >= 80 else Role.GOOD
    return span(shapes[min(len(shapes) - 1, max(0, int(cpu / 100 * len(shapes))))], role)


def _busiest(state: ConsoleState, width: int) -> _Block:
    """List the VMs that use most CPU, disk and network, side by side."""
    whole = _Block(width)
    each = width // 3
    columns = (("cpu", "CPU %", percent), ("disk", "Disk/s", rate), ("net", "Net/s", rate))
    for at, (column_id, title, shown) in enumerate(columns):
        order = next(column.order for column in VMS.columns if column.id == column_id)
        known = ((value, vm) for vm in state.vms if (value := order(vm)))
        block = _Block(each - 1)
        block.title(title)
        for value, vm in heapq.nlargest(_MOST, known, key=lambda pair: pair[0]):
            name = fit(span(vm.home.vm.name).text, max(4, each - 10))
            block.thing(f"{column_id} {vm.id}", vm, (Span(name), span(f" {shown(value):>6}", Role.ACCENT)))
        if at:
            whole.put(block, at * each)
        else:
            whole = block
    return whole


def _latest(state: ConsoleState, context: CellContext, width: int) -> _Block:
    block = _Block(width)
    running = sum(not operation.has_ended for operation in state.operations)
    block.title("Operations", f"{running} under way" if running else "none under way")
    for operation in state.operations[:_MOST]:
        shape, role = operation_sign(operation, context.glyphs)
        outcome = span(f" {operation.outcome}" if operation.outcome else "", Role.DIM)
        block.thing(f"operation {operation.id}", operation, (span(f"{shape} ", role), span(operation.title), outcome))
    return block
