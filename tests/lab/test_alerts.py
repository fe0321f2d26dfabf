"""Alerts are raised and cleared by facts: each fact is made in the lab, seen, undone, and seen to be over."""

from collections.abc import Iterator

import pytest

from novacron.lab.faults import make_fault, mend_host
from novacron.lab.lab import Lab
from novacron.lab.vms import disk_path
from tests.lab.jump_host import JumpHost, at_a_jump_host, have_pools_read
from tests.lab_fixtures import MakeVm, eventually

pytestmark = pytest.mark.lab

_SOON_S = 25.0
_INVENTORY_S = 45.0
"""Pools are read every 30 s when no event tells of them."""


@pytest.fixture
def person(lab: Lab) -> Iterator[JumpHost]:
    """Somebody who watches this lab."""
    with at_a_jump_host(lab) as one:
        yield one


def _is_held_by_a_line(text: str, *words: str) -> bool:
    """Whether one line of the screen holds all the words and is not of a cleared alert."""
    return any(all(word in line for word in words) and "cleared" not in line for line in text.split("\n"))


def test_a_host_that_is_cut_off_is_an_alert_until_it_answers(lab: Lab, person: JumpHost, make_vm: MakeVm) -> None:
    vm = make_vm("lab2", "islander")
    console = person.terminal(columns=120)
    console.wait_for("islander")
    console.press("5")
    console.wait_for("No alert")
    assert person.read("alerts") == []
    make_fault(lab, "partition", "lab2")
    console.wait_for(lambda text: _is_held_by_a_line(text, "critical", "lab2", "host unreachable"), _SOON_S)
    assert person.holds("host unreachable", "lab2")
    assert not person.vm(vm)["current"], "what a silent host said last is not shown as current"
    assert {alert["subject"] for alert in person.read("alerts")} == {"lab2"}, "only the cause is told"
    mend_host(lab, "lab2")
    console.wait_for(lambda text: any("cleared" in line and "lab2" in line for line in text.split("\n")), 60)
    assert person.is_cleared("host unreachable", "lab2")
    back = person.vm(vm)
    assert (back["current"], back["vm"]["state"]) == (True, "running")


def test_a_vm_whose_qemu_dies_is_an_alert_until_it_runs_again(lab: Lab, person: JumpHost, make_vm: MakeVm) -> None:
    vm = make_vm("lab1", "mayfly")
    console = person.terminal(columns=120)
    console.wait_for("mayfly")
    make_fault(lab, "kill-guest", "lab1", "mayfly")
    console.wait_for(lambda text: _is_held_by_a_line(text, "mayfly", "crashed"), _SOON_S)
    console.press("5")
    console.wait_for(lambda text: _is_held_by_a_line(text, "critical", "mayfly", "VM crashed"), _SOON_S)
    assert person.holds("VM crashed", "mayfly")
    told = person.vm(vm)["vm"]
    assert (told["state"], told["reason"]) == ("shut off", "crashed")
    person.run("start", "mayfly", "--yes")
    assert eventually(lambda: person.is_cleared("VM crashed", "mayfly"), timeout_s=_SOON_S)
    console.wait_for(lambda text: any("cleared" in line and "mayfly" in line for line in text.split("\n")))
    assert person.vm(vm)["vm"]["state"] == "running"


def test_a_full_disk_is_told_of_the_host_its_pool_and_the_vm_it_stops(
    lab: Lab, person: JumpHost, make_vm: MakeVm
) -> None:
    vm = make_vm("lab3", "scribe", storage="local", cmdline="novacron.write=2048")
    console = person.terminal(columns=120)
    console.wait_for("scribe")
    console.press("5")
    console.wait_for("No alert")
    make_fault(lab, "fill-disk", "lab3")
    console.wait_for(lambda text: _is_held_by_a_line(text, "critical", "scribe", "paused by I/O error"), 60)
    console.wait_for(lambda text: _is_held_by_a_line(text, "critical", "lab3", "file system nearly full"), _SOON_S)
    console.wait_for(lambda text: _is_held_by_a_line(text, "critical", "local", "pool nearly full"), _INVENTORY_S)
    for rule, subject in (
        ("VM paused by I/O error", "scribe"),
        ("file system nearly full", "lab3"),
        ("pool nearly full", "local"),
    ):
        assert person.holds(rule, subject), rule
    told = person.vm(vm)["vm"]
    assert (told["state"], told["reason"]) == ("paused", "I/O error")
    mend_host(lab, "lab3")
    assert eventually(lambda: person.is_cleared("file system nearly full", "lab3"), timeout_s=_SOON_S)
    assert person.holds("VM paused by I/O error", "scribe"), "room alone does not make it run"
    person.run("resume", "scribe")
    assert eventually(lambda: person.is_cleared("VM paused by I/O error", "scribe"), timeout_s=_SOON_S)
    assert person.vm(vm)["vm"]["state"] == "running"
    have_pools_read(lab, "lab3")
    assert eventually(lambda: person.is_cleared("pool nearly full", "local"), timeout_s=_INVENTORY_S)
    console.wait_for(lambda text: text.count("cleared") >= 3)


def test_an_operation_that_failed_is_an_alert_until_it_succeeds(lab: Lab, person: JumpHost, make_vm: MakeVm) -> None:
    vm = make_vm("lab1", "diskless", start=False)
    disk = str(disk_path("diskless", "shared"))
    lab.run("lab1", ["mv", disk, f"{disk}.away"])
    try:
        said = person.run("start", "diskless", "--yes", code=1)
        assert disk in (said.stdout + said.stderr).decode(), "the hypervisor's own reason is told"
        assert eventually(lambda: person.holds("operation failed", "diskless"), timeout_s=_SOON_S)
        alert = person.alert("operation failed", "diskless")
        assert alert is not None
        assert disk in alert["text"]
        assert person.vm(vm)["vm"]["state"] == "shut off"
        console = person.terminal(columns=120)
        console.wait_for("diskless")
        console.press("5")
        console.wait_for(lambda text: _is_held_by_a_line(text, "warning", "diskless", "operation failed"))
    finally:
        lab.run("lab1", ["mv", f"{disk}.away", disk])
    person.run("start", "diskless", "--yes")
    assert eventually(lambda: person.is_cleared("operation failed", "diskless"), timeout_s=_SOON_S)
    console.wait_for(lambda text: any("cleared" in line and "diskless" in line for line in text.split("\n")))
