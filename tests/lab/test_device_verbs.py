"""Disks and NICs through the whole product: the command line, the hypervisor, and what the guest sees."""

from collections.abc import Iterator

import pytest

from novacron.lab.lab import Lab
from novacron.lab.layout import GUEST
from tests.lab.jump_host import JumpHost, at_a_jump_host
from tests.lab.serial_line import ask_guest, wait_booted
from tests.lab_fixtures import eventually

pytestmark = pytest.mark.lab

_HOST = "lab1"
_ANSWER_S = 120.0


@pytest.fixture
def operator(lab: Lab) -> Iterator[JumpHost]:
    """An operator of this lab who has its first host on screen."""
    with at_a_jump_host(lab) as person:
        up = "up"
        assert eventually(
            lambda: all(host["link"]["status"] == up for host in person.read("hosts")), timeout_s=_ANSWER_S
        )
        yield person


@pytest.fixture
def guest(lab: Lab, operator: JumpHost) -> Iterator[str]:
    """A VM that the product itself made, so that it has ports to spare; booted."""
    kernel = ("--kernel", str(GUEST / "vmlinuz"), "--initrd", str(GUEST / "initrd"))
    cmdline = ("--cmdline", "console=ttyS0 quiet panic=-1")
    made = ("--on", _HOST, "--memory", "128", "--network", "", *kernel, *cmdline, "--start")
    operator.run("create", "tool", *made, "--yes")
    wait_booted(lab, _HOST, "tool")
    yield "tool"
    lab.virsh(_HOST, "destroy", "tool")
    lab.virsh(_HOST, "undefine", "tool")


def _disks(lab: Lab, vm: str, *which: str) -> str:
    return lab.virsh(_HOST, "domblklist", vm, *which)


def test_a_disk_is_attached_and_detached_and_the_guest_sees_both(lab: Lab, operator: JumpHost, guest: str) -> None:
    lab.virsh(_HOST, "vol-create-as", "shared", "extra.qcow2", "16M", "--format", "qcow2")
    try:
        where = ("--pool", "shared", "--volume", "extra.qcow2")
        operator.run("disk", "attach", guest, *where, "--yes")
        for which in ((), ("--inactive",)):
            assert "extra.qcow2" in _disks(lab, guest, *which)
        assert eventually(lambda: "vda" in ask_guest(lab, _HOST, guest, "ls /sys/block"), timeout_s=_ANSWER_S)
        refused = operator.run("disk", "attach", guest, *where, "--yes", code=3)
        assert b"uses it" in refused.stderr
        operator.run("disk", "detach", guest, "vda", "--yes")
        for which in ((), ("--inactive",)):
            assert "extra.qcow2" not in _disks(lab, guest, *which)
        assert "vda" not in ask_guest(lab, _HOST, guest, "ls /sys/block")
        operator.run("disk", "attach", guest, *where, "--when", "next-start", "--yes")
        assert "extra.qcow2" not in _disks(lab, guest)
        assert "extra.qcow2" in _disks(lab, guest, "--inactive")
        operator.run("disk", "detach", guest, "vda", "--yes")
    finally:
        lab.virsh(_HOST, "vol-delete", "extra.qcow2", "--pool", "shared")


def test_a_nic_is_attached_and_detached_and_the_guest_sees_both(lab: Lab, operator: JumpHost, guest: str) -> None:
    network = "default"
    mac = "52:54:00:0a:0b:0c"
    operator.run("nic", "attach", guest, "--network", network, "--mac", mac, "--yes")
    assert mac in lab.virsh(_HOST, "domiflist", guest)
    addresses = "cat /sys/class/net/*/address"
    assert eventually(lambda: mac in ask_guest(lab, _HOST, guest, addresses), timeout_s=_ANSWER_S)
    operator.run("nic", "detach", guest, mac, "--yes")
    assert mac not in lab.virsh(_HOST, "domiflist", guest)
    assert mac not in ask_guest(lab, _HOST, guest, addresses)
