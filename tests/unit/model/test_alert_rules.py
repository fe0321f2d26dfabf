"""Alerts are raised and cleared by facts; what is not known does neither."""

from dataclasses import replace
from datetime import timedelta

import pytest

from novacron.model.alert.alert import AlertRule, Severity
from novacron.model.alert.conditions import Thresholds
from novacron.model.alert.rules import Watchlist, evaluate
from novacron.model.fleet import Fleet
from novacron.model.link import LinkStatus
from novacron.model.operation import Operation, OperationState, Progress
from novacron.model.vm import StateReason, VmState
from tests.builders import NOW, a_fleet, a_host, a_link, a_pool, a_reading, a_vm, an_id, some_load
from tests.engine.site import migrate
from tests.operation_builders import an_operation

LIMITS = Thresholds()


def after(seconds: float):
    return NOW + timedelta(seconds=seconds)


def watch(fleet: Fleet, *operations: Operation, before: Watchlist | None = None, at: float = 0) -> Watchlist:
    return evaluate(fleet, operations, before or Watchlist(), after(at), LIMITS)


def holding(watchlist: Watchlist) -> list[AlertRule]:
    return [alert.rule for alert in watchlist.alerts if alert.cleared_at is None]


def test_a_healthy_fleet_has_no_alerts() -> None:
    assert watch(a_fleet(a_host("a", a_vm()))).alerts == ()


@pytest.mark.parametrize("status", [status for status in LinkStatus if status is not LinkStatus.UP])
def test_a_host_that_is_not_up_is_told_after_some_seconds(status: LinkStatus) -> None:
    fleet = a_fleet(a_host("a", link=a_link(status, cause="x", attempts=1)))
    assert holding(watch(fleet, at=LIMITS.unreachable_after_s - 1)) == []
    assert holding(watch(fleet, at=LIMITS.unreachable_after_s)) == [AlertRule.HOST_UNREACHABLE]


def test_a_host_that_changes_its_complaint_is_not_forgiven() -> None:
    first = watch(a_fleet(a_host("a", link=a_link(LinkStatus.STALE))), at=10)
    later = a_fleet(a_host("a", link=a_link(LinkStatus.UNREACHABLE, since=after(11))))
    second = watch(later, before=first, at=11)
    assert holding(second) == [AlertRule.HOST_UNREACHABLE]
    assert second.alerts[0].raised_at == first.alerts[0].raised_at


def test_a_migration_that_does_not_end_is_told_after_a_minute_and_cleared_with_it() -> None:
    stuck = Progress(note="does not converge: dirties 40 MiB/s, moves 34 MiB/s", stuck_since=NOW)
    running = an_operation(intent=migrate(an_id("web-1")), progress=stuck)
    assert holding(watch(a_fleet(), running, at=59)) == []
    told = watch(a_fleet(), running, at=60)
    assert holding(told) == [AlertRule.MIGRATION_STUCK]
    assert "dirties 40 MiB/s" in told.alerts[0].text
    assert "pause the VM" in told.alerts[0].remedy
    ended = replace(running, state=OperationState.CANCELLED)
    assert holding(watch(a_fleet(), ended, before=told, at=70)) == []


def test_what_is_cleared_is_listed_for_a_while_and_then_gone() -> None:
    crashed = watch(a_fleet(a_host("a", a_vm(state=VmState.CRASHED))))
    cleared = watch(a_fleet(a_host("a", a_vm())), before=crashed, at=10)
    assert holding(cleared) == []
    assert cleared.alerts[0].cleared_at == after(10)
    again = watch(a_fleet(a_host("a", a_vm(state=VmState.CRASHED))), before=cleared, at=20)
    assert len(again.alerts) == 1
    assert again.alerts[0].raised_at == after(20)
    assert watch(a_fleet(a_host("a", a_vm())), before=cleared, at=10 + LIMITS.cleared_shown_s).alerts == ()


CRASHED = a_vm(state=VmState.SHUT_OFF, reason=StateReason.CRASHED)


def test_a_crash_is_told_and_an_ordinary_shutdown_is_not() -> None:
    assert holding(watch(a_fleet(a_host("a", CRASHED)))) == [AlertRule.VM_CRASHED]
    for reason in (StateReason.SHUTDOWN, StateReason.DESTROYED, StateReason.MIGRATED, StateReason.DAEMON):
        fleet = a_fleet(a_host("a", a_vm(state=VmState.SHUT_OFF, reason=reason)))
        assert holding(watch(fleet)) == []


def test_a_crash_is_not_told_while_the_vm_runs_elsewhere_or_may() -> None:
    assert holding(watch(a_fleet(a_host("a", CRASHED), a_host("b", a_vm())))) == []
    silent = a_host("b", a_vm(state=VmState.SHUT_OFF), link=LinkStatus.STALE)
    assert holding(watch(a_fleet(a_host("a", CRASHED), silent))) == []
    assert holding(watch(a_fleet(a_host("a", CRASHED)), an_operation(intent=migrate(an_id("web-1"))))) == []


def test_an_alert_goes_on_while_its_host_is_silent() -> None:
    before = watch(
        a_fleet(a_host("a", CRASHED, reading=a_reading("a", CRASHED, load=some_load(root_used_fraction=0.99))))
    )
    assert len(before.alerts) == 2
    silent = a_fleet(a_host("a", a_vm(), link=LinkStatus.STALE))
    assert set(holding(watch(silent, before=before, at=1))) == set(holding(before))


def test_an_io_error_is_told() -> None:
    fleet = a_fleet(a_host("a", a_vm(state=VmState.PAUSED, reason=StateReason.IO_ERROR)))
    assert holding(watch(fleet)) == [AlertRule.VM_IO_ERROR]
    assert holding(watch(a_fleet(a_host("a", a_vm(state=VmState.PAUSED))))) == []


def twice(at_a: float, at_b: float) -> Fleet:
    return a_fleet(
        a_host("a", reading=a_reading("a", a_vm(), observed_at=after(at_a))),
        a_host("b", reading=a_reading("b", a_vm(), observed_at=after(at_b))),
    )


def test_running_twice_needs_a_second_reading_of_every_host() -> None:
    first = watch(twice(0, 1), at=1)
    assert holding(first) == []
    half = watch(twice(2, 1), before=first, at=2)
    assert holding(half) == []
    sure = watch(twice(2, 3), before=half, at=3)
    assert holding(sure) == [AlertRule.VM_RUNS_TWICE]
    assert sure.alerts[0].severity is Severity.CRITICAL
    gone = watch(a_fleet(a_host("a", a_vm())), before=sure, at=4)
    assert holding(gone) == []
    assert gone.suspected_twice == {}


def test_running_twice_is_the_operations_business_while_it_migrates() -> None:
    moving = an_operation(intent=migrate(an_id("web-1")), state=OperationState.SETTLING)
    first = watch(twice(0, 0), moving, at=1)
    assert holding(watch(twice(2, 2), moving, before=first, at=3)) == []


@pytest.mark.parametrize(("free", "severity"), [(6_000, Severity.WARNING), (1_000, Severity.CRITICAL)])
def test_a_full_pool_is_told_by_how_full_it_is(free: int, severity: Severity) -> None:
    reading = a_reading("a", pools=(a_pool(available_mib=free),))
    (alert,) = watch(a_fleet(a_host("a", reading=reading))).alerts
    assert (alert.rule, alert.severity) == (AlertRule.POOL_NEARLY_FULL, severity)


def test_a_shared_pool_is_one_alert_and_local_ones_are_many() -> None:
    for shared, count in ((True, 1), (False, 2)):
        pool = a_pool(available_mib=1_000, shared=shared)
        fleet = a_fleet(*(a_host(name, reading=a_reading(name, pools=(pool,))) for name in ("a", "b")))
        assert len(watch(fleet).alerts) == count


def test_shared_pools_of_two_sites_are_two_though_their_paths_are_the_same() -> None:
    pool = a_pool(available_mib=1_000, shared=True)
    hosts = (a_host(site, reading=a_reading(site, pools=(pool,)), site=site) for site in ("ams", "fra"))
    assert len(watch(a_fleet(*hosts)).alerts) == 2


def test_a_pool_at_the_edge_does_not_flap() -> None:
    def fleet(free: int) -> Fleet:
        return a_fleet(a_host("a", reading=a_reading("a", pools=(a_pool(available_mib=free),))))

    raised = watch(fleet(9_900))
    assert holding(watch(fleet(10_100), before=raised, at=1)) == [AlertRule.POOL_NEARLY_FULL]
    assert holding(watch(fleet(10_100))) == []
    assert holding(watch(fleet(13_000), before=raised, at=1)) == []


@pytest.mark.parametrize(
    ("state", "severity", "after_an_hour"),
    [
        (OperationState.FAILED, Severity.WARNING, []),
        (OperationState.NEEDS_ATTENTION, Severity.CRITICAL, [AlertRule.OPERATION_FAILED]),
    ],
)
def test_a_failure_is_told_for_an_hour_and_what_needs_a_person_for_as_long_as_it_does(
    state: OperationState, severity: Severity, after_an_hour: list[AlertRule]
) -> None:
    failed = an_operation(state=state, outcome="no room")
    (alert,) = watch(a_fleet(), failed).alerts
    assert alert.severity is severity
    assert "no room" in alert.text
    assert holding(watch(a_fleet(), failed, at=LIMITS.operation_shown_s + 60)) == after_an_hour


def test_a_later_success_on_the_same_vm_clears_it_and_an_earlier_one_does_not() -> None:
    done = OperationState.DONE
    failed = an_operation(2, state=OperationState.FAILED)
    assert holding(watch(a_fleet(), failed, an_operation(3, state=done))) == []
    assert holding(watch(a_fleet(), failed, an_operation(1, state=done))) == [AlertRule.OPERATION_FAILED]


def test_worst_and_newest_come_first() -> None:
    older = watch(a_fleet(a_host("a", CRASHED)))
    pool = a_pool(available_mib=6_000)
    other = a_vm("db-1", state=VmState.CRASHED)
    fleet = a_fleet(a_host("a", reading=a_reading("a", CRASHED, other, pools=(pool,))))
    alerts = watch(fleet, before=older, at=5).alerts
    assert [alert.rule for alert in alerts] == [
        AlertRule.VM_CRASHED,
        AlertRule.VM_CRASHED,
        AlertRule.POOL_NEARLY_FULL,
    ]
    assert alerts[0].subject == "db-1"
