"""Each verb of power through the whole product, judged by the hypervisor and by the guest itself."""

import time
from collections.abc import Iterator

import pytest

from novacron.lab.lab import Lab
from tests.lab.jump_host import JumpHost, at_a_jump_host
from tests.lab.serial_line import ask_guest, uptime_s, wait_booted
from tests.lab_fixtures import MakeVm, eventually

pytestmark = pytest.mark.lab

_HOST = "lab1"
_GUEST_S = 120.0
"""How long a guest may take to do as it is asked."""


@pytest.fixture
def operator(lab: Lab) -> Iterator[JumpHost]:
    """An operator of this lab who has all of its hosts on screen."""
    with at_a_jump_host(lab) as person:
        assert eventually(lambda: _all_up(person), timeout_s=_GUEST_S)
        yield person


def _all_up(person: JumpHost) -> bool:
    return all(host["link"]["status"] == "up" for host in person.read("hosts"))


def _state(lab: Lab, vm: str) -> str:
    return lab.virsh(_HOST, "domstate", vm).strip()


def _info(lab: Lab, vm: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in lab.virsh(_HOST, "dominfo", vm).splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def test_a_guest_is_paused_rebooted_stopped_and_started_and_knows_it(
    lab: Lab, operator: JumpHost, make_vm: MakeVm
) -> None:
    make_vm(_HOST, "worker")
    ask_guest(lab, _HOST, "worker", "touch /work/before")
    operator.run("pause", "worker", "--yes")
    assert _state(lab, "worker") == "paused"
    operator.run("resume", "worker", "--yes")
    assert _state(lab, "worker") == "running"
    assert ask_guest(lab, _HOST, "worker", "ls /work") == "before", "the same guest goes on"
    was_up_s, asked_at = uptime_s(lab, _HOST, "worker"), time.monotonic()
    operator.run("reboot", "worker", "--yes")
    assert eventually(lambda: ask_guest(lab, _HOST, "worker", "ls /work") == "", timeout_s=_GUEST_S)
    assert uptime_s(lab, _HOST, "worker") < was_up_s + time.monotonic() - asked_at
    assert _state(lab, "worker") == "running"
    operator.run("stop", "worker", "--timeout", "120", "--yes")
    assert _state(lab, "worker") == "shut off"
    reason = lab.virsh(_HOST, "domstate", "worker", "--reason")
    assert "(shutdown)" in reason, f"it was not the guest that ended: {reason}"
    operator.run("start", "worker", "--yes")
    assert _state(lab, "worker") == "running"
    wait_booted(lab, _HOST, "worker")


def test_a_guest_that_does_not_obey_stop_runs_on_and_stop_says_so(
    lab: Lab, operator: JumpHost, make_vm: MakeVm
) -> None:
    make_vm(_HOST, "stubborn")
    ask_guest(lab, _HOST, "stubborn", "killall acpid; echo deaf >/work/mark")
    failed = operator.run("stop", "stubborn", "--timeout", "3", "--yes", code=None)
    said = (failed.stdout + failed.stderr).decode()
    assert failed.returncode != 0, said
    assert "stubborn" in said
    assert "done" not in said
    assert _state(lab, "stubborn") == "running"
    assert ask_guest(lab, _HOST, "stubborn", "cat /work/mark") == "deaf", "the same guest, unharmed"


def test_a_guest_that_sleeps_is_woken_and_takes_nothing_else(lab: Lab, operator: JumpHost, make_vm: MakeVm) -> None:
    vm = make_vm(_HOST, "sleeper")
    # Later, so that its shell has answered before it falls asleep.
    ask_guest(lab, _HOST, "sleeper", "touch /work/before; (sleep 3; echo mem >/sys/power/state) & true")
    assert eventually(lambda: _state(lab, "sleeper") == "pmsuspended", timeout_s=_GUEST_S)
    assert eventually(lambda: operator.vm(vm)["vm"]["state"] == "suspended", timeout_s=_GUEST_S)
    assert b"try: resume it first" in operator.run("stop", "sleeper", "--yes", code=3).stderr
    operator.run("resume", "sleeper", "--yes")
    assert lab.virsh(_HOST, "domstate", "sleeper", "--reason").strip() == "running (event wakeup)"
    assert ask_guest(lab, _HOST, "sleeper", "ls /work") == "before", "the same guest goes on"


def test_what_a_definition_makes_of_a_restart_or_a_power_off_is_told_as_it_is(
    lab: Lab, operator: JumpHost, make_vm: MakeVm
) -> None:
    make_vm(_HOST, "odd")
    wait_booted(lab, _HOST, "odd")
    lab.virsh(_HOST, "set-lifecycle-action", "odd", "poweroff", "restart", "--live")
    assert eventually(lambda: b"on_poweroff" in operator.run("stop", "odd", "--yes", code=None).stderr, timeout_s=60)
    assert _state(lab, "odd") == "running"
    lab.virsh(_HOST, "set-lifecycle-action", "odd", "poweroff", "destroy", "--live")
    lab.virsh(_HOST, "set-lifecycle-action", "odd", "reboot", "destroy", "--live")
    failed = operator.run("reboot", "odd", "--yes", code=1)
    assert b"on_reboot=destroy" in failed.stdout + failed.stderr
    assert _state(lab, "odd") == "shut off"


def test_autostart_is_set_and_taken_back_at_the_hypervisor(lab: Lab, operator: JumpHost, make_vm: MakeVm) -> None:
    for name in ("kept", "let-go"):
        make_vm(_HOST, name, start=False)
    lab.virsh(_HOST, "autostart", "let-go")
    operator.run("autostart", "kept", "--yes")
    operator.run("autostart", "let-go", "--off", "--yes")
    assert _info(lab, "kept")["Autostart"] == "enable"
    assert _info(lab, "let-go")["Autostart"] == "disable"


def test_a_verb_for_many_is_carried_out_on_each_and_on_no_other(lab: Lab, operator: JumpHost, make_vm: MakeVm) -> None:
    operator.vms(*(make_vm(_HOST, name, start=False) for name in ("many-1", "many-2", "single")))
    operator.run("start", "many-*", "--yes")
    assert {name: _state(lab, name) for name in ("many-1", "many-2", "single")} == {
        "many-1": "running",
        "many-2": "running",
        "single": "shut off",
    }
    operator.run("force-off", "many-*", "--yes")
    assert {_state(lab, name) for name in ("many-1", "many-2", "single")} == {"shut off"}


def test_what_is_already_so_is_refused_with_its_reason_and_nothing_happens(
    lab: Lab, operator: JumpHost, make_vm: MakeVm
) -> None:
    make_vm(_HOST, "steady")
    pid = _qemu(lab, "steady")
    refused = operator.run("start", "steady", "--yes", code=3)
    assert b"steady" in refused.stderr
    assert _qemu(lab, "steady") == pid, "it is another process than before"


def _qemu(lab: Lab, vm: str) -> str:
    return lab.run(_HOST, ["cat", f"/run/libvirt/qemu/{vm}.pid"]).strip()
