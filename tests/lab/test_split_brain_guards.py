"""One VM, two hosts that could run it: what NovaCron refuses to do, and what it says when others did it."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from novacron.api.client import RemoteBackend
from novacron.lab.definitions import VmDefinition, vm_xml
from novacron.lab.faults import make_fault, mend_all
from novacron.lab.lab import Lab
from novacron.lab.vms import disk_path, remove_vm
from novacron.model.ids import HostId, VmId
from novacron.model.operations.intent import Intent
from novacron.model.operations.power import ResumeVm, StartVm
from novacron.model.refusal import Refusal, RefusalCode
from tests.callers import ALICE
from tests.lab.hypervisor_truth import has_job, reason, states, wait_until
from tests.lab.jump_host import JumpHost, at_a_jump_host
from tests.lab_fixtures import MakeVm

pytestmark = pytest.mark.lab

_RAW_DISK = "/var/lib/libvirt/shared/open-house.img"


@pytest.fixture
def person(lab: Lab) -> Iterator[JumpHost]:
    """Somebody on call."""
    with at_a_jump_host(lab) as one:
        yield one


@pytest.fixture
def lockless(lab: Lab) -> Iterator[str]:
    """A running VM on lab1 whose disk carries no lock: raw, and marked as shareable. Gives its UUID."""
    vm_id = str(uuid.uuid4())
    lab.run("lab1", ["qemu-img", "create", "-q", "-f", "raw", _RAW_DISK, "16M"])
    plain = VmDefinition(name="open-house", domain_type=lab.domain_type, disk=Path(_RAW_DISK), uuid=vm_id)
    domain = etree.fromstring(vm_xml(plain))
    (disk,) = domain.findall("devices/disk")
    (driver,) = disk.findall("driver")
    driver.set("type", "raw")
    etree.SubElement(disk, "shareable")
    lab.run("lab1", ["virsh", "-q", "define", "/dev/stdin"], stdin=etree.tostring(domain, encoding="unicode"))
    lab.virsh("lab1", "start", "open-house")
    yield vm_id
    mend_all(lab)
    remove_vm(lab, "open-house")
    lab.run("lab1", ["rm", "-f", _RAW_DISK])


def _define_on_lab2_too(lab: Lab, vm: str) -> None:
    definition = lab.virsh("lab1", "dumpxml", vm, "--inactive")
    lab.run("lab2", ["virsh", "-q", "define", "/dev/stdin"], stdin=definition)


def _refusal(person: JumpHost, intent: Intent) -> Refusal:
    """Submit an intent as a console would, which names the very copy it means, and expect a no."""

    async def submit() -> object:
        console = RemoteBackend(person.socket())
        try:
            return await console.submit(ALICE, intent, plan_digest="", idempotency_key=uuid.uuid4().hex)
        finally:
            await console.close()

    answer = asyncio.run(submit())
    assert isinstance(answer, Refusal), answer
    return answer


def _wait_until_seen_on_both(person: JumpHost, vm: str) -> None:
    def both() -> bool:
        told = person.vm(vm)
        return {told["host"], *told["also_on"]} == {"lab1", "lab2"}

    wait_until(both, "both copies are seen")


def _cut_off_lab1(lab: Lab, person: JumpHost) -> None:
    make_fault(lab, "partition", "lab1")
    wait_until(lambda: not _rows(person)["lab1"], "lab1 is seen to be lost")


def _rows(person: JumpHost) -> dict[str, bool]:
    return {host["name"]: host["current"] for host in person.read("hosts")}


def test_a_vm_whose_disk_carries_no_lock_is_not_migrated_live(lab: Lab, person: JumpHost, lockless: str) -> None:
    for options in ((), ("--mode", "direct"), ("--mode", "relayed"), ("--copy-storage",)):
        said = person.run("migrate", lockless, "--to", "lab2", *options, "--yes", code=3)
        told = said.stderr.decode()
        assert _RAW_DISK in told
        assert "two copies writing to it" in told
        assert "try: " in told
        assert said.stdout == b""
    assert states(lab, "open-house") == {"lab1": "running"}
    assert reason(lab, "lab1", "open-house") == "running (booted)"
    assert not has_job(lab, "lab1", "open-house")
    assert person.read("ops") == []


def test_a_lock_on_another_file_of_that_path_is_no_proof(lab: Lab, person: JumpHost, make_vm: MakeVm) -> None:
    make_vm("lab1", "same-path", storage="local")
    path = disk_path("same-path", "local")
    lab.run("lab2", ["qemu-img", "create", "-q", "-f", "qcow2", str(path), "64M"])
    holder = VmDefinition(name="holder", domain_type=lab.domain_type, disk=path)
    lab.run("lab2", ["virsh", "-q", "define", "/dev/stdin"], stdin=vm_xml(holder))
    lab.virsh("lab2", "start", "holder")
    try:
        wait_until(lambda: len(person.read("vms")) == 2, "both are seen")
        for options in ((), ("--copy-storage",)):
            told = person.run("migrate", "same-path", "--to", "lab2", *options, "--yes", code=3).stderr.decode()
            assert str(path) in told
            assert "it cannot be moved to lab2 as it is" in told
        assert states(lab, "same-path") == {"lab1": "running"}
        assert states(lab, "holder") == {"lab2": "running"}
        assert person.read("ops") == []
    finally:
        remove_vm(lab, "holder")


def test_a_second_definition_is_not_started_while_the_first_runs_or_may_run(
    lab: Lab, person: JumpHost, make_vm: MakeVm
) -> None:
    vm = make_vm("lab1", "twin")
    _define_on_lab2_too(lab, "twin")
    _wait_until_seen_on_both(person, vm)
    start_there = StartVm(vm=VmId(vm), host=HostId("lab2"))
    refusal = _refusal(person, start_there)
    assert refusal.code is RefusalCode.ACTIVE_ELSEWHERE
    assert "running on lab1" in refusal.reason
    _cut_off_lab1(lab, person)
    refusal = _refusal(person, start_there)
    assert refusal.code is RefusalCode.UNKNOWN_ELSEWHERE
    assert refusal.reason == "lab1, where it was last seen running, does not answer: it may run there"
    person.run("start", "twin", "--yes", code=3)
    assert states(lab, "twin") == {"lab1": "running", "lab2": "shut off"}
    # A backend that was started since remembers what it was told before; where a person vouches, the lock is left.
    person.run("detach", "--stop")
    told = person.run("start", "twin@lab2", "--yes", code=3).stderr
    assert b"lab1, where it was last seen running, does not answer" in told
    said = person.run("start", "twin@lab2", "--vouch", "lab1", "--yes", code=1)
    assert b"another process has this disk open" in said.stdout + said.stderr
    assert states(lab, "twin") == {"lab1": "running", "lab2": "shut off"}


def test_a_paused_copy_is_not_resumed_while_the_other_runs_or_may_run(
    lab: Lab, person: JumpHost, lockless: str
) -> None:
    _define_on_lab2_too(lab, "open-house")
    lab.virsh("lab2", "start", "open-house", "--paused")
    _wait_until_seen_on_both(person, lockless)
    resume_there = ResumeVm(vm=VmId(lockless), host=HostId("lab2"))
    refusal = _refusal(person, resume_there)
    assert refusal.code is RefusalCode.ACTIVE_ELSEWHERE
    assert "running on lab1" in refusal.reason
    _cut_off_lab1(lab, person)
    assert _refusal(person, resume_there).code is RefusalCode.UNKNOWN_ELSEWHERE
    assert states(lab, "open-house") == {"lab1": "running", "lab2": "paused"}


def test_two_running_copies_are_the_worst_alert_until_one_is_gone(lab: Lab, person: JumpHost, lockless: str) -> None:
    _define_on_lab2_too(lab, "open-house")
    _wait_until_seen_on_both(person, lockless)
    lab.virsh("lab2", "start", "open-house")
    assert states(lab, "open-house") == {"lab1": "running", "lab2": "running"}
    wait_until(lambda: person.holds("VM runs twice", "open-house"), "it is told to run twice")
    alert = person.alert("VM runs twice", "open-house")
    assert alert is not None
    assert alert["severity"] == "critical"
    assert "lab1 and lab2" in alert["text"] or "lab2 and lab1" in alert["text"]
    for destination in ("lab2", "lab3"):
        person.run("migrate", lockless, "--to", destination, "--yes", code=3)
    lab.virsh("lab2", "destroy", "open-house")
    wait_until(lambda: person.is_cleared("VM runs twice", "open-house"), "it is told to be over")
    assert person.vm(lockless)["host"] == "lab1"


def test_a_host_that_cannot_take_it_is_refused_with_its_reason(lab: Lab, person: JumpHost, make_vm: MakeVm) -> None:
    make_vm("lab1", "picky")
    make_vm("lab1", "giant", memory_mib=64 * 1024 * 1024, start=False)
    wait_until(lambda: len(person.read("vms")) == 2 and all(_rows(person).values()), "all is seen")
    said = person.run("migrate", "giant", "--to", "lab2", "--yes", code=3).stderr.decode()
    assert "it needs 67108864 MiB and lab2 has" in said
    assert "MiB free" in said
    lab.virsh("lab2", "net-destroy", "default")
    try:
        said = person.run("migrate", "picky", "--to", "lab2", "--yes", code=3).stderr.decode()
        assert "lab2 has no active network default" in said
        assert "start it on lab2" in said
        assert (states(lab, "picky"), states(lab, "giant")) == ({"lab1": "running"}, {"lab1": "shut off"})
        assert person.read("ops") == []
    finally:
        lab.virsh("lab2", "net-start", "default")
    lab.virsh("lab1", "snapshot-create-as", "picky", "before-upgrade")
    told = person.run("migrate", "picky", "--to", "lab2", "--yes", code=3).stderr.decode()
    assert "it has 1 snapshot on lab1" in told
    assert "try: delete its snapshots" in told
    lab.virsh("lab1", "snapshot-delete", "picky", "before-upgrade")
    person.run("migrate", "picky", "--to", "lab2", "--yes")
    assert states(lab, "picky") == {"lab2": "running"}
