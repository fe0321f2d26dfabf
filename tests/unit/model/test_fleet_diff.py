"""The difference between two states of a host leads from the former to the later, and shares what did not change."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from novacron.model.fleet_diff import HostDiff, ItemsDiff, UnknownPart, host_after, host_diff
from novacron.model.vm import VmState
from tests.builders import a_host, a_vm
from tests.operation_strategies import fleets

_NAMES = ("web-1", "web-2", "web-3", "db-1", "db-2")
_vms = st.lists(
    st.tuples(st.sampled_from(_NAMES), st.sampled_from(list(VmState)), st.integers(1, 4)),
    max_size=5,
    unique_by=lambda one: one[0],
)


def _host(vms):
    return a_host("kvm-1", *(a_vm(name, state=state, vcpus=vcpus) for name, state, vcpus in vms))


@given(_vms, _vms)
def test_the_later_host_is_the_former_one_and_what_differs(before, after):
    former, later = _host(before), _host(after)
    diff = host_diff(former, later)
    assert diff is not None
    made = host_after(former, diff)
    assert made == later
    unchanged = {one.id: one for one in former.reading.vms if one in later.reading.vms}
    assert all(vm is unchanged[vm.id] for vm in made.reading.vms if vm.id in unchanged)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(fleets(), fleets())
def test_any_two_states_of_a_host_differ_by_what_leads_from_one_to_the_other(first, second):
    for former, later in zip(first.hosts.values(), second.hosts.values(), strict=False):
        diff = host_diff(former, later)
        assert diff is None or host_after(former, diff) == later


def test_one_vms_change_of_state_is_one_field_of_that_vm():
    former = a_host("kvm-1", a_vm("web-1"), a_vm("web-2"))
    first, second = former.reading.vms
    later = replace(former, reading=replace(former.reading, vms=(first, replace(second, state=VmState.PAUSED))))
    diff = host_diff(former, later)
    assert diff == HostDiff(id=former.id, vms=ItemsDiff(changed={second.id: {"state": VmState.PAUSED}}))


def test_the_same_vm_twice_is_not_told_as_a_difference():
    former = a_host("kvm-1", a_vm("web-1"))
    later = a_host("kvm-1", a_vm("web-1"), a_vm("web-1"))
    assert host_diff(former, later) is None


def test_a_difference_to_another_state_is_refused():
    diff = HostDiff(id=a_host("kvm-1").id, vms=ItemsDiff(changed={"unknown": {"vcpus": 2}}))
    with pytest.raises(UnknownPart):
        host_after(a_host("kvm-1", a_vm("web-1")), diff)
    with pytest.raises(UnknownPart):
        host_after(replace(a_host("kvm-1"), reading=None), diff)
