"""The two lines on top: the counts of the fleet, and the panes."""

from collections.abc import Sequence
from datetime import datetime

from novacron_tui.present.cells import Line, Role, Span, justify, line_width, span
from novacron_tui.present.console_state import ConsoleState
from novacron_tui.present.glyphs import Glyphs
from novacron_tui.present.quantity import age, clock_time


def header_line(state: ConsoleState, title: str, now: datetime, width: int, glyphs: Glyphs) -> Line:
    """Say how many of what, what is wrong, and whether this is current."""
    left: list[Span] = [span(" NovaCron ", Role.TITLE)]
    if title and width >= 100:
        left += [span(f"{title} ", Role.DIM)]
    bar = span(f" {glyphs.separator} ", Role.DIM)
    left += [span(" "), *_vms(state, glyphs, long=width >= 100)]
    left += [bar, *_hosts(state, glyphs)]
    left += [bar, *_alerts(state, glyphs)]
    if state.under_way:
        left += [bar, *_operations(state, glyphs, long=width >= 90)]
    right = [*_link(state, now, glyphs, width), span(f" {clock_time(now)[:5]} ", Role.DIM)]
    return justify(left, right, width)


def _vms(state: ConsoleState, glyphs: Glyphs, *, long: bool) -> list[Span]:
    words = state.tally.vms
    if not state.knows_any_host:
        return [span("VMs ?", Role.UNKNOWN)]
    shown = [span("VMs ", Role.DIM), span(f"{glyphs.running}{words.get('running', 0)}", Role.RUNNING)]
    for word, shape, role in (
        ("paused", glyphs.paused, Role.PAUSED),
        ("crashed", glyphs.crashed, Role.CRASHED),
        ("unknown", glyphs.unknown, Role.UNKNOWN),
        ("shut off", glyphs.off, Role.OFF),
    ):
        count = words.get(word, 0)
        if count:
            shown.append(span(f" {shape}{count}", role))
    if long:
        shown.append(span(f" of {sum(words.values())}", Role.DIM))
    return shown


def _hosts(state: ConsoleState, glyphs: Glyphs) -> list[Span]:
    up, total, asked = state.tally.hosts_up, state.tally.hosts, state.tally.hosts_asked
    down = total - up - asked
    if not state.has_fleet:
        return [span("hosts ?", Role.UNKNOWN)]
    shown = [span("hosts ", Role.DIM), span(f"{up}/{total}", Role.GOOD if up == total else Role.WARNING)]
    if asked:
        shown.append(span(f" {glyphs.busy}{asked} asked", Role.MIGRATING))
    if down:
        shown.append(span(f" {down} down", Role.CRITICAL))
    return shown


def _alerts(state: ConsoleState, glyphs: Glyphs) -> list[Span]:
    if state.critical:
        return [span(f"{glyphs.crashed} {state.critical} critical", Role.CRITICAL)]
    if state.holding:
        return [span(f"{glyphs.attention} {state.holding} alert{'s' if state.holding > 1 else ''}", Role.WARNING)]
    if not state.has_fleet or (state.tally.hosts and state.tally.hosts_asked == state.tally.hosts):
        return [span("alerts ?", Role.UNKNOWN)]
    return [span("no alerts", Role.DIM)]


def _operations(state: ConsoleState, glyphs: Glyphs, *, long: bool) -> list[Span]:
    """Count the operations that run and those that have not begun."""
    running, waiting = state.under_way - state.waiting, state.waiting
    shown = []
    if running:
        shown.append(span(f"{glyphs.busy} {running} ops" if long else f"{glyphs.busy}{running}", Role.MIGRATING))
    if waiting:
        blank = " " if running else ""
        text = f"{blank}{glyphs.suspended} {waiting} waiting" if long else f"{blank}{glyphs.suspended}{waiting}"
        shown.append(span(text, Role.PAUSED))
    return shown


def _link(state: ConsoleState, now: datetime, glyphs: Glyphs, width: int) -> list[Span]:
    if state.lost is not None:
        ago = age(state.lost.since, now)
        return [span(f" {glyphs.crashed} backend lost {ago}, reconnecting ", Role.CRITICAL)]
    if not state.has_fleet:
        return [span(f" {glyphs.busy} connecting ", Role.MIGRATING)]
    if state.operations_run_by:
        text = f"standby: {state.operations_run_by} runs operations" if width >= 110 else "standby"
        return [span(f" {glyphs.attention} {text} ", Role.WARNING)]
    if state.consoles > 1:
        return [span(f" {state.consoles} consoles ", Role.DIM)]
    return []


def tabs_line(panes: Sequence[tuple[str, str, int | None]], current: int, note: Line, width: int) -> Line:
    """Name the panes with their keys and counts; the one shown is highlighted. `note` goes to the right."""
    left: list[Span] = []
    for index, (key, title, count) in enumerate(panes):
        shown = f" {title}" if count is None else f" {title} {count}"
        here = index == current
        left.append(span(f" {key}", Role.TAB if here else Role.KEY))
        left.append(span(f"{shown} ", Role.TAB if here else Role.DIM))
    # At least a blank stands between the two.
    if line_width(left) + line_width(note) >= width:
        left = [part for index, part in enumerate(left) if index % 2 == 0 or index == 2 * current + 1]
    return justify(left, note, width)


def pane_at(line: Line, panes: Sequence[str], x: int) -> int | None:
    """Return the index of the pane on whose key, name or count the cell `x` of a `tabs_line` is; None: on none."""
    at, found = 0, None
    for part in line:
        if part.role in {Role.TAB, Role.KEY} and part.text.strip() in panes:
            found = panes.index(part.text.strip())
        elif part.role not in {Role.TAB, Role.DIM} or not part.text.strip():
            found = None
        at += line_width((part,))
        if x < at:
            return found
    return None
