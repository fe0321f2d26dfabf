"""What each intent would do, what it touches, how it is undone; and each expected "no" with its reason."""

from dataclasses import replace

import pytest

from novacron.model.fleet import Fleet
from novacron.model.ids import HostId
from novacron.model.link import LinkStatus
from novacron.model.migration import DiskProbe, GuestFit
from novacron.model.operations.creation import CreateVm
from novacron.model.operations.definition import RenameVm, SetAutostart
from novacron.model.operations.deletion import DeleteVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.power import ForceOffVm, PauseVm, RebootVm, ResumeVm, ShutdownVm, StartVm
from novacron.model.operations.registry import plan
from novacron.model.operations.resizing import ResizeVm
from novacron.model.operations.storage import DeleteVolume, SetPoolActive
from novacron.model.plan.compatibility import MigrationFacts
from novacron.model.plan.plan import Danger, Plan, Undo
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import StateReason, VmState
from tests.builders import a_disk, a_file, a_fleet, a_host, a_pool, a_reading, a_vm, a_volume, an_id

A, B = HostId("a"), HostId("b")
VM = an_id("web-1")
OFF = a_vm(state=VmState.SHUT_OFF)
FIT = GuestFit(cpu_compatible=True, domain_type_supported=True, memory_free_mib=8192, machine_supported=True)
DISK = "/srv/vm/web-1.qcow2"
SEEN = DiskProbe(path=DISK, visible=True, lock_seen=True, identity="one file", inode="17", file_system="nfs4")
LOCKED = MigrationFacts(fit=FIT, probes=(SEEN,), at_source=(SEEN,))


def code(answer: Plan | Refusal) -> RefusalCode | None:
    return answer.code if isinstance(answer, Refusal) else None


def planned(answer: Plan | Refusal) -> Plan:
    assert isinstance(answer, Plan), answer
    return answer


def on(*vms, pools=None) -> Fleet:
    return a_fleet(a_host("a", reading=a_reading("a", *vms, pools=pools)), a_host("b"))


@pytest.mark.parametrize(
    ("vm", "intent", "danger", "undo"),
    [
        (OFF, StartVm(vm=VM, host=A), Danger.NONE, Undo.REVERSIBLE),
        (a_vm(state=VmState.PAUSED), ResumeVm(vm=VM, host=A), Danger.NONE, Undo.REVERSIBLE),
        (a_vm(), SetAutostart(vm=VM, host=A, enabled=True), Danger.NONE, Undo.REVERSIBLE),
        (a_vm(), ShutdownVm(vm=VM, host=A), Danger.CONFIRM, Undo.REVERSIBLE),
        (a_vm(), RebootVm(vm=VM, host=A), Danger.CONFIRM, Undo.NEVER),
        (a_vm(), PauseVm(vm=VM, host=A), Danger.CONFIRM, Undo.REVERSIBLE),
        (a_vm(), ForceOffVm(vm=VM, host=A), Danger.CONFIRM, Undo.NEVER),
        (OFF, RenameVm(vm=VM, host=A, new_name="x"), Danger.CONFIRM, Undo.REVERSIBLE),
        (a_vm(), ResizeVm(vm=VM, host=A, vcpus=4), Danger.CONFIRM, Undo.REVERSIBLE),
        (OFF, DeleteVm(vm=VM, host=A), Danger.TYPE_NAME, Undo.NEVER),
        (a_vm(), MigrateVm(vm=VM, host=A, destination=B), Danger.CONFIRM, Undo.REVERSIBLE),
        (OFF, MigrateVm(vm=VM, host=A, destination=B), Danger.CONFIRM, Undo.REVERSIBLE),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_each_verb_says_how_dangerous_it_is_and_how_it_is_undone(vm, intent: Intent, danger, undo) -> None:
    answer = planned(plan(intent, on(vm), LOCKED))
    assert (answer.danger, answer.undo) == (danger, undo)
    assert answer.steps
    assert answer.touches
    assert "web-1" in answer.title
    assert bool(answer.undo_how) == (undo is Undo.REVERSIBLE)


@pytest.mark.parametrize(
    ("vm", "intent"),
    [
        (a_vm(), StartVm(vm=VM, host=A)),
        (a_vm(), ResumeVm(vm=VM, host=A)),
        (OFF, ShutdownVm(vm=VM, host=A)),
        (a_vm(state=VmState.PAUSED), ShutdownVm(vm=VM, host=A)),
        (OFF, RebootVm(vm=VM, host=A)),
        (OFF, ForceOffVm(vm=VM, host=A)),
        (OFF, PauseVm(vm=VM, host=A)),
        (a_vm(), RenameVm(vm=VM, host=A, new_name="x")),
        (a_vm(), DeleteVm(vm=VM, host=A)),
        (a_vm(state=VmState.PAUSED), MigrateVm(vm=VM, host=A, destination=B)),
        (
            a_vm(state=VmState.PAUSED, reason=StateReason.POSTCOPY_FAILED),
            ResumeVm(vm=VM, host=A),
        ),
    ],
)
def test_the_wrong_state_is_refused_with_a_remedy(vm, intent: Intent) -> None:
    answer = plan(intent, on(vm), LOCKED)
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.WRONG_STATE
    assert answer.remedy


@pytest.mark.parametrize(
    "intent",
    [
        ShutdownVm(vm=VM, host=A),
        RebootVm(vm=VM, host=A),
        ResizeVm(vm=VM, host=A, vcpus=4),
        MigrateVm(vm=VM, host=A, destination=B),
    ],
)
def test_a_job_that_somebody_else_started_keeps_hands_off(intent: Intent) -> None:
    assert code(plan(intent, on(a_vm(job_active=True)), LOCKED)) is RefusalCode.LOCKED


def test_force_off_works_even_under_a_job_and_says_so() -> None:
    answer = planned(plan(ForceOffVm(vm=VM, host=A), on(a_vm(job_active=True))))
    assert any("will fail" in warning for warning in answer.warnings)


def test_unknown_vms_and_hosts_and_moved_vms_are_told_apart() -> None:
    fleet = on(OFF)
    assert code(plan(StartVm(vm=an_id("nobody"), host=A), fleet)) is RefusalCode.NOT_FOUND
    assert code(plan(StartVm(vm=VM, host=HostId("nowhere")), fleet)) is RefusalCode.NOT_FOUND
    moved = plan(StartVm(vm=VM, host=B), fleet)
    assert code(moved) is RefusalCode.CHANGED
    assert isinstance(moved, Refusal)
    assert "on a now" in moved.reason


@pytest.mark.parametrize("status", [status for status in LinkStatus if status is not LinkStatus.UP])
def test_nothing_is_planned_on_a_host_that_does_not_answer(status: LinkStatus) -> None:
    fleet = a_fleet(a_host("a", OFF, link=status))
    assert code(plan(StartVm(vm=VM, host=A), fleet)) is RefusalCode.HOST_NOT_CURRENT


@pytest.mark.parametrize("state", [VmState.RUNNING, VmState.PAUSED, VmState.SHUTTING_DOWN, VmState.SUSPENDED])
def test_start_and_resume_are_refused_while_active_elsewhere(state: VmState) -> None:
    for mine, intent in ((VmState.SHUT_OFF, StartVm(vm=VM, host=A)), (VmState.PAUSED, ResumeVm(vm=VM, host=A))):
        fleet = a_fleet(a_host("a", a_vm(state=mine)), a_host("b", a_vm(state=state)))
        assert code(plan(intent, fleet)) is RefusalCode.ACTIVE_ELSEWHERE


@pytest.mark.parametrize("state", list(VmState))
def test_start_is_refused_while_a_host_that_had_it_is_silent_whatever_it_said_last(state: VmState) -> None:
    fleet = a_fleet(a_host("a", OFF), a_host("b", a_vm(state=state), link=LinkStatus.STALE))
    assert code(plan(StartVm(vm=VM, host=A), fleet)) is RefusalCode.UNKNOWN_ELSEWHERE


def test_a_host_that_was_never_read_is_no_reason_to_refuse() -> None:
    fleet = a_fleet(a_host("a", OFF), a_host("b", never_read=True, link=LinkStatus.UNREACHABLE))
    planned(plan(StartVm(vm=VM, host=A), fleet))


def test_a_second_definition_is_a_warning_when_nothing_runs() -> None:
    fleet = a_fleet(a_host("a", OFF), a_host("b", OFF))
    assert "also defined on b" in planned(plan(StartVm(vm=VM, host=A), fleet)).warnings[0]


def test_autostart_is_not_turned_on_for_two_copies() -> None:
    fleet = a_fleet(a_host("a", OFF), a_host("b", a_vm(state=VmState.SHUT_OFF, autostart=True)))
    answer = plan(SetAutostart(vm=VM, host=A, enabled=True), fleet)
    assert code(answer) is RefusalCode.ACTIVE_ELSEWHERE
    planned(plan(SetAutostart(vm=VM, host=A, enabled=False), fleet))


def test_no_copy_is_started_while_another_host_would_start_its_own_when_it_boots() -> None:
    elsewhere = a_vm(state=VmState.SHUT_OFF, autostart=True)
    answer = plan(StartVm(vm=VM, host=A), a_fleet(a_host("a", OFF), a_host("b", elsewhere)))
    assert code(answer) is RefusalCode.ACTIVE_ELSEWHERE
    assert isinstance(answer, Refusal)
    assert "turn autostart off on b" in answer.remedy
    planned(plan(StartVm(vm=VM, host=B), a_fleet(a_host("a", OFF), a_host("b", elsewhere))))
    # Where the other host is gone, a person's word counts, as for any copy there.
    dead = a_fleet(a_host("a", OFF), a_host("b", elsewhere, link=LinkStatus.UNREACHABLE))
    assert code(plan(StartVm(vm=VM, host=A), dead)) is RefusalCode.UNKNOWN_ELSEWHERE
    assert "also defined on b" in " ".join(planned(plan(StartVm(vm=VM, host=A, vouched=(B,)), dead)).warnings)


def test_rename_needs_a_free_and_decent_name() -> None:
    fleet = on(OFF, a_vm("db-1"))
    assert code(plan(RenameVm(vm=VM, host=A, new_name="db-1"), fleet)) is RefusalCode.NAME_TAKEN
    assert code(plan(RenameVm(vm=VM, host=A, new_name="-x"), fleet)) is RefusalCode.INVALID


def test_resize_needs_a_size_that_exists() -> None:
    for intent in (
        ResizeVm(vm=VM, host=A),
        ResizeVm(vm=VM, host=A, vcpus=0),
        ResizeVm(vm=VM, host=A, memory_mib=1),
    ):
        assert code(plan(intent, on(a_vm()))) is RefusalCode.INVALID
    assert code(plan(ResizeVm(vm=VM, host=A, memory_mib=1_000_000), on(a_vm()))) is RefusalCode.NO_ROOM


def test_delete_with_disks_names_each_and_keeps_what_others_need() -> None:
    pool_id = a_pool().id
    disks = (
        a_disk(pool_id=pool_id),
        a_disk(target="vdb", source="/srv/vm/data.qcow2", pool_id=pool_id),
        a_disk(target="vdc", source="/srv/vm/shared.raw", shareable=True),
        a_disk(target="sda", source="/srv/iso/debian.iso", kind="cdrom", readonly=True),
        a_disk(target="vdd", source="/srv/vm/base.qcow2", pool_id=pool_id),
        a_disk(target="vdf", source="/home/eve/loose.qcow2"),
        a_disk(target="vde", source=""),
    )
    vm = a_vm(state=VmState.SHUT_OFF, disks=disks)
    other = a_vm("db-1", disks=(a_disk(source="/srv/vm/data.qcow2"),))
    pools = (a_pool(volumes=(a_volume("top.qcow2", backing_path="/srv/vm/base.qcow2"),)),)
    answer = planned(plan(DeleteVm(vm=VM, host=A, with_disks=True), on(vm, other, pools=pools)))
    assert [step.id for step in answer.steps] == ["undefine", f"delete-disk:{DISK}"]
    kept = " ".join(answer.warnings)
    for path in ("vm/data.qcow2", "vm/shared.raw", "iso/debian.iso", "vm/base.qcow2"):
        assert f"keeps /srv/{path}" in kept
    assert "keeps /home/eve/loose.qcow2: it is in no active storage pool of a" in kept
    assert sum("data is lost" in line for line in answer.touches) == 1


def test_a_left_over_definition_may_go_while_the_vm_runs_elsewhere_but_not_its_disks() -> None:
    fleet = a_fleet(a_host("a", OFF), a_host("b", a_vm()))
    planned(plan(DeleteVm(vm=VM, host=A), fleet))
    assert code(plan(DeleteVm(vm=VM, host=A, with_disks=True), fleet)) is RefusalCode.ACTIVE_ELSEWHERE


def test_the_same_path_on_another_hosts_local_pool_is_another_file() -> None:
    def fleet_on(file_system: str) -> Fleet:
        disk = a_disk(file=a_file(DISK, file_system=file_system), pool_id=a_pool().id)
        off, other = a_vm(state=VmState.SHUT_OFF, disks=(disk,)), a_vm("web-2", disks=(disk,))
        return a_fleet(a_host("a", off), a_host("b", other))

    answer = planned(plan(DeleteVm(vm=VM, host=A, with_disks=True), fleet_on("ext4")))
    assert len(answer.steps) == 2
    fleet = fleet_on("nfs4")
    answer = planned(plan(DeleteVm(vm=VM, host=A, with_disks=True), fleet))
    assert len(answer.steps) == 1


def test_a_volume_goes_only_when_nothing_needs_it() -> None:
    base, top = a_volume("base.qcow2"), a_volume("top.qcow2", backing_path="/srv/vm/base.qcow2")
    fleet = on(OFF, pools=(a_pool(volumes=(base, top, a_volume())),))

    def delete(volume: str) -> Plan | Refusal:
        return plan(DeleteVolume(host=A, pool="vm", volume=volume), fleet)

    assert code(delete("base.qcow2")) is RefusalCode.IN_USE
    assert code(delete("web-1.qcow2")) is RefusalCode.IN_USE
    assert code(delete("nothing")) is RefusalCode.NOT_FOUND
    assert planned(delete("top.qcow2")).danger is Danger.TYPE_NAME


def test_a_pool_that_is_so_already_is_refused_and_a_used_one_warned_of() -> None:
    pool = a_pool()
    used = a_vm(disks=(a_disk(pool_id=pool.id),))
    fleet = on(used, pools=(pool,))
    assert code(plan(SetPoolActive(host=A, pool="vm", active=True), fleet)) is RefusalCode.WRONG_STATE
    assert code(plan(SetPoolActive(host=A, pool="no", active=True), fleet)) is RefusalCode.NOT_FOUND
    answer = planned(plan(SetPoolActive(host=A, pool="vm", active=False), fleet))
    assert "web-1" in answer.warnings[0]


FORM = CreateVm(vm=an_id("new"), host=A, name="new", pool="vm", disk_mib=1024, network="default")


def test_a_good_form_is_planned_in_the_order_it_is_made() -> None:
    answer = planned(plan(replace(FORM, start=True), on()))
    assert [step.id for step in answer.steps] == ["create-disk", "define", "start-new"]
    assert answer.can_cancel


def test_the_plan_of_a_copied_disk_says_how_large_it_becomes() -> None:
    base = a_volume("debian.qcow2", path="/vm/debian.qcow2")
    fleet = on(pools=(a_pool(volumes=(base,)),))
    grown = planned(plan(replace(FORM, base_volume="debian.qcow2", disk_mib=20_480), fleet))
    assert "a new disk from debian.qcow2, 20480 MiB at least" in grown.touches[1]
    assert planned(plan(replace(FORM, base_volume="debian.qcow2", disk_mib=0), fleet)).touches[1].endswith(".qcow2")


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"name": "a b"}, RefusalCode.INVALID),
        ({"name": "web-1"}, RefusalCode.NAME_TAKEN),
        ({"vm": VM}, RefusalCode.IN_USE),
        ({"vcpus": 0}, RefusalCode.INVALID),
        ({"memory_mib": 1}, RefusalCode.INVALID),
        ({"memory_mib": 10_000_000}, RefusalCode.NO_ROOM),
        ({"disk_mib": 0}, RefusalCode.INVALID),
        ({"disk_mib": -5}, RefusalCode.INVALID),
        ({"pool": ""}, RefusalCode.INVALID),
        ({"pool": "none"}, RefusalCode.INVALID),
        ({"network": "none"}, RefusalCode.INVALID),
        ({"base_volume": "none"}, RefusalCode.INVALID),
        ({"base_volume": "huge.qcow2"}, RefusalCode.NO_ROOM),
        ({"initrd": "/boot/initrd"}, RefusalCode.INVALID),
        ({"host": HostId("nowhere")}, RefusalCode.NOT_FOUND),
    ],
)
def test_a_form_that_cannot_work_is_refused(changes: dict[str, object], wanted: RefusalCode) -> None:
    pools = (a_pool(volumes=(a_volume("huge.qcow2", allocation_mib=90_000),)),)
    answer = plan(replace(FORM, **changes), on(a_vm(), pools=pools))
    assert code(answer) is wanted, answer


def test_a_guest_that_sleeps_is_woken_and_asked_nothing_else() -> None:
    fleet = on(a_vm(state=VmState.SUSPENDED))
    wake = planned(plan(ResumeVm(vm=VM, host=A), fleet))
    assert wake.title == "wake web-1 on a"
    assert wake.steps[0].id == "resume"
    for intent in (StartVm(vm=VM, host=A), ShutdownVm(vm=VM, host=A), RebootVm(vm=VM, host=A)):
        answer = plan(intent, fleet)
        assert isinstance(answer, Refusal)
        assert answer.remedy.startswith("resume it")
    moved = plan(MigrateVm(vm=VM, host=A, destination=B), fleet, LOCKED)
    assert isinstance(moved, Refusal)
    assert moved.remedy.startswith("resume it")


def test_a_shutdown_that_a_definition_makes_a_restart_of_is_refused_with_what_to_do() -> None:
    answer = plan(ShutdownVm(vm=VM, host=A), on(replace(a_vm(), on_poweroff="restart")))
    assert code(answer) is RefusalCode.WRONG_STATE
    assert "on_poweroff" in str(answer)
    assert "set-lifecycle-action" in str(answer)


def test_a_reboot_that_a_definition_makes_a_power_off_of_says_so_before() -> None:
    answer = planned(plan(RebootVm(vm=VM, host=A), on(replace(a_vm(), on_reboot="destroy"))))
    assert "it will be off" in answer.warnings[0]
    assert planned(plan(RebootVm(vm=VM, host=A), on(a_vm()))).warnings == ()


def test_a_vm_that_is_migrated_may_be_paused_and_nothing_else() -> None:
    fleet = on(a_vm(job_active=True))
    pause = planned(plan(PauseVm(vm=VM, host=A), fleet))
    assert "goes on by itself" in pause.warnings[0]
    for intent in (ShutdownVm(vm=VM, host=A), RebootVm(vm=VM, host=A), SetAutostart(vm=VM, host=A, enabled=True)):
        assert code(plan(intent, fleet)) is RefusalCode.LOCKED


@pytest.mark.parametrize("timeout_s", [-1.0, 0.0, 1e308, float("inf"), float("nan")])
def test_a_guest_is_given_neither_no_time_nor_for_ever_to_power_off(timeout_s: float) -> None:
    answer = plan(ShutdownVm(vm=VM, host=A, timeout_s=timeout_s), on(a_vm()))
    assert code(answer) is RefusalCode.INVALID
    assert isinstance(answer, Refusal)
    assert answer.remedy
