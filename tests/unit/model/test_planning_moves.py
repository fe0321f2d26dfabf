"""When a migration is planned: what the destination and its disks must show, and each refusal with its reason."""

from dataclasses import replace

import pytest

from novacron.model.capability import Capabilities, Capability, MissingCapability
from novacron.model.fleet import Host
from novacron.model.ids import HostId
from novacron.model.migration import DiskProbe, MigrationMode
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.registry import plan
from novacron.model.plan.compatibility import MigrationFacts
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode
from tests.builders import a_disk, a_fleet, a_host, a_reading, a_vm, some_facts
from tests.unit.model.test_plans import DISK, FIT, LOCKED, OFF, SEEN, VM, A, B, code, on, planned


def move(facts: MigrationFacts, *, vm=None, copy: bool = False) -> Plan | Refusal:
    fleet = on(vm or a_vm())
    return plan(MigrateVm(vm=VM, host=A, destination=B, copy_storage=copy), fleet, facts)


@pytest.mark.parametrize(
    ("fit", "wanted"),
    [
        ({"cpu_compatible": False}, RefusalCode.INCOMPATIBLE),
        ({"domain_type_supported": False}, RefusalCode.INCOMPATIBLE),
        ({"missing_networks": ("dmz",)}, RefusalCode.INCOMPATIBLE),
        ({"machine_supported": False}, RefusalCode.INCOMPATIBLE),
        ({"kernel_visible": False}, RefusalCode.INCOMPATIBLE),
        ({"name_taken": True}, RefusalCode.NAME_TAKEN),
        ({"memory_free_mib": 100}, RefusalCode.NO_ROOM),
    ],
)
def test_a_destination_that_does_not_fit_says_why(fit: dict[str, object], wanted: RefusalCode) -> None:
    answer = move(replace(LOCKED, fit=replace(FIT, **fit)))
    assert code(answer) is wanted
    assert isinstance(answer, Refusal)
    assert answer.remedy


@pytest.mark.parametrize("lock_seen", [None, False])
def test_a_disk_whose_lock_is_not_seen_is_never_migrated_live(lock_seen: bool | None) -> None:
    probes = (replace(SEEN, lock_seen=lock_seen),)
    answer = move(replace(LOCKED, probes=probes))
    assert code(answer) is RefusalCode.DISK_NOT_EXCLUSIVE
    planned(move(MigrationFacts(fit=FIT, probes=probes, at_source=probes), vm=OFF))


def test_a_shareable_disk_is_never_migrated_live_even_when_a_lock_is_seen() -> None:
    assert code(move(LOCKED, vm=a_vm(disks=(a_disk(shareable=True),)))) is RefusalCode.DISK_NOT_EXCLUSIVE


def test_a_disk_that_was_not_probed_counts_as_absent() -> None:
    assert code(move(MigrationFacts(fit=FIT))) is RefusalCode.INCOMPATIBLE


def test_copied_disks_need_not_be_there_and_must_not_be_the_same_file() -> None:
    absent = MigrationFacts(fit=FIT, probes=(DiskProbe(path=DISK, visible=False),))
    assert code(move(absent)) is RefusalCode.INCOMPATIBLE
    planned(move(absent, copy=True))
    assert code(move(LOCKED, copy=True)) is RefusalCode.INCOMPATIBLE
    on_nfs = DiskProbe(path=DISK, visible=True, file_system="nfs4")
    assert code(move(MigrationFacts(fit=FIT, probes=(on_nfs,)), copy=True)) is RefusalCode.INCOMPATIBLE
    no_locks = DiskProbe(path=DISK, visible=True, lock_seen=False)
    assert code(move(MigrationFacts(fit=FIT, probes=(no_locks,)), copy=True)) is RefusalCode.DISK_NOT_EXCLUSIVE
    left_over = DiskProbe(path=DISK, visible=True, file_system="ext4")
    answer = move(MigrationFacts(fit=FIT, probes=(left_over,)), copy=True)
    assert isinstance(answer, Refusal)
    assert "left-over" in answer.remedy, "what it is cannot be told from here, so it is not overwritten"
    full = DiskProbe(path=DISK, visible=False, free_mib=10)
    assert code(move(MigrationFacts(fit=FIT, probes=(full,)), copy=True)) is RefusalCode.NO_ROOM


def test_a_medium_that_is_not_there_is_named() -> None:
    vm = a_vm(disks=(a_disk(source="/iso/x.iso", kind="cdrom", readonly=True),))
    answer = move(MigrationFacts(fit=FIT, probes=(DiskProbe(path="/iso/x.iso", visible=False),)), vm=vm, copy=True)
    assert code(answer) is RefusalCode.INCOMPATIBLE
    assert isinstance(answer, Refusal)
    assert "eject" in answer.remedy


def test_a_move_nowhere_or_with_bad_limits_is_invalid() -> None:
    fleet = on(a_vm())
    for intent in (
        MigrateVm(vm=VM, host=A, destination=A),
        MigrateVm(vm=VM, host=A, destination=B, bandwidth_mib_s=0),
        MigrateVm(vm=VM, host=A, destination=B, bandwidth_mib_s=10**30),
        MigrateVm(vm=VM, host=A, destination=B, max_downtime_ms=-1),
        MigrateVm(vm=VM, host=A, destination=B, max_downtime_ms=10**30),
    ):
        assert code(plan(intent, fleet, LOCKED)) is RefusalCode.INVALID
    cold = MigrateVm(vm=VM, host=A, destination=B, copy_storage=True)
    assert code(plan(cold, on(OFF), LOCKED)) is RefusalCode.INVALID


def test_a_destination_that_was_not_asked_is_a_refusal() -> None:
    assert code(plan(MigrateVm(vm=VM, host=A, destination=B), on(a_vm()))) is RefusalCode.INCOMPATIBLE


def test_peer_to_peer_needs_to_know_how_the_hosts_reach_each_other() -> None:
    b = a_host("b")
    fleet = a_fleet(a_host("a", a_vm()), replace(b, spec=replace(b.spec, uri="", ssh="b")))
    answer = plan(MigrateVm(vm=VM, host=A, destination=B), fleet, LOCKED)
    assert code(answer) is RefusalCode.INCOMPATIBLE
    assert "peer_uri" in str(answer)
    planned(plan(MigrateVm(vm=VM, host=A, destination=B, mode=MigrationMode.RELAYED), fleet, LOCKED))


@pytest.mark.parametrize("unable", [A, B])
def test_a_host_whose_hypervisor_cannot_migrate_is_named_before_anything_is_asked(unable: HostId) -> None:
    lacks = Capabilities(missing=(MissingCapability(capability=Capability.MIGRATE, reason="its driver cannot"),))
    vms = {A: (a_vm(),), B: ()}

    def host(name: HostId) -> Host:
        facts = replace(some_facts(name), capabilities=lacks) if name == unable else None
        return a_host(name, reading=a_reading(name, *vms[name], facts=facts))

    answer = plan(MigrateVm(vm=VM, host=A, destination=B), a_fleet(host(A), host(B)), LOCKED)
    assert isinstance(answer, Refusal)
    assert (answer.code, answer.subject) == (RefusalCode.INCOMPATIBLE, unable)
    assert answer.reason == f"{unable} cannot migrate a running VM: its driver cannot"
