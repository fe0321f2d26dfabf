"""Rules that judge the candidates alone tell the same as rules that judge everything."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from novacron.model.alert.candidates import NO_CANDIDATES, Candidates, find_candidates
from novacron.model.alert.conditions import Moment, Thresholds, host_conditions, pool_conditions, vm_conditions
from novacron.model.alert.rules import Watchlist, evaluate
from novacron.model.fleet import Fleet, Host
from novacron.model.host import HostLoad, HostReading
from novacron.model.link import LinkStatus
from novacron.model.vm import StateReason, VmState
from tests.builders import NOW, a_fleet, a_host, a_link, a_pool, a_reading, a_vm

LIMITS = Thresholds()
_NAMES = ("kvm-a", "kvm-b", "kvm-c")

_vms = st.lists(
    st.builds(
        a_vm,
        st.sampled_from(("web-1", "web-2", "web-3")),
        state=st.sampled_from(VmState),
        reason=st.sampled_from((StateReason.NONE, StateReason.CRASHED, StateReason.IO_ERROR)),
    ),
    max_size=3,
    unique_by=lambda vm: vm.id,
)
_pools = st.lists(
    st.builds(
        lambda name, room, shared: a_pool(name, capacity_mib=100, available_mib=room, shared=shared),
        st.sampled_from(("default", "images")),
        st.integers(0, 15),
        st.booleans(),
    ),
    max_size=2,
)


@st.composite
def _hosts(draw: st.DrawFn) -> Host:
    name = draw(st.sampled_from(_NAMES))
    status = draw(st.sampled_from((LinkStatus.UP, LinkStatus.UP, LinkStatus.STALE, LinkStatus.CONNECTING)))
    link = a_link(status, since=NOW + timedelta(seconds=draw(st.integers(-20, 20))), attempts=draw(st.integers(0, 1)))
    if draw(st.integers(0, 9)) == 0:
        return a_host(name, link=link, never_read=True)
    observed_at = NOW + timedelta(seconds=draw(st.integers(-20, 20)))
    reading: HostReading = replace(
        a_reading(name, *draw(_vms), observed_at=observed_at),
        pools=tuple(draw(_pools)),
        load=HostLoad(root_used_fraction=draw(st.none() | st.sampled_from((0.5, 0.88, 0.89, 0.91, 0.94, 0.99)))),
    )
    return a_host(name, link=link, reading=reading)


def everything(fleet: Fleet) -> list[Candidates]:
    """Return every host, pool and VM as a candidate."""
    return [
        Candidates(
            host=host,
            itself=True,
            pools=host.reading.pools if host.reading else (),
            vms=tuple(vm.id for vm in host.reading.vms) if host.reading else (),
        )
        for host in fleet.hosts.values()
    ]


def plainly(fleet: Fleet, watchlist: Watchlist, at: timedelta, candidates: Sequence[Candidates]) -> list[object]:
    """Return what each of the fleet's rules tells, judging these candidates."""
    held = {alert.key: alert for alert in watchlist.alerts if alert.cleared_at is None}
    moment = Moment(fleet=fleet, operations=(), now=NOW + at, thresholds=LIMITS, held=held, candidates=candidates)
    told = [sorted(rule(moment), key=repr) for rule in (host_conditions, pool_conditions, vm_conditions)]
    return list(told)


@given(st.lists(_hosts(), min_size=1, max_size=10))
def test_the_candidates_alone_tell_the_same_alerts_as_the_whole_fleet(changes: list[Host]) -> None:
    fleet = a_fleet(*(a_host(name) for name in _NAMES))
    known, forgetful = Watchlist(), Watchlist()
    for step, host in enumerate(changes):
        fleet = fleet.with_host(host)
        at = timedelta(seconds=3 * step)
        candidates = find_candidates(fleet, known.candidates, fullness=LIMITS.may_be_full)
        assert plainly(fleet, known, at, candidates.any) == plainly(fleet, known, at, everything(fleet))
        known = evaluate(fleet, (), known, NOW + at, LIMITS)
        forgetful = evaluate(fleet, (), replace(forgetful, candidates=NO_CANDIDATES), NOW + at, LIMITS)
        assert known == forgetful


def test_only_a_host_that_changed_is_searched_again() -> None:
    fleet = a_fleet(*(a_host(f"kvm-{at}", a_vm(f"web-{at}")) for at in range(50)))
    first = find_candidates(fleet, NO_CANDIDATES, fullness=0.88)
    after = fleet.with_host(a_host("kvm-7", a_vm("web-7", state=VmState.CRASHED)))
    second = find_candidates(after, first, fullness=0.88)
    searched = [host for host, found in second.by_host.items() if found is not first.by_host[host]]
    assert searched == ["kvm-7"]
    assert [one.host.id for one in second.any] == ["kvm-7"]


def test_a_host_that_left_the_fleet_is_no_candidate() -> None:
    lost = a_host("kvm-a", link=LinkStatus.STALE)
    first = find_candidates(a_fleet(lost, a_host("kvm-b")), NO_CANDIDATES, fullness=0.88)
    assert [one.host.id for one in first.any] == ["kvm-a"]
    assert find_candidates(a_fleet(a_host("kvm-b")), first, fullness=0.88).any == ()


def test_silence_becomes_an_alert_by_time_alone() -> None:
    fleet = a_fleet(a_host("kvm-a", link=a_link(LinkStatus.STALE), reading=a_reading("kvm-a")))
    early = evaluate(fleet, (), Watchlist(), NOW + timedelta(seconds=4), LIMITS)
    late = evaluate(fleet, (), early, NOW + timedelta(seconds=5), LIMITS)
    assert [len(one.alerts) for one in (early, late)] == [0, 1]
