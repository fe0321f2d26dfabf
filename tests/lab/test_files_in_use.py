"""What a running guest reads from is never deleted, whatever it is called and wherever it is named."""

import asyncio
import itertools
import uuid
from collections.abc import Awaitable, Callable, Iterator

import pytest

from novacron.api.client import RemoteBackend
from novacron.lab.faults import make_fault
from novacron.lab.lab import Lab
from novacron.model.errors import ExitCode
from novacron.model.ids import HostId, VmId
from novacron.model.operations.deletion import DeleteVm
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode
from tests.callers import ALICE
from tests.lab.jump_host import JumpHost, at_a_jump_host
from tests.lab.serial_line import ask_guest
from tests.lab_fixtures import MakeVm

pytestmark = pytest.mark.lab

_HOST = "lab1"
_SHARED = "/var/lib/libvirt/shared"
_LOCAL = "/var/lib/libvirt/images"


@pytest.fixture(scope="module")
def operator(lab: Lab) -> Iterator[JumpHost]:
    """An operator of this lab who has all of its hosts on screen."""
    with at_a_jump_host(lab) as person:
        yield person


def _still_reads_its_disk(lab: Lab, vm: str, host: str = _HOST) -> bool:
    """Whether the guest gets data from the disk itself, not from what it remembers."""
    told = ask_guest(
        lab, host, vm, "echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/vda bs=64k count=8 2>/dev/null | wc -c"
    )
    return told.split()[-1] == str(8 * 64 * 1024)


def _refused(person: JumpHost, *words: str) -> str:
    """Ask for what must not be done, and return what was said."""
    return person.run(*words, "--yes", code=ExitCode.REFUSED).stderr.decode()


def _move_disk(lab: Lab, vm: str, path: str) -> None:
    """Have the VM's first disk be another file from its next start on."""
    old = lab.virsh(_HOST, "domblklist", vm, "--details").split()
    definition = lab.virsh(_HOST, "dumpxml", vm, "--inactive")
    source = next(word for word in old if word.startswith("/"))
    lab.run(_HOST, ["virsh", "-q", "define", "/dev/stdin"], stdin=definition.replace(source, path))


def test_the_base_of_a_running_vm_whose_overlay_lies_in_no_pool_is_kept(
    lab: Lab, operator: JumpHost, make_vm: MakeVm
) -> None:
    make_vm(_HOST, "overlaid", start=False)
    for name in ("base", "middle"):
        lab.run(_HOST, ["qemu-img", "create", "-q", "-f", "qcow2", f"{_SHARED}/{name}.qcow2", "64M"])
    lab.run(_HOST, ["mkdir", "-p", "/var/lib/libvirt/loose"])
    chain = [f"{_SHARED}/base.qcow2", f"{_SHARED}/middle.qcow2", "/var/lib/libvirt/loose/top.qcow2"]
    for below, above in itertools.pairwise(chain):
        lab.run(_HOST, ["qemu-img", "create", "-q", "-f", "qcow2", "-b", below, "-F", "qcow2", above])
    _move_disk(lab, "overlaid", chain[-1])
    lab.virsh(_HOST, "pool-refresh", "shared")
    # Shut off, nothing but the headers tells of the chain; running, the definition does.
    assert "overlaid on lab1" in _refused(
        operator, "volume", "delete", "base.qcow2", "--pool", "shared", "--host", _HOST
    )
    lab.virsh(_HOST, "start", "overlaid")
    for name in ("base.qcow2", "middle.qcow2"):
        # Also where another host asks, on whose shared pool it is the same file.
        for host in (_HOST, "lab2"):
            said = _refused(operator, "volume", "delete", name, "--pool", "shared", "--host", host)
            assert "overlaid on lab1" in said
    assert _still_reads_its_disk(lab, "overlaid")


def test_a_disk_in_a_folder_that_is_a_link_to_the_pools_is_one_file(
    lab: Lab, operator: JumpHost, make_vm: MakeVm
) -> None:
    make_vm(_HOST, "linked-off", start=False, storage="local")
    make_vm(_HOST, "linked-on", start=False, storage="local")
    lab.run(_HOST, ["ln", "-sfn", _LOCAL, "/var/lib/libvirt/linked"])
    _move_disk(lab, "linked-on", "/var/lib/libvirt/linked/linked-off.qcow2")
    lab.virsh(_HOST, "start", "linked-on")
    shown = operator.run("delete", "linked-off", "--with-disks", "--yes").stdout.decode()
    assert "done" in shown
    assert "linked-off.qcow2" in lab.run(_HOST, ["ls", _LOCAL])
    assert _still_reads_its_disk(lab, "linked-on")
    assert "linked-on on lab1" in _refused(
        operator, "volume", "delete", "linked-off.qcow2", "--pool", "local", "--host", _HOST
    )


def test_kernels_media_folders_and_snapshots_are_kept(lab: Lab, operator: JumpHost, make_vm: MakeVm) -> None:
    make_vm(_HOST, "needing", start=False)
    for name in ("kernel", "medium.iso", "folder-file"):
        lab.run(_HOST, ["dd", "if=/dev/zero", f"of={_SHARED}/{name}", "bs=64k", "count=1", "status=none"])
    lab.run(_HOST, ["cp", "/var/lib/libvirt/guest/vmlinuz", f"{_SHARED}/kernel"])
    definition = lab.virsh(_HOST, "dumpxml", "needing", "--inactive")
    definition = definition.replace("/var/lib/libvirt/guest/vmlinuz", f"{_SHARED}/kernel")
    medium = (
        f"<disk type='file' device='cdrom'><source file='{_SHARED}/medium.iso'/><target dev='sda' bus='sata'/></disk>"
    )
    lab.run(
        _HOST, ["virsh", "-q", "define", "/dev/stdin"], stdin=definition.replace("</devices>", f"{medium}</devices>")
    )
    lab.virsh(_HOST, "start", "needing")
    lab.virsh(
        _HOST, "snapshot-create-as", "needing", "before", "--disk-only", "--diskspec", f"vda,file={_SHARED}/after.qcow2"
    )
    lab.virsh(_HOST, "pool-refresh", "shared")
    for name, what in (("kernel", "kernel"), ("medium.iso", "medium"), ("needing.qcow2", ""), ("after.qcow2", "")):
        said = _refused(operator, "volume", "delete", name, "--pool", "shared", "--host", _HOST)
        assert "needing on lab1" in said
        assert what in said
    assert _still_reads_its_disk(lab, "needing")
    lab.virsh(_HOST, "snapshot-delete", "needing", "before", "--metadata")


def test_a_disk_in_no_pool_is_kept_and_said_to_be_before(lab: Lab, operator: JumpHost, make_vm: MakeVm) -> None:
    make_vm(_HOST, "pool-less", start=False)
    loose = "/var/lib/libvirt/loose-disk.qcow2"
    lab.run(_HOST, ["qemu-img", "create", "-q", "-f", "qcow2", loose, "64M"])
    _move_disk(lab, "pool-less", loose)
    done = operator.run("delete", "pool-less", "--with-disks", "--yes")
    assert b"done" in done.stdout
    assert loose in lab.run(_HOST, ["ls", loose])


def test_a_host_that_is_silent_since_the_restart_may_need_a_file_on_shared_storage(
    lab: Lab, operator: JumpHost, make_vm: MakeVm
) -> None:
    vm = make_vm("lab2", "silent")
    lab.run(_HOST, ["qemu-img", "create", "-q", "-f", "qcow2", f"{_SHARED}/unknown.qcow2", "1M"])
    operator.vms(vm)
    operator.run("detach", "--stop")
    make_fault(lab, "partition", "lab2")
    of_shared = ("--pool", "shared", "--host", _HOST)
    assert "silent on lab2" in _refused(operator, "volume", "delete", "silent.qcow2", *of_shared)
    said = _refused(operator, "volume", "delete", "unknown.qcow2", *of_shared)
    assert "it is not known whether lab2 needs it" in said
    assert "--vouch" in said
    assert _still_reads_its_disk(lab, "silent", "lab2")
    operator.run("volume", "delete", "unknown.qcow2", *of_shared, "--vouch", "lab2", "--yes")
    (operation,) = (one for one in operator.read("ops") if one["subject"] == "unknown.qcow2")
    assert operation["intent"]["vouched"] == ["lab2"]


def test_a_disk_that_another_vm_runs_on_since_the_preview_is_kept(
    lab: Lab, operator: JumpHost, make_vm: MakeVm
) -> None:
    first = make_vm(_HOST, "confirmed", start=False)
    make_vm(_HOST, "newcomer", start=False)
    operator.vms(first)
    intent = DeleteVm(vm=VmId(first), host=HostId(_HOST), with_disks=True)
    plan = _ask(operator, lambda console: console.preview(ALICE, intent))
    assert isinstance(plan, Plan)
    assert any("confirmed.qcow2" in step.title for step in plan.steps)
    _move_disk(lab, "newcomer", f"{_SHARED}/confirmed.qcow2")
    lab.virsh(_HOST, "start", "newcomer")
    answer = _ask(
        operator,
        lambda console: console.submit(ALICE, intent, plan_digest=plan.digest, idempotency_key=uuid.uuid4().hex),
    )
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.CHANGED
    assert "confirmed.qcow2" in answer.reason
    assert _still_reads_its_disk(lab, "newcomer")


def _ask(person: JumpHost, work: Callable[[RemoteBackend], Awaitable[object]]) -> object:
    """Ask the backend by its socket, as a console does."""

    async def asking() -> object:
        console = RemoteBackend(person.socket())
        try:
            return await work(console)
        finally:
            await console.close()

    return asyncio.run(asking())
