"""Raises and clears alerts by facts alone: a pure function from one moment's list to the next."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Final, Protocol, TypeVar

from novacron.model.alert.alert import Alert, AlertRule, Severity
from novacron.model.alert.candidates import NO_CANDIDATES, FleetCandidates, find_candidates
from novacron.model.alert.conditions import (
    NO_FAULTS,
    BackendFaults,
    Moment,
    Thresholds,
    backend_conditions,
    host_conditions,
    operation_conditions,
    pool_conditions,
    runs_twice,
    twice_alert,
    vm_conditions,
)
from novacron.model.fleet import Fleet
from novacron.model.ids import VmId
from novacron.model.operation import Operation

T = TypeVar("T")

_WORST_FIRST: Final[Mapping[Severity, int]] = {Severity.CRITICAL: 0, Severity.WARNING: 1}
_BY_HOSTS_WORD: Final = frozenset(
    {
        AlertRule.VM_CRASHED,
        AlertRule.VM_IO_ERROR,
        AlertRule.VM_RUNS_TWICE,
        AlertRule.POOL_NEARLY_FULL,
        AlertRule.FILE_SYSTEM_NEARLY_FULL,
    }
)


_CONDITIONS: Final[tuple[tuple[str, Callable[[Moment], Iterator[Alert]]], ...]] = (
    ("hosts", host_conditions),
    ("pools", pool_conditions),
    ("VMs", vm_conditions),
    ("operations", operation_conditions),
    ("the backend", backend_conditions),
)


class Ask(Protocol):
    """Asks one rule."""

    def __call__(self, name: str, work: Callable[[], T]) -> T | None:
        """Return its answer, or None when it has none."""


def ask_plainly(name: str, work: Callable[[], T]) -> T:
    """Return the answer of a rule; its error is raised."""
    return work()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watchlist:
    """The alerts, and what is suspected but not sure yet."""

    alerts: tuple[Alert, ...] = ()
    """Those that hold, worst and newest first, then those cleared lately."""
    suspected_twice: Mapping[VmId, datetime] = field(default_factory=dict)
    """VMs that seemed to run twice, and the time of the newest reading that said so first."""
    candidates: FleetCandidates = NO_CANDIDATES
    """What was judged, kept for the hosts that do not change until next time."""


def evaluate(
    fleet: Fleet,
    operations: Sequence[Operation],
    before: Watchlist,
    now: datetime,
    thresholds: Thresholds,
    *,
    faults: BackendFaults = NO_FAULTS,
    ask: Ask = ask_plainly,
) -> Watchlist:
    """Return the next list: an alert that still holds keeps the time it was raised.

    While a host does not answer, what it said last neither raises nor clears anything. `ask` asks one rule, and
    returns None for one that cannot be asked: then nothing is cleared.
    """
    held = {alert.key: alert for alert in before.alerts if alert.cleared_at is None}
    fullness = thresholds.may_be_full
    candidates = ask(
        "the search for what may be an alert", lambda: find_candidates(fleet, before.candidates, fullness=fullness)
    )
    judged = candidates.any if candidates is not None else ()
    moment = Moment(
        fleet=fleet, operations=operations, now=now, thresholds=thresholds, held=held, candidates=judged, faults=faults
    )
    twice, suspected = ask("the alert rule of second copies", lambda: _twice(moment, before.suspected_twice)) or (
        None,
        before.suspected_twice,
    )
    found = [
        twice,
        *(ask(f"the alert rule of {what}", partial(_all, condition, moment)) for what, condition in _CONDITIONS),
    ]
    holding = {
        alert.key: replace(alert, raised_at=held[alert.key].raised_at) if alert.key in held else alert
        for alert in chain.from_iterable(alerts or () for alerts in found)
    }
    none_told = candidates is None or None in found
    holding.update(
        {key: alert for key, alert in held.items() if key not in holding and (none_told or _is_unknown(fleet, alert))}
    )
    return Watchlist(
        alerts=(*sorted(holding.values(), key=_worst_and_newest_first), *_cleared(before, holding, moment)),
        suspected_twice=suspected,
        candidates=candidates if candidates is not None else before.candidates,
    )


def _worst_and_newest_first(alert: Alert) -> tuple[int, float, str]:
    return _WORST_FIRST[alert.severity], -alert.raised_at.timestamp(), alert.key


def _all(condition: Callable[[Moment], Iterator[Alert]], moment: Moment) -> list[Alert]:
    return list(condition(moment))


def _twice(moment: Moment, suspected: Mapping[VmId, datetime]) -> tuple[list[Alert], dict[VmId, datetime]]:
    """Confirm by a later reading of every host involved: a migration that just ended looks the same once."""
    alerts: list[Alert] = []
    still: dict[VmId, datetime] = {}
    migrating = moment.migrating
    for vm, running in runs_twice(moment.fleet):
        if vm.id in migrating:
            continue
        read_at = [seen.host.reading.observed_at for seen in running if seen.host.reading is not None]
        since = suspected.get(vm.id, max(read_at))
        still[vm.id] = since
        if min(read_at) > since:
            alerts.append(twice_alert(vm, running, moment.now))
    return alerts, still


def _is_unknown(fleet: Fleet, alert: Alert) -> bool:
    """Whether the facts behind an alert cannot be told now, so that it goes on holding."""
    if alert.rule not in _BY_HOSTS_WORD:
        return False
    vm = fleet.find_vm(alert.vm) if alert.vm is not None else None
    if vm is not None:
        return not all(seen.is_current for seen in vm.sightings)
    host = fleet.hosts.get(alert.host) if alert.host is not None else None
    return host is not None and not host.is_current


def _cleared(before: Watchlist, holding: Mapping[str, Alert], moment: Moment) -> tuple[Alert, ...]:
    """Return what was cleared now or lately, newest first; one that was raised again is not listed twice."""
    lately = [
        alert if alert.cleared_at is not None else replace(alert, cleared_at=moment.now)
        for alert in before.alerts
        if alert.key not in holding
    ]
    return tuple(
        sorted(
            (
                alert
                for alert in lately
                if alert.cleared_at is not None
                and (moment.now - alert.cleared_at).total_seconds() < moment.thresholds.cleared_shown_s
            ),
            key=lambda one: one.cleared_at or moment.now,
            reverse=True,
        )
    )
