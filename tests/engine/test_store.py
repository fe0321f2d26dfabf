"""Whatever is done to the fleet store, the index of its fleet is the one made anew."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.engine.store import FleetStore
from novacron.model.fleet import Fleet
from novacron.model.host import HostReading
from novacron.model.link import Link
from novacron.model.vm import VmDisk, VmNic, VmSizing
from tests.builders import a_reading, a_spec, a_vm
from tests.fake_clock import FakeClock
from tests.unit.model.test_fleet_index import assert_index_is_true, links, readings

_NAMES = ("kvm-a", "kvm-b", "kvm-c", "kvm-d")

Change = Callable[[FleetStore], None]


def _reading(reading: HostReading) -> Change:
    return lambda store: store.apply(reading) if reading.host in store.fleet.hosts else None


def _link(name: str, link: Link) -> Change:
    return lambda store: store.set_link(a_spec(name).id, link) if name in store.fleet.hosts else None


def _hosts(names: list[str], site: str) -> Change:
    return lambda store: store.set_hosts([a_spec(name, site=site) for name in names])


def _recall(told: list[HostReading]) -> Change:
    return lambda store: store.recall(told)


any_reading = st.sampled_from(_NAMES).flatmap(readings)
changes = st.lists(
    st.one_of(
        st.builds(_reading, any_reading),
        st.builds(_link, st.sampled_from(_NAMES), links),
        st.builds(_hosts, st.lists(st.sampled_from(_NAMES), max_size=4, unique=True), st.sampled_from(("fra", "ams"))),
        st.builds(_recall, st.lists(any_reading, max_size=3, unique_by=lambda one: one.host)),
    ),
    max_size=12,
)


@given(changes)
def test_after_any_sequence_of_changes_the_index_is_the_one_made_anew(sequence: list[Change]) -> None:
    published: list[Fleet] = []
    store = FleetStore([a_spec(name) for name in _NAMES[:3]], FakeClock(), lambda fleet, _: published.append(fleet))
    for change in sequence:
        change(store)
        assert_index_is_true(store.fleet)
    revisions = [fleet.revision for fleet in published]
    assert revisions == sorted(set(revisions))


def test_a_change_of_figures_alone_is_not_notable() -> None:
    notable: list[bool] = []
    store = FleetStore([a_spec("kvm-a")], FakeClock(), lambda _, more: notable.append(more))
    store.apply(a_reading("kvm-a", a_vm("web-1")))
    store.apply(a_reading("kvm-a", replace(a_vm("web-1"), memory_mib=512)))  # the balloon's size alone
    store.apply(a_reading("kvm-a", a_vm("web-1", autostart=True)))
    store.apply(a_reading("kvm-a"))
    assert notable == [True, False, True, True]


@pytest.mark.parametrize(
    "changed",
    [
        {"memory_max_mib": 8192},
        {"vcpus": 7},
        {"sizing": VmSizing(numa_cells=2)},
        {"disks": (VmDisk(target="vdz", source="/srv/z.qcow2"),)},
        {"nics": (VmNic(mac="52:54:00:00:00:99", network="other"),)},
        {"stored_disks": ()},
    ],
)
def test_what_an_operator_changes_of_a_vm_is_no_mere_figure(changed: dict[str, object]) -> None:
    notable: list[bool] = []
    store = FleetStore([a_spec("kvm-a")], FakeClock(), lambda _, more: notable.append(more))
    vm = a_vm("web-1")
    store.apply(a_reading("kvm-a", vm))
    notable.clear()
    store.apply(a_reading("kvm-a", replace(vm, **changed)))
    assert notable == [True]


def test_how_full_a_disk_is_stays_a_figure() -> None:
    notable: list[bool] = []
    store = FleetStore([a_spec("kvm-a")], FakeClock(), lambda _, more: notable.append(more))
    disk = VmDisk(target="vda", source="/srv/a.qcow2", capacity_mib=100, allocation_mib=1)
    store.apply(a_reading("kvm-a", a_vm("web-1", disks=(disk,))))
    notable.clear()
    store.apply(a_reading("kvm-a", a_vm("web-1", disks=(replace(disk, allocation_mib=2),))))
    assert notable == [False]
