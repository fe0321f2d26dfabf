"""Which VMs a command means."""

import pytest

from novacron.cli.selectors import all_vms, hosts_unread, refuse_both_copies, select_one_vm, select_vms
from novacron.model.errors import Conflict, LinkError, NotFound, UsageError
from novacron.model.link import LinkStatus
from novacron.model.vm import VmState
from tests.builders import a_fleet, a_host, a_vm, an_id


@pytest.fixture
def fleet():
    return a_fleet(
        a_host("kvm-1", a_vm("web-1"), a_vm("web-2"), a_vm("twin", id=an_id("twin a"))),
        a_host("kvm-2", a_vm("db-1"), a_vm("twin", id=an_id("twin b")), a_vm("[odd]*")),
    )


def _names(found):
    return [vm.home.vm.name for vm in found]


def test_a_name_means_one_vm(fleet):
    assert _names(select_vms(fleet, ["db-1"])) == ["db-1"]


def test_a_glob_means_all_that_match_each_once(fleet):
    assert _names(select_vms(fleet, ["web-*", "web-1"])) == ["web-1", "web-2"]


def test_a_glob_is_narrowed_to_hosts(fleet):
    assert _names(select_vms(fleet, ["*@kvm-2"])) == ["db-1", "twin", "[odd]*"]


def test_a_name_that_looks_like_a_glob_means_itself_first(fleet):
    assert _names(select_vms(fleet, ["[odd]*"])) == ["[odd]*"]


def test_a_uuid_or_its_beginning_means_its_vm(fleet):
    vm_id = an_id("web-2")
    assert _names(select_vms(fleet, [vm_id])) == ["web-2"]
    assert _names(select_vms(fleet, [vm_id[:9].upper()])) == ["web-2"]


def test_a_name_two_vms_have_is_a_conflict_until_the_host_is_named(fleet):
    with pytest.raises(Conflict, match="2 VMs have this name"):
        select_vms(fleet, ["twin"])
    assert [vm.id for vm in select_vms(fleet, ["twin@kvm-2"])] == [an_id("twin b")]


def test_a_name_nobody_has_is_not_found_and_near_ones_are_named(fleet):
    with pytest.raises(NotFound, match="web-1"):
        select_vms(fleet, ["wep-1"])


def test_what_a_host_that_never_answered_may_have_is_not_said_to_be_nowhere(fleet):
    fleet = fleet.with_host(a_host("kvm-3", never_read=True))
    with pytest.raises(LinkError, match="kvm-3 never did"):
        select_vms(fleet, ["mail-1"])
    with pytest.raises(NotFound):
        select_vms(fleet, ["mail-1@kvm-2"])
    assert hosts_unread(fleet, ["web-*"]) == ["kvm-3"]
    assert hosts_unread(fleet, ["web-*@kvm-1"]) == []


@pytest.mark.parametrize("pattern", ["@kvm-1", "web-1@", "@"])
def test_nothing_beside_the_at_sign_is_an_error_and_never_all_there_is(fleet, pattern):
    with pytest.raises(UsageError, match="@"):
        select_vms(fleet, ["web-2", pattern])
    with pytest.raises(UsageError):
        hosts_unread(fleet, [pattern])


def test_a_short_name_that_is_gone_is_not_taken_for_the_beginning_of_a_uuid():
    vm_id = "facade12-0000-4000-8000-000000000001"
    fleet = a_fleet(a_host("kvm-1", a_vm("web-1", id=vm_id)))
    for gone in ("facade", "facade12"):
        with pytest.raises(NotFound):
            select_vms(fleet, [gone])
    assert _names(select_vms(fleet, ["facade12-"])) == ["web-1"]


def test_no_beginning_of_a_uuid_is_guessed_at_while_a_host_was_never_read(fleet):
    vm_id = an_id("web-2")
    fleet = fleet.with_host(a_host("kvm-3", never_read=True))
    with pytest.raises(LinkError):
        select_vms(fleet, [vm_id[:9]])
    assert _names(select_vms(fleet, [f"{vm_id[:9]}@kvm-1"])) == ["web-2"]
    assert _names(select_vms(fleet, [vm_id])) == ["web-2"]


def _places(found):
    return [(vm.home.vm.name, vm.home.host.id) for vm in found]


@pytest.fixture
def twin_fleet():
    return a_fleet(
        a_host("kvm-1", a_vm("web-1"), a_vm("web-2")),
        a_host("kvm-2", a_vm("web-1"), a_vm("web-2", state=VmState.PAUSED)),
    )


def test_a_vm_that_runs_twice_is_meant_once_a_copy(twin_fleet):
    both = [("web-1", "kvm-1"), ("web-1", "kvm-2")]
    assert _places(select_vms(twin_fleet, ["web-1"])) == both
    assert _places(select_vms(twin_fleet, [an_id("web-1")])) == both
    assert _places(select_vms(twin_fleet, ["web-*"])) == [*both, ("web-2", "kvm-1")]
    assert _places(all_vms(twin_fleet)) == [*both, ("web-2", "kvm-1")]


def test_one_copy_is_meant_by_its_host_also_when_it_is_paused(twin_fleet):
    assert _places(select_vms(twin_fleet, ["web-1@kvm-2"])) == [("web-1", "kvm-2")]
    assert _places(select_vms(twin_fleet, ["web-2@kvm-2"])) == [("web-2", "kvm-2")]
    refuse_both_copies(select_vms(twin_fleet, ["*@kvm-2"]))
    assert select_one_vm(twin_fleet, "web-1@kvm-1").home.host.id == "kvm-1"


@pytest.mark.parametrize("pattern", ["web-1", "*", "web-1@*"])
def test_nothing_is_done_to_a_vm_that_runs_twice_before_a_copy_is_named(twin_fleet, pattern):
    with pytest.raises(Conflict, match=r"runs on kvm-1 and kvm-2 at once.*web-1@kvm-2"):
        refuse_both_copies(select_vms(twin_fleet, [pattern]))


def test_the_two_ends_of_a_migration_are_one_vm():
    fleet = a_fleet(a_host("kvm-1", a_vm("web-1", job_active=True)), a_host("kvm-2", a_vm("web-1")))
    assert len(select_vms(fleet, ["web-1"])) == 1


def test_a_definition_beside_a_host_that_does_not_answer_is_meant_by_name_and_host_only() -> None:
    fleet = a_fleet(
        a_host("kvm-1", a_vm("web-1"), link=LinkStatus.UNREACHABLE),
        a_host("kvm-2", a_vm("web-1", state=VmState.SHUT_OFF)),
    )
    assert _places(select_vms(fleet, ["web-1@kvm-2"])) == [("web-1", "kvm-2")]
    assert _places(select_vms(fleet, ["web-1"])) == [("web-1", "kvm-1")]
    with pytest.raises(NotFound):
        select_vms(fleet, ["*@kvm-2"])
