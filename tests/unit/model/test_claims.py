"""What operations claim, and which claims cannot be held together."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.model.files import FileIdentity
from novacron.model.fleet import Fleet
from novacron.model.ids import HostId
from novacron.model.operations.creation import CreateVm
from novacron.model.operations.definition import RenameVm
from novacron.model.operations.deletion import DeleteVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.power import ForceOffVm, PauseVm, StartVm
from novacron.model.operations.registry import claims_of
from novacron.model.operations.storage import DeleteVolume, SetPoolActive
from novacron.model.vm import VmState
from novacron.model.work.capacity import free_memory_mib, limit_of
from novacron.model.work.claim import (
    Capacity,
    Claim,
    ClaimMode,
    Claims,
    amount_of,
    claims,
    compatible,
    exclusive,
    fits,
    shared,
)
from novacron.model.work.limits import Limits
from tests.builders import a_disk, a_fleet, a_host, a_pool, a_reading, a_vm, an_id

A, B = HostId("a"), HostId("b")
VM = an_id("web-1")

_names = st.sampled_from(["vm:1", "pool:a/x", "file:shared/7"])
_objects = st.builds(exclusive, _names) | st.builds(shared, _names)
_amounts = st.builds(amount_of, st.sampled_from([A, B]), st.sampled_from(Capacity), st.integers(1, 5000))
_claims = _objects | _amounts
_files = st.builds(
    FileIdentity,
    device=st.sampled_from(["8:1", "0:44"]),
    inode=st.sampled_from([7, 8]),
    file_system=st.sampled_from(["ext4", "nfs4"]),
)


@given(_claims, _claims)
def test_whether_two_claims_go_together_does_not_depend_on_their_order(one: Claim, other: Claim) -> None:
    assert compatible(one, other) is compatible(other, one)


@given(st.lists(_claims))
def test_joined_claims_are_as_strict_as_each_of_them_and_in_the_order_of_taking(several: list[Claim]) -> None:
    joined = claims(several)
    resources = [claim.resource for claim in joined.all]
    assert len(set(resources)) == len(resources)
    assert [claim.mode is ClaimMode.AMOUNT for claim in joined.all] == sorted(
        claim.mode is ClaimMode.AMOUNT for claim in joined.all
    )
    for claim in several:
        kept = next(one for one in joined.all if one.resource == claim.resource)
        assert kept.amount >= claim.amount
        assert claim.mode is not ClaimMode.EXCLUSIVE or kept.mode is ClaimMode.EXCLUSIVE


@given(st.lists(st.integers(1, 100)), st.integers(0, 150))
def test_what_fits_is_never_more_than_the_limit_unless_it_is_alone(asked: list[int], limit: int) -> None:
    used = 0
    for amount in asked:
        if fits(amount_of(A, Capacity.MEMORY, amount), used, limit):
            used += amount
    assert used <= limit or used == asked[0]


@given(_files, st.sampled_from(["/srv/x", "/mnt/x"]), st.sampled_from(["/srv/x", "/mnt/x"]), st.sampled_from([A, B]))
def test_deleting_a_file_conflicts_with_every_operation_that_needs_it(
    file: FileIdentity, path: str, other_path: str, other_host: HostId
) -> None:
    deleted = a_vm(state=VmState.SHUT_OFF, disks=(replace(a_disk(), source=path, file=file, pool_id=None),))
    user = a_vm("db-1", state=VmState.SHUT_OFF, disks=(replace(a_disk(), source=other_path, file=file),))
    fleet = a_fleet(
        a_host(A, *((deleted, user) if other_host == A else (deleted,))),
        a_host(B, *((user,) if other_host == B else ())),
    )
    volume = exclusive(f"disk:{path}"), *_file_claims(file, A)
    needs = claims_of(StartVm(vm=an_id("db-1"), host=other_host), fleet)
    same_file = other_host == A or file.file_system != "ext4" or path == other_path
    collide = any(not compatible(one, other) for one in volume for other in needs.all)
    assert collide is same_file


def _file_claims(file: FileIdentity, host: HostId) -> tuple[Claim, ...]:
    where = f"{host}/{file.device}" if file.file_system == "ext4" else "shared"
    return (exclusive(f"file:{where}/{file.inode}"),)


def _fleet(state: VmState = VmState.RUNNING) -> Fleet:
    pools = (a_pool("vm", path="/srv/vm"), a_pool("other", path="/srv/other"))
    vm = a_vm(state=state, memory_mib=3000, disks=(replace(a_disk(), source="/srv/vm/web-1.qcow2"),))
    hosts = (a_host(A, reading=a_reading(A, vm, pools=pools)), a_host(B, reading=a_reading(B, pools=pools)))
    return a_fleet(*hosts)


def _amounts_of(intent: Intent, fleet: Fleet) -> dict[str, int]:
    return {claim.resource: claim.amount for claim in claims_of(intent, fleet).amounts.all}


def test_a_live_migration_claims_the_pools_of_both_ends_its_name_there_and_its_share_of_both_hosts() -> None:
    asked = claims_of(MigrateVm(vm=VM, host=A, destination=B, copy_storage=True), _fleet())
    assert {"pool:a/vm", "pool:b/vm"} <= asked.uses
    assert not {"pool:a/other", "pool:b/other"} & asked.uses
    assert {f"vm:{VM}", "name:b/web-1"} <= asked.holds
    assert {claim.resource: claim.amount for claim in asked.amounts.all} == {
        "host:a/migrations-out": 1,
        "host:b/migrations-in": 1,
        "host:a/disk-copies": 1,
        "host:b/disk-copies": 1,
        "host:b/memory": 3000,
    }


def test_moving_a_definition_takes_no_capacity() -> None:
    assert _amounts_of(MigrateVm(vm=VM, host=A, destination=B), _fleet(VmState.SHUT_OFF)) == {}


def test_a_start_claims_its_pool_its_memory_and_a_place_among_starts() -> None:
    fleet = _fleet(VmState.SHUT_OFF)
    assert "pool:a/vm" in claims_of(StartVm(vm=VM, host=A), fleet).uses
    assert _amounts_of(StartVm(vm=VM, host=A), fleet) == {"host:a/starts": 1, "host:a/memory": 3000}


@pytest.mark.parametrize(("start", "amounts"), [(False, {}), (True, {"host:a/starts": 1, "host:a/memory": 512})])
def test_a_new_vm_takes_memory_only_where_it_is_started(start: bool, amounts: dict[str, int]) -> None:
    assert _amounts_of(CreateVm(vm=an_id("n"), host=A, name="n", start=start), _fleet()) == amounts


def test_a_copied_base_image_is_a_disk_copy() -> None:
    intent = CreateVm(vm=an_id("n"), host=A, name="n", pool="vm", base_volume="debian")
    assert _amounts_of(intent, _fleet()) == {"host:a/disk-copies": 1}


def test_a_rename_claims_both_names() -> None:
    fleet = _fleet(VmState.SHUT_OFF)
    assert {"name:a/web-1", "name:a/web-2"} <= claims_of(RenameVm(vm=VM, host=A, new_name="web-2"), fleet).holds


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (MigrateVm(vm=VM, host=A, destination=B), PauseVm(vm=VM, host=A), True),
        (MigrateVm(vm=VM, host=A, destination=B), ForceOffVm(vm=VM, host=A), False),
        (MigrateVm(vm=VM, host=A, destination=B), SetPoolActive(host=B, pool="vm", active=False), False),
        (MigrateVm(vm=VM, host=A, destination=B), SetPoolActive(host=B, pool="other", active=False), True),
        (MigrateVm(vm=VM, host=A, destination=B), CreateVm(vm=an_id("n"), host=B, name="web-1"), False),
        (StartVm(vm=VM, host=A), SetPoolActive(host=A, pool="vm", active=False), False),
        (DeleteVm(vm=VM, host=A, with_disks=True), SetPoolActive(host=A, pool="vm", active=False), False),
        (CreateVm(vm=an_id("n"), host=A, name="n"), RenameVm(vm=VM, host=A, new_name="n"), False),
        (DeleteVolume(host=A, pool="vm", volume="x"), SetPoolActive(host=A, pool="vm", active=False), False),
    ],
)
def test_which_operations_may_run_together(one: Intent, other: Intent, together: bool) -> None:
    mine, others = claims_of(one, _fleet()), claims_of(other, _fleet())
    assert all(compatible(left, right) for left in mine.all for right in others.all) is together


def test_memory_is_limited_by_what_is_free_on_the_host_and_not_at_all_where_that_is_not_known() -> None:
    claim = amount_of(A, Capacity.MEMORY, 100)
    reading = a_reading(A)
    assert limit_of(claim, Limits(), None) is None
    assert limit_of(claim, Limits(), reading) == free_memory_mib(reading)


def test_every_capacity_has_a_limit() -> None:
    limits = Limits(migrations_in=1, migrations_out=2, starts=3, disk_copies=4)
    order = (Capacity.MIGRATIONS_IN, Capacity.MIGRATIONS_OUT, Capacity.STARTS, Capacity.DISK_COPIES)
    assert [limit_of(amount_of(A, one), limits, None) for one in order] == [1, 2, 3, 4]


def test_a_claim_reads_as_the_documents_write_it() -> None:
    asked = [exclusive("vm:U"), shared("pool:H/P"), amount_of(HostId("H"), Capacity.MEMORY, 4096)]
    assert [str(claim) for claim in asked] == ["vm:U exclusive", "pool:H/P shared", "host:H/memory 4096 MiB"]
    assert Claims().all == ()
