"""Every way to move a VM, for every kind of disk: what is advised is accepted, and a proof is of the very same file."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.model.migration import Belongings, DiskProbe
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.registry import plan
from novacron.model.plan.compatibility import MigrationFacts
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmDisk, VmReading, VmState
from tests.builders import a_disk, a_fleet, a_host, a_pool, a_reading, a_vm, a_volume
from tests.unit.model.test_planning_moves import move
from tests.unit.model.test_plans import DISK, FIT, LOCKED, OFF, SEEN, VM, A, B, code, planned

NETWORK = {"rbd": "vms/web-1", "nbd": "nbd://store:10809/web-1", "iscsi": "iscsi://store/iqn.2026-01:web/1"}
READ_ONLY = {protocol: f"{protocol}://mirror/web-1.iso" for protocol in ("http", "https", "ftp", "tftp")}
TIED = {"nvme": "nvme:0000:01:00.0/1", "vhostuser": "vhost-user:/run/web-1.sock", "vhostvdpa": "/dev/vhost-vdpa-0"}


def _disk_of(kind: str, target: str = "vda") -> VmDisk:
    path = f"/srv/vm/{target}"
    disks = {
        "file": a_disk(target=target, source=path),
        "shareable": a_disk(target=target, source=path, shareable=True),
        "block": a_disk(target=target, source=f"/dev/mapper/{target}", storage="block"),
        "dir": a_disk(target=target, source=path, storage="dir"),
        "cdrom": a_disk(target=target, source=path, kind="cdrom", readonly=True),
        "empty cdrom": a_disk(target=target, source="", kind="cdrom", readonly=True),
        "empty floppy": a_disk(target=target, source="", kind="floppy"),
        "volume": a_disk(target=target, source=f"vm/{target}", storage="volume"),
        "unknown": a_disk(target=target, source=f"future source of {target}", storage="future"),
        "nbd socket": a_disk(
            target=target, source="nbd://unix:/run/nbd/", storage="network", protocol="nbd", served_by_host=True
        ),
    }
    disks |= {
        protocol: a_disk(target=target, source=name, storage="network", protocol=protocol)
        for protocol, name in (NETWORK | READ_ONLY).items()
    }
    disks |= {storage: a_disk(target=target, source=name, storage=storage) for storage, name in TIED.items()}
    return disks[kind]


KINDS = (
    *("file", "shareable", "block", "dir", "cdrom", "empty cdrom", "empty floppy", "unknown", "nbd socket"),
    *NETWORK,
    *READ_ONLY,
    *TIED,
)


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What is so, whatever the planner is told of it."""

    kinds: tuple[str, ...]
    visible: bool = True
    one_file: bool = True
    locks_carried: bool = True
    file_systems: tuple[str, str] = ("nfs4", "nfs4")
    other_vm: bool = False
    """Whether another VM of the destination has the first disk's path."""
    belongings: Belongings = field(default_factory=Belongings)
    persistent: bool = True
    host_devices: tuple[str, ...] = ()
    device_made: bool = False
    """Whether a person made a device of the disk's name on the destination."""

    files_gone: bool = False
    """Whether a person deleted the destination's files of the disks' names."""

    def vm(self, *, running: bool) -> VmReading:
        vm = a_vm(
            state=VmState.RUNNING if running else VmState.SHUT_OFF,
            persistent=self.persistent,
            disks=tuple(_disk_of(kind, f"vd{'abc'[number]}") for number, kind in enumerate(self.kinds)),
        )
        return replace(vm, host_devices=self.host_devices)

    def facts(self, *, running: bool) -> MigrationFacts:
        paths = [disk.source for disk in self.vm(running=running).disks if disk.source.startswith("/")]
        lock = True if running else None
        here = tuple(
            DiskProbe(
                path=path, visible=True, lock_seen=lock, identity="9 now", inode="9", file_system=self.file_systems[0]
            )
            for path in paths
        )
        there = tuple(replace(one, file_system=self.file_systems[1]) for one in here)
        if not self.visible:
            there = tuple(DiskProbe(path=path, visible=False, free_mib=10**6) for path in paths)
        elif not self.one_file:
            there = tuple(replace(one, identity="8 then", inode="8", lock_seen=self.other_vm or None) for one in there)
        elif not self.locks_carried:
            there = tuple(replace(one, lock_seen=False) for one in there)
        if self.files_gone:
            files = {disk.source for disk in self.vm(running=running).disks if disk.storage == "file"}
            gone = files - {disk.source for disk in self.vm(running=running).disks if disk.kind == "cdrom"}
            there = tuple(replace(one, visible=one.visible and one.path not in gone) for one in there)
        if self.device_made:
            there = tuple(
                replace(one, visible=True, identity="new") if one.path.startswith("/dev/mapper/") else one
                for one in there
            )
        return MigrationFacts(fit=FIT, probes=there, at_source=here, belongings=self.belongings)

    def answer(self, *, running: bool, copy: bool) -> Plan | Refusal:
        others = [a_vm("other", disks=(a_disk(source="/srv/vm/vda"),))] if self.other_vm else []
        fleet = a_fleet(
            a_host("a", self.vm(running=running)), a_host("b", reading=a_reading("b", *others, pools=(a_pool(),)))
        )
        intent = MigrateVm(vm=VM, host=A, destination=B, copy_storage=copy)
        return plan(intent, fleet, self.facts(running=running))


ADVICE = {
    "migrate it without copying its storage": (True, False),
    "copy the storage along": (True, True),
    "shut it down and move it": (False, False),
    "start it and migrate it live with its storage": (True, True),
    "move it without copying its storage": (False, False),
}
"""What a refusal may advise, as the VM's state and the option that follow from it."""

IF_LOCKED = "start it: it can be migrated live if b then sees its lock"

SITUATIONS = st.builds(
    Situation,
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=2).map(tuple),
    visible=st.booleans(),
    one_file=st.booleans(),
    locks_carried=st.booleans(),
    file_systems=st.sampled_from([("nfs4", "nfs4"), ("ext4", "nfs4"), ("ext4", "ext4"), ("", "")]),
    other_vm=st.booleans(),
    belongings=st.builds(Belongings, snapshots=st.sampled_from([0, 0, 2]), tpm=st.booleans()),
    persistent=st.sampled_from([True, True, False]),
    host_devices=st.sampled_from([(), (), ("the PCI device 0000:06:02.0",)]),
)


@given(situation=SITUATIONS, running=st.booleans(), copy=st.booleans())
def test_what_a_refusal_advises_is_accepted_or_it_says_that_nothing_will_be(
    situation: Situation, running: bool, copy: bool
) -> None:
    answer = situation.answer(running=running, copy=copy)
    if isinstance(answer, Plan) or "cannot be moved to b as it is" in answer.remedy:
        return
    if answer.remedy.startswith("first "):
        by_hand, _, text = answer.remedy.rpartition(", then ")
        assert _is_open(_done_by_hand(situation, by_hand), text), answer
        return
    advised = [text for text in (*ADVICE, IF_LOCKED) if text in answer.remedy]
    for text in advised:
        assert _is_open(situation, text), answer
    if not advised:  # What is left is a person's work, and opens the way that was asked for.
        assert isinstance(_done_by_hand(situation, answer.remedy).answer(running=running, copy=copy), Plan), answer


def _is_open(situation: Situation, text: str) -> bool:
    """Return whether the planner accepts what it advised; a lock shows only when somebody holds it."""
    if text == IF_LOCKED:
        return not situation.locks_carried or isinstance(situation.answer(running=True, copy=False), Plan)
    running, copy = ADVICE[text]
    return isinstance(situation.answer(running=running, copy=copy), Plan)


def _done_by_hand(situation: Situation, remedy: str) -> Situation:
    """Return the situation after a person did what was advised."""
    kinds = situation.kinds
    if "detach it" in remedy or "eject it" in remedy:
        gone = {*TIED, "nbd socket", "unknown", "shareable", "cdrom"}
        kinds = tuple("empty cdrom" if kind in gone else kind for kind in kinds)
    return replace(
        situation,
        kinds=kinds,
        locks_carried=situation.locks_carried or "carries locks" in remedy,
        belongings=replace(
            situation.belongings, snapshots=0 if "snapshots" in remedy else situation.belongings.snapshots
        ),
        persistent=situation.persistent or "persistent" in remedy,
        device_made="make a device" in remedy,
        files_gone="left-over" in remedy,
        host_devices=() if "detach that device" in remedy else situation.host_devices,
    )


@given(situation=SITUATIONS)
def test_a_live_migration_is_planned_only_with_a_proof_for_each_writable_disk(situation: Situation) -> None:
    if isinstance(situation.answer(running=True, copy=False), Plan):
        writable = [kind for kind in situation.kinds if kind in {"file", "block", "dir"}]
        assert set(situation.kinds) <= {"file", "block", "dir", "cdrom", "empty cdrom", "empty floppy", *READ_ONLY}
        assert not writable or (situation.visible and situation.one_file and situation.locks_carried)
        assert not writable or situation.file_systems != ("ext4", "ext4")


@given(situation=SITUATIONS, running=st.booleans())
def test_a_file_that_is_there_already_is_never_copied_over(situation: Situation, running: bool) -> None:
    if isinstance(situation.answer(running=running, copy=True), Plan):
        assert not (situation.visible and "file" in situation.kinds)


@pytest.mark.parametrize("kind", NETWORK)
def test_storage_on_which_qemu_takes_no_lock_is_moved_shut_off_only(kind: str) -> None:
    vm = a_vm(disks=(_disk_of(kind),))
    for copy in (False, True):
        answer = move(replace(LOCKED, probes=()), vm=vm, copy=copy)
        assert isinstance(answer, Refusal)
        assert "shut it down and move it" in answer.remedy
    cold = planned(move(replace(LOCKED, probes=()), vm=a_vm(state=VmState.SHUT_OFF, disks=vm.disks)))
    assert any("reaches" in warning for warning in cold.warnings)


@pytest.mark.parametrize("kind", READ_ONLY)
def test_what_qemu_can_only_read_stands_in_no_ones_way(kind: str) -> None:
    planned(move(LOCKED, vm=a_vm(disks=(a_disk(), _disk_of(kind, "vdb")))))


@pytest.mark.parametrize("kind", [*TIED, "nbd socket"])
@pytest.mark.parametrize("vm", [a_vm(), OFF])
def test_what_belongs_to_its_host_keeps_the_vm_there(kind: str, vm: VmReading) -> None:
    answer = move(LOCKED, vm=replace(vm, disks=(_disk_of(kind),)))
    assert isinstance(answer, Refusal)
    assert "on a" in answer.reason
    assert answer.remedy == "detach it"


def test_a_device_of_its_host_keeps_the_vm_there() -> None:
    answer = move(LOCKED, vm=replace(a_vm(), host_devices=("the PCI device 0000:06:02.0",)))
    assert isinstance(answer, Refusal)
    assert "0000:06:02.0" in answer.reason


def test_a_disk_without_a_source_is_no_empty_drive() -> None:
    assert isinstance(move(LOCKED, vm=a_vm(disks=(a_disk(source=""),))), Refusal)
    for kind in ("empty cdrom", "empty floppy"):
        planned(move(LOCKED, vm=a_vm(disks=(a_disk(), _disk_of(kind, "sda")))))


def test_a_lock_of_another_vm_on_another_file_of_the_same_path_proves_nothing() -> None:
    other_file = replace(SEEN, inode="18")
    answer = move(replace(LOCKED, probes=(other_file,)))
    assert code(answer) is RefusalCode.DISK_NOT_EXCLUSIVE
    assert "another one" in str(answer)


def test_hosts_made_from_one_image_number_their_own_files_alike() -> None:
    own = replace(SEEN, file_system="ext4")
    assert code(move(MigrationFacts(fit=FIT, probes=(own,), at_source=(own,)))) is RefusalCode.DISK_NOT_EXCLUSIVE
    assert isinstance(move(MigrationFacts(fit=FIT, probes=(own,), at_source=(own,)), vm=OFF), Refusal)


@pytest.mark.parametrize(
    "otherwise", [{"inode": ""}, {"born": "1700000001"}, {"file_system_id": "2a"}, {"lock_seen": None}]
)
def test_a_lock_is_a_proof_only_where_both_ends_show_the_same_locked_file(otherwise: dict[str, str | None]) -> None:
    seen = replace(SEEN, born="1700000000", file_system_id="1f")
    planned(move(MigrationFacts(fit=FIT, probes=(seen,), at_source=(seen,))))
    here = replace(seen, **otherwise)
    assert code(move(MigrationFacts(fit=FIT, probes=(seen,), at_source=(here,)))) is RefusalCode.DISK_NOT_EXCLUSIVE


def test_a_guest_that_writes_while_both_hosts_look_is_still_one_file() -> None:
    planned(move(replace(LOCKED, at_source=(replace(SEEN, identity="17 and a later time"),))))


def test_a_lock_may_be_that_of_another_vm_of_the_destination() -> None:
    other = a_vm("other", disks=(a_disk(source=DISK),))
    fleet = a_fleet(a_host("a", a_vm()), a_host("b", other))
    answer = plan(MigrateVm(vm=VM, host=A, destination=B), fleet, LOCKED)
    assert code(answer) is RefusalCode.DISK_NOT_EXCLUSIVE
    assert "other on b" in str(answer)


def test_a_volume_is_looked_for_in_the_destinations_pool_of_that_name() -> None:
    vm = a_vm(disks=(a_disk(source=DISK, volume="vm/web-1.qcow2"),))
    elsewhere = a_pool("vm", path="/other", volumes=(a_volume("web-1.qcow2", path="/other/web-1.qcow2"),))
    intent = MigrateVm(vm=VM, host=A, destination=B)
    for pools, is_planned in (((a_pool("vm", volumes=(a_volume(),)),), True), ((elsewhere,), False), ((), False)):
        fleet = a_fleet(a_host("a", vm), a_host("b", reading=a_reading("b", pools=pools)))
        assert isinstance(plan(intent, fleet, LOCKED), Plan) is is_planned, pools


def test_a_volume_whose_place_is_not_known_is_asked_for_first() -> None:
    for vm in (a_vm(), OFF):
        answer = move(LOCKED, vm=replace(vm, disks=(_disk_of("volume"),)))
        assert isinstance(answer, Refusal)
        assert "pool vm active on a" in answer.remedy


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("copy", [True, False])
def test_snapshots_are_told_before_with_what_to_do(running: bool, copy: bool) -> None:
    situation = Situation(kinds=("file",), belongings=Belongings(snapshots=2), visible=not copy)
    answer = situation.answer(running=running, copy=copy)
    assert isinstance(answer, Refusal)
    if running or not copy:
        assert "2 snapshots" in answer.reason
        assert answer.remedy == "delete its snapshots"


def test_checkpoints_are_not_lost_on_the_way() -> None:
    answer = move(replace(LOCKED, belongings=Belongings(checkpoints=1)))
    assert isinstance(answer, Refusal)
    assert "1 checkpoint on a" in answer.reason
    assert "full one" in answer.remedy


def test_a_transient_vm_is_not_advised_to_be_shut_off() -> None:
    situation = Situation(kinds=("rbd",), persistent=False)
    answer = situation.answer(running=True, copy=False)
    assert isinstance(answer, Refusal)
    assert answer.remedy == "first make it persistent, then shut it down and move it"
