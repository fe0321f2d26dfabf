"""The index and the counts of a fleet are kept by difference, and are what they would be if made anew."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.model.fleet import Fleet, FleetVm, Host, Sighting
from novacron.model.fleet_counts import FleetCounts, count_vm
from novacron.model.fleet_index import index_of, place_of_pool
from novacron.model.host import HostLoad, HostReading
from novacron.model.ids import VmId
from novacron.model.link import LinkStatus
from novacron.model.persistent_map import PersistentMap
from novacron.model.sighting import join_sightings
from novacron.model.vm import StateReason, VmState
from tests.builders import a_fleet, a_host, a_link, a_pool, a_reading, a_vm, an_id

_HOSTS: Final = ("kvm-a", "kvm-b", "kvm-c")
_VMS: Final = ("web-1", "web-2", "web-3", "web-4")

links = st.builds(
    a_link, st.sampled_from((LinkStatus.UP, LinkStatus.STALE, LinkStatus.CONNECTING)), attempts=st.integers(0, 1)
)
vms = st.lists(
    st.builds(
        a_vm,
        st.sampled_from(_VMS),
        state=st.sampled_from(VmState),
        reason=st.sampled_from((StateReason.NONE, StateReason.CRASHED)),
    ),
    max_size=4,
    unique_by=lambda vm: vm.id,
)
pools = st.lists(
    st.builds(
        lambda name, shared, room, known: replace(
            a_pool(name, shared=shared),
            capacity_mib=100 if known else None,
            available_mib=room if known else None,
        ),
        st.sampled_from(("default", "images")),
        st.booleans(),
        st.integers(0, 100),
        st.booleans(),
    ),
    max_size=3,
)
loads = st.builds(HostLoad, cpu_percent=st.none() | st.floats(0, 100), memory_used_mib=st.none() | st.integers(0, 4096))


@st.composite
def readings(draw: st.DrawFn, host: str) -> HostReading:
    """Return a reading of up to four of the VMs, and up to three pools."""
    reading = a_reading(host, *draw(vms))
    facts = replace(reading.facts, uuid=draw(st.sampled_from(("", "machine-1", "machine-2"))))
    return replace(reading, facts=facts, pools=tuple(draw(pools)), load=draw(loads))


@st.composite
def hosts(draw: st.DrawFn, names: tuple[str, ...] = _HOSTS) -> Host:
    """Return one of the hosts in any condition."""
    name = draw(st.sampled_from(names))
    host = a_host(name, link=draw(links), site=draw(st.sampled_from(("fra", "ams"))))
    return replace(host, reading=draw(st.none() | readings(name)))


def plainly_joined(fleet: Fleet) -> dict[VmId, FleetVm]:
    """Return all VMs of the fleet, by asking each host."""
    seen: dict[VmId, list[Sighting]] = {}
    for host in fleet.hosts.values():
        for vm in host.reading.vms if host.reading else ():
            seen.setdefault(vm.id, []).append(Sighting(host=host, vm=vm))
    return {vm_id: join_sightings(found) for vm_id, found in seen.items()}


def plainly_counted(fleet: Fleet) -> dict[str, int]:
    """Return what the counts of a fleet should be, summed whole."""
    hosts = list(fleet.hosts.values())
    current = [(host, host.reading) for host in hosts if host.reading is not None and host.is_current]
    tellers: dict[str, list[tuple[bool, str, int | None, int | None]]] = {}
    for host in hosts:
        told: set[str] = set()
        for pool in host.reading.pools if host.reading else ():
            place = place_of_pool(host, pool)
            if place not in told:
                told.add(place)
                said = (not host.is_current, host.id, pool.capacity_mib, pool.available_mib)
                tellers.setdefault(place, []).append(said)
    rooms = [said for said in map(min, tellers.values()) if not said[0] and said[2] is not None]
    return {
        "cores": sum(reading.facts.cores for _, reading in current),
        "memory_mib": sum(reading.facts.memory_mib for _, reading in current),
        "memory_used_mib": sum(reading.load.memory_used_mib or 0 for _, reading in current),
        "busy_millicores": sum(round((r.load.cpu_percent or 0) * r.facts.cores * 10) for _, r in current),
        "hosts_read": sum(host.reading is not None for host in hosts),
        "hosts_first_tried": sum(
            h.reading is None and h.link.status is LinkStatus.CONNECTING and not h.link.attempts for h in hosts
        ),
        "pools": len(tellers),
        "pools_capacity_mib": sum(said[2] or 0 for said in rooms),
        "pools_available_mib": sum(said[3] or 0 for said in rooms),
        "vms_unknown": sum(count_vm(vm) == "VMs unknown" for vm in plainly_joined(fleet).values()),
    }


def figures(counts: FleetCounts) -> dict[str, int]:
    """Return the counts as `plainly_counted` names them."""
    return {name: getattr(counts, name) for name in plainly_counted(Fleet())}


def assert_index_is_true(fleet: Fleet) -> None:
    """Compare all that is kept by difference with what is found by asking each host."""
    assert fleet.index == index_of(fleet.hosts)
    joined = plainly_joined(fleet)
    assert dict(fleet.vms) == joined
    assert list(fleet.vms) == list(joined)
    assert len(fleet.vms) == len(joined)
    assert [fleet.find_vm(vm_id) for vm_id in joined] == list(joined.values())
    assert set(fleet.index.vms.several) == {vm_id for vm_id, vm in joined.items() if vm.others}
    assert figures(fleet.counts) == plainly_counted(fleet)
    by_state = Counter(count_vm(vm) for vm in joined.values())
    assert {state: fleet.counts.vms_in(state) for state in VmState} == {state: by_state[state] for state in VmState}
    by_link = Counter(host.link.status for host in fleet.hosts.values())
    assert {one: fleet.counts.hosts_by_link(one) for one in LinkStatus} == {one: by_link[one] for one in LinkStatus}
    for uuid in ("machine-1", "machine-2"):
        same = sorted(h.id for h in fleet.hosts.values() if h.reading and h.reading.facts.uuid == uuid)
        assert [host.id for host in fleet.same_machine(uuid)] == same


@given(first=st.lists(hosts(), max_size=3, unique_by=lambda host: host.id), later=st.lists(hosts(), max_size=8))
def test_after_any_changes_the_index_is_the_one_made_anew(first: list[Host], later: list[Host]) -> None:
    fleet = Fleet(hosts={host.id: host for host in first})
    assert_index_is_true(fleet)
    for host in later:
        fleet = fleet.with_host(host)
        assert_index_is_true(fleet)


@given(hosts(), vms)
def test_a_look_at_one_vm_leaves_a_true_index(host: Host, looked_at: list[object]) -> None:
    fleet = a_fleet(host, a_host("kvm-z", a_vm("web-1"))).with_look(host.id, an_id("web-1"), a_vm("web-1"))
    assert_index_is_true(fleet)
    assert_index_is_true(fleet.with_look(host.id, an_id("web-1"), None))


def test_an_earlier_revision_keeps_what_it_knew() -> None:
    before = a_fleet(a_host("kvm-a", a_vm("web-1")), a_host("kvm-b"))
    after = before.with_host(a_host("kvm-a")).with_host(a_host("kvm-b", a_vm("web-1")))
    assert [seen.host.id for seen in before.vms[an_id("web-1")].sightings] == ["kvm-a"]
    assert [seen.host.id for seen in after.vms[an_id("web-1")].sightings] == ["kvm-b"]


def test_hosts_stay_in_the_order_of_the_file() -> None:
    fleet = a_fleet(a_host("kvm-c"), a_host("kvm-a"), a_host("kvm-b"))
    assert list(fleet.with_host(a_host("kvm-a", a_vm())).hosts) == ["kvm-c", "kvm-a", "kvm-b"]


class _Touched(HostReading):
    """A reading that notes when somebody looks at its VMs or pools."""

    touched: list[str] = []  # noqa: RUF012 - one list for all of them is the point

    def __getattribute__(self, name: str) -> object:
        if name in {"vms", "pools", "by_id", "facts", "load"}:
            _Touched.touched.append(object.__getattribute__(self, "host"))
        return object.__getattribute__(self, name)


@pytest.fixture
def watched() -> Iterator[Callable[[str], HostReading]]:
    """Return what makes a watched reading of twenty VMs, of which the first is seen on all hosts."""

    def reading(host: str) -> HostReading:
        plain = a_reading(host, a_vm("everywhere"), *(a_vm(f"{host}-{at}") for at in range(19)))
        return _Touched(host=plain.host, observed_at=plain.observed_at, facts=plain.facts, vms=plain.vms)

    _Touched.touched.clear()
    yield reading
    _Touched.touched.clear()


@pytest.mark.parametrize("count", [2, 200])
def test_a_reading_touches_its_own_host_alone(count: int, watched: Callable[[str], HostReading]) -> None:
    names = [f"kvm-{at}" for at in range(count)]
    fleet = a_fleet(*(a_host(name, reading=watched(name)) for name in names))
    places = fleet.index.vms
    _Touched.touched.clear()
    after = fleet.with_host(a_host("kvm-1", reading=watched("kvm-1")))
    assert (len(after.vms), after.counts.vms_in(VmState.RUNNING)) == (19 * count + 1, 19 * count + 1)
    assert set(_Touched.touched) == {"kvm-1"}
    assert after.index.vms is places


def test_finding_a_vm_touches_the_hosts_that_know_it_alone(watched: Callable[[str], HostReading]) -> None:
    fleet = a_fleet(*(a_host(name, reading=watched(name)) for name in ("kvm-1", "kvm-2", "kvm-3")))
    assert len(fleet.vms) == 58
    _Touched.touched.clear()
    assert fleet.find_vm(an_id("kvm-2-7")) is not None
    assert fleet.find_vm(an_id("nobody")) is None
    assert set(_Touched.touched) == {"kvm-2"}


@given(st.lists(st.tuples(st.integers(0, 40), st.none() | st.integers()), max_size=200))
def test_a_persistent_map_is_a_dict(changes: list[tuple[int, int | None]]) -> None:
    persistent: PersistentMap[int, int] = PersistentMap()
    plain: Mapping[int, int] = {}
    for key, value in changes:
        earlier, was = persistent, dict(plain)
        if value is None:
            persistent, plain = persistent.changed({}, [key]), {k: v for k, v in plain.items() if k != key}
        else:
            persistent, plain = persistent.changed({key: value}), {**plain, key: value}
        assert dict(persistent) == plain
        assert len(persistent) == len(plain)
        assert dict(earlier) == was


def test_a_persistent_map_that_grew_is_spread_over_more_buckets() -> None:
    grown: PersistentMap[str, int] = PersistentMap()
    for at in range(5000):
        grown = grown.changed({str(at): at})
    assert dict(grown) == {str(at): at for at in range(5000)}
    assert max(len(bucket) for bucket in grown._buckets) < 5000 / 16
