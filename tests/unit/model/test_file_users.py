"""What may be deleted, judged on generated fleets beside a model that knows what really is one file.

The truth is a set of real files. What a host says of them is derived: links give a file several paths, shared storage
gives it one inode on many hosts, and hosts may be unread, stale, or unable to tell. Whatever the planner lets go must
be needed by nobody in truth, unless a person vouched for who cannot be asked.
"""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from novacron.model.files import FileIdentity, FileUse, UseKind
from novacron.model.fleet import Fleet, Host
from novacron.model.ids import HostId
from novacron.model.link import LinkStatus
from novacron.model.operations.deletion import DeleteVm
from novacron.model.operations.registry import plan
from novacron.model.operations.storage import DeleteVolume
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.shared_file_systems import exported
from novacron.model.storage import Pool
from novacron.model.vm import VmDisk, VmReading, VmState
from tests.builders import a_fleet, a_host, a_pool, a_reading, a_vm, a_volume, an_id

_HOSTS = ("a", "b", "c")
_FOLDERS = {"pool": "/srv/pool", "link": "/srv/link", "loose": "/home/loose"}
"""`link` leads to `pool`; `loose` is in no pool."""


@dataclass(frozen=True)
class RealFile:
    """A file as it truly is: on one host's own storage, or on the storage all of them share."""

    name: str
    shared: bool
    host: str
    """Where it is; empty for one on shared storage, which is one file for all."""

    def is_seen_by(self, host: str) -> bool:
        """Whether the host has it at all."""
        return self.shared or self.host == host

    def identity(self, host: str) -> FileIdentity:
        """Return what the host says of it. Inode numbers of two hosts' own file systems collide on purpose."""
        inode = (200 if self.shared else 100) + int(self.name[1:])
        return FileIdentity(
            device=f"{host}:{'nfs' if self.shared else 'disk'}",
            inode=inode,
            file_system="nfs4" if self.shared else "ext4",
        )

    def path(self, folder: str) -> str:
        """Return what it is called in one of the folders."""
        kind = "shared" if self.shared else "own"
        return f"{_FOLDERS[folder]}-{kind}/{self.name}"


@dataclass(frozen=True)
class Need:
    """In truth, a VM of a host needs a file, which its definition calls by this folder, in this role."""

    host: str
    vm: str
    file: RealFile
    folder: str
    role: str


_own_files = st.builds(
    RealFile, name=st.sampled_from(["f1", "f2", "f3"]), shared=st.just(False), host=st.sampled_from(_HOSTS)
)
_shared_files = st.builds(RealFile, name=st.sampled_from(["f1", "f2", "f3"]), shared=st.just(True), host=st.just(""))
_files = st.one_of(_own_files, _shared_files)


@st.composite
def _needs(draw: st.DrawFn) -> list[Need]:
    needs = []
    for _ in range(draw(st.integers(0, 6))):
        file = draw(_files)
        host = draw(st.sampled_from(_HOSTS)) if file.shared else file.host
        role = draw(st.sampled_from(["disk", "base image", "kernel", "snapshot one"]))
        vm = draw(st.sampled_from(["v1", "v2"]))
        needs.append(Need(host, f"{vm}{host}", file, draw(st.sampled_from(list(_FOLDERS))), role))
    return needs


@dataclass(frozen=True)
class Knowledge:
    """What one host lets the backend know."""

    state: str
    """current, stale (its VMs were not there yet when it was read), unread, or untold (it cannot look at files)."""


def _host(name: str, needs: list[Need], knowledge: Knowledge) -> Host:
    if knowledge.state == "unread":
        return a_host(name, never_read=True, link=LinkStatus.UNREACHABLE)
    mine = [need for need in needs if need.host == name and knowledge.state != "stale"]
    vms = [_vm(vm, [need for need in mine if need.vm == vm]) for vm in sorted({need.vm for need in mine})]
    real = [RealFile(file, shared, name) for file in ("f1", "f2", "f3") for shared in (False, True)]
    pools = tuple(
        a_pool(
            kind,
            path=f"/srv/pool-{kind}",
            shared=kind == "shared",
            volumes=tuple(
                a_volume(file.name, path=file.path("pool"), file=file.identity(name))
                for file in real
                if file.shared is (kind == "shared")
            ),
        )
        for kind in ("own", "shared")
    )
    reading = a_reading(name, *vms, pools=pools)
    reading = replace(reading, files_trouble="its storage hangs" if knowledge.state == "untold" else "")
    link = LinkStatus.UNREACHABLE if knowledge.state == "stale" else LinkStatus.UP
    return a_host(name, reading=reading, link=link)


def _vm(name: str, needs: list[Need]) -> VmReading:
    disks = [need for need in needs if need.role == "disk"]
    others = [need for need in needs if need.role != "disk"]
    return a_vm(
        name,
        state=VmState.SHUT_OFF,
        disks=tuple(
            VmDisk(
                target=f"vd{index}",
                source=need.file.path(need.folder),
                file=need.file.identity(need.host),
                pool_id=a_pool("shared" if need.file.shared else "own").id if need.folder == "pool" else None,
            )
            for index, need in enumerate(disks)
        ),
        uses=tuple(
            FileUse(path=need.file.path(need.folder), what=need.role, file=need.file.identity(need.host))
            for need in others
        ),
    )


def _fleet(needs: list[Need], knowledge: dict[str, Knowledge]) -> Fleet:
    return a_fleet(*(_host(name, needs, knowledge[name]) for name in _HOSTS))


_knowledge = st.fixed_dictionaries(
    {
        name: st.builds(Knowledge, st.sampled_from(["current", "current", "stale", "unread", "untold"]))
        for name in _HOSTS
    }
)


def _deleted(answer: Plan | Refusal) -> set[str]:
    if isinstance(answer, Refusal):
        return set()
    return {step.id.removeprefix("delete-disk:") for step in answer.steps if step.id.startswith("delete-disk:")}


@settings(max_examples=500, deadline=None)
@given(_needs(), _knowledge, _files, st.sampled_from(_HOSTS))
def test_a_volume_that_anything_needs_in_truth_is_never_let_go(
    needs: list[Need], knowledge: dict[str, Knowledge], target: RealFile, host: str
) -> None:
    if not target.is_seen_by(host):
        target = replace(target, host=host)
    fleet = _fleet(needs, knowledge)
    pool = "shared" if target.shared else "own"
    answer = plan(DeleteVolume(host=HostId(host), pool=pool, volume=target.name), fleet)
    needed = any(need.file == target for need in needs)
    if isinstance(answer, Plan):
        assert not needed
    elif answer.code is RefusalCode.IN_USE:
        assert needed
    # Who asks a fleet of which everything is known gets what the truth allows.
    if all(one.state == "current" for one in knowledge.values()):
        assert isinstance(answer, Plan) is not needed


@settings(max_examples=500, deadline=None)
@given(_needs(), _knowledge)
def test_no_disk_that_another_vm_needs_in_truth_goes_with_its_vm(
    needs: list[Need], knowledge: dict[str, Knowledge]
) -> None:
    fleet = _fleet(needs, knowledge)
    for need in needs:
        intent = DeleteVm(vm=an_id(need.vm), host=HostId(need.host), with_disks=True)
        for path in _deleted(plan(intent, fleet)):
            (mine,) = {one.file for one in needs if one.vm == need.vm and one.file.path(one.folder) == path}
            others = [one for one in needs if one.vm != need.vm and one.file == mine]
            assert not others
            assert path.startswith("/srv/pool-")


def test_a_host_that_is_vouched_for_and_answers_is_asked_all_the_same() -> None:
    needs = [Need("b", "v1b", RealFile("f1", True, ""), "link", "disk")]
    fleet = _fleet(needs, dict.fromkeys(_HOSTS, Knowledge("current")))
    intent = DeleteVolume(host=HostId("a"), pool="shared", volume="f1", vouched=(HostId("b"),))
    answer = plan(intent, fleet)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.IN_USE


def test_each_host_in_doubt_is_named_and_may_be_vouched_for() -> None:
    knowledge = {"a": Knowledge("current"), "b": Knowledge("unread"), "c": Knowledge("stale")}
    fleet = _fleet([], knowledge)
    answer = plan(DeleteVolume(host=HostId("a"), pool="shared", volume="f1"), fleet)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.UNKNOWN_ELSEWHERE
    assert "b, c" in answer.remedy
    vouched = plan(
        DeleteVolume(host=HostId("a"), pool="shared", volume="f1", vouched=(HostId("b"), HostId("c"))), fleet
    )
    assert isinstance(vouched, Plan)
    assert any("you vouch that b" in line for line in vouched.warnings)
    # What is on the host's own disk is nobody else's business.
    assert isinstance(plan(DeleteVolume(host=HostId("a"), pool="own", volume="f1"), fleet), Plan)


def test_a_host_that_left_the_fleet_still_needs_what_it_needed() -> None:
    needs = [Need("b", "v1b", RealFile("f1", True, ""), "pool", "disk")]
    whole = _fleet(needs, dict.fromkeys(_HOSTS, Knowledge("current")))
    former = whole.hosts[HostId("b")].reading
    assert former is not None
    fleet = replace(a_fleet(*(host for host in whole.hosts.values() if host.id != "b")), former=(former,))
    intent = DeleteVolume(host=HostId("a"), pool="shared", volume="f1")
    refusal = plan(intent, fleet)
    assert isinstance(refusal, Refusal)
    assert "v1b on b" in refusal.reason
    assert isinstance(plan(replace(intent, vouched=(HostId("b"),)), fleet), Plan)


def test_a_file_below_a_folder_that_a_vm_shares_is_needed() -> None:
    for folder in ("/srv", "/srv/pool-own"):
        sharing = a_vm("sharing", uses=(FileUse(path=folder, what="shared folder", kind=UseKind.FOLDER),))
        pool = a_pool("own", path="/srv/pool-own", volumes=(a_volume("f1", path="/srv/pool-own/f1"),))
        fleet = a_fleet(a_host("a", reading=a_reading("a", sharing, pools=(pool,))))
        answer = plan(DeleteVolume(host=HostId("a"), pool="own", volume="f1"), fleet)
        assert isinstance(answer, Refusal)
        assert "sharing on a (shared folder)" in answer.reason


def test_a_vm_whose_image_header_could_not_be_read_may_need_anything_on_its_host() -> None:
    unread = a_vm("dark", uses=(FileUse(path="/home/top.qcow2", what="image", kind=UseKind.UNREAD),))
    pool = a_pool("own", path="/srv/pool-own", volumes=(a_volume("f1", path="/srv/pool-own/f1"),))
    fleet = a_fleet(a_host("a", reading=a_reading("a", unread, pools=(pool,))))
    answer = plan(DeleteVolume(host=HostId("a"), pool="own", volume="f1"), fleet)
    assert isinstance(answer, Refusal)
    assert "/home/top.qcow2 of dark" in answer.reason


def _on_shared_storage(*vms: VmReading, pools: tuple[Pool, ...] = ()) -> Fleet:
    """Return host a, whose pool "shared" has f1, and host b, which has the VMs."""
    knows = dict.fromkeys(_HOSTS, Knowledge("current"))
    return _fleet([], knows).with_host(a_host("b", reading=a_reading("b", *vms, pools=pools)))


def test_a_file_on_a_share_that_another_host_has_not_mounted_is_needed_there() -> None:
    absent = FileIdentity(device="", inode=0)
    vm = a_vm("asleep", state=VmState.SHUT_OFF, disks=(VmDisk(target="vda", source="/mnt/vms/f1", file=absent),))
    answer = plan(DeleteVolume(host=HostId("a"), pool="shared", volume="f1"), _on_shared_storage(vm))
    assert isinstance(answer, Refusal)
    assert "asleep on b" in answer.reason
    # What is on a host's own disk is missed by nobody else.
    assert isinstance(plan(DeleteVolume(host=HostId("a"), pool="own", volume="f1"), _on_shared_storage(vm)), Plan)


@pytest.mark.parametrize("as_disk", [True, False])
def test_a_volume_named_by_a_stopped_pool_is_needed(as_disk: bool) -> None:
    disk = VmDisk(target="vda", source="other/f1", storage="volume")
    use = FileUse(path="other/f1", what="disk", kind=UseKind.VOLUME)
    vm = a_vm("by-volume", disks=(disk,)) if as_disk else a_vm("by-volume", uses=(use,))
    answer = plan(DeleteVolume(host=HostId("a"), pool="shared", volume="f1"), _on_shared_storage(vm))
    assert isinstance(answer, Refusal)
    assert "by-volume on b" in answer.reason


def test_a_file_below_a_folder_that_is_a_disk_is_needed() -> None:
    vm = a_vm("of-folder", disks=(VmDisk(target="vda", source="/srv/pool-own", storage="dir"),))
    fleet = _fleet([], dict.fromkeys(_HOSTS, Knowledge("current")))
    own = fleet.hosts[HostId("a")].reading
    assert own is not None
    fleet = fleet.with_host(a_host("a", reading=replace(own, vms=(vm,))))
    assert isinstance(plan(DeleteVolume(host=HostId("a"), pool="own", volume="f1"), fleet), Refusal)


def test_disks_that_a_left_over_definition_elsewhere_names_are_kept_and_said_to_be() -> None:
    file = RealFile("f1", True, "")
    vms = {host: _vm("twin", [Need(host, "twin", file, "pool", "disk")]) for host in ("a", "b")}
    fleet = _fleet([], dict.fromkeys(_HOSTS, Knowledge("current")))
    for name, vm in vms.items():
        reading = fleet.hosts[HostId(name)].reading
        assert reading is not None
        fleet = fleet.with_host(a_host(name, reading=replace(reading, vms=(vm,))))
    answer = plan(DeleteVm(host=HostId("a"), vm=an_id("twin"), with_disks=True), fleet)
    assert isinstance(answer, Plan)
    assert [step.id for step in answer.steps] == ["undefine"]
    assert any("twin on b uses it too" in line for line in answer.warnings)


def test_a_host_that_may_mount_what_another_exports_may_need_it() -> None:
    lent = FileIdentity(device="8:1", inode=7, file_system=exported("ext4"))
    pool = a_pool("own", path="/srv/own", volumes=(a_volume("f1", path="/srv/own/f1", file=lent),))
    home = a_host("a", reading=a_reading("a", pools=(pool,)))
    mounted = replace(lent, device="0:50", file_system="nfs4")
    vm = a_vm("mounting", disks=(VmDisk(target="vda", source="/mnt/other-name", file=mounted),))
    for other, code in (
        (a_host("b", vm), RefusalCode.IN_USE),
        (a_host("b", never_read=True, link=LinkStatus.UNREACHABLE), RefusalCode.UNKNOWN_ELSEWHERE),
    ):
        answer = plan(DeleteVolume(host=HostId("a"), pool="own", volume="f1"), a_fleet(home, other))
        assert isinstance(answer, Refusal)
        assert answer.code is code


def test_a_file_below_a_folder_that_a_vm_on_another_host_shares_by_another_name_is_needed() -> None:
    shared = FileIdentity(device="0:50", inode=2, file_system="nfs4")
    own = FileIdentity(device="8:1", inode=2, file_system="ext4")
    use = FileUse(path="/mnt/share", what="shared folder", kind=UseKind.FOLDER, file=replace(shared, device="0:61"))
    for folder, is_needed in ((shared, True), (own, False)):
        file = replace(folder, inode=77)
        volume = a_volume("f1", path="/srv/vm/f1", file=file)
        pool = replace(a_pool("own", path="/srv/vm", volumes=(volume,)), folders=(folder,))
        home = a_host("a", reading=a_reading("a", pools=(pool,)))
        fleet = a_fleet(home, a_host("b", a_vm("sharing", uses=(use,))))
        answer = plan(DeleteVolume(host=HostId("a"), pool="own", volume="f1"), fleet)
        assert isinstance(answer, Refusal) is is_needed
