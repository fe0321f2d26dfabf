"""The whole path on real hypervisors, as an operator walks it: real console, real backend, keys only.

Everything is read back from the hypervisors by virsh, never from what NovaCron says of itself.
"""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from novacron.lab.lab import Lab
from tests.lab.jump_host import JumpHost, at_a_jump_host
from tests.lab_fixtures import MakeVm

pytestmark = pytest.mark.lab

_SLOW_MIB_S = 6
"""Bandwidth cap for migrations that have to be caught in the middle: 128 MiB then take about half a minute."""


@pytest.fixture
def operator(lab: Lab) -> Iterator[JumpHost]:
    """An operator of this lab with nothing running yet."""
    with at_a_jump_host(lab) as person:
        yield person


def _states(lab: Lab, name: str) -> dict[str, str]:
    """Return what each hypervisor says of a VM by virsh; hosts that do not know it are left out."""
    found = {}
    for host in lab.hosts:
        said = lab.attempt(host.name, ["virsh", "domstate", name])
        if said.returncode == 0:
            found[host.name] = said.stdout.strip()
    return found


def _eventually(holds: Callable[[], object], timeout_s: float = 120.0) -> None:
    until = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.3)


def test_keys_alone_migrate_a_vm_and_the_screen_shows_it(lab: Lab, operator: JumpHost, make_vm: MakeVm) -> None:
    make_vm("lab1", "walker")
    console = operator.terminal()
    console.wait_for("walker")
    console.wait_for("running")
    console.press("/", "walker", "enter")
    console.press("m")
    console.wait_for("To host")
    console.press("lab2")
    console.wait_for("migrate walker from lab1 to lab2")
    console.press("enter")
    console.wait_for(lambda text: "Touches" in text and "y yes" in text)
    console.press("y")
    arrived = re.compile(r"^ walker +● running +lab2 ", re.MULTILINE)
    console.wait_for(arrived.search)
    _eventually(lambda: _states(lab, "walker") == {"lab2": "running"})
    console.press("3")
    console.wait_for("done", timeout_s=30)
    console.press("q")
    assert console.wait() == 0


def test_the_migration_of_a_killed_console_goes_on_and_is_found_again(
    lab: Lab, operator: JumpHost, make_vm: MakeVm
) -> None:
    make_vm("lab1", "orphan", dirty=1)
    first = operator.terminal()
    first.wait_for("orphan")
    operator.run("migrate", "orphan", "--to", "lab2", "--bandwidth", str(_SLOW_MIB_S), "--yes", "--no-wait")
    first.wait_for("migrating")
    first.kill()
    second = operator.terminal()
    second.wait_for("orphan")
    second.press("3")
    second.wait_for("migrate orphan")
    second.wait_for("done", timeout_s=120)
    assert _states(lab, "orphan") == {"lab2": "running"}


def test_a_backend_killed_in_mid_migration_tells_the_truth_after_its_restart(
    lab: Lab, operator: JumpHost, make_vm: MakeVm
) -> None:
    make_vm("lab1", "survivor", dirty=1)
    operator.run("migrate", "survivor", "--to", "lab2", "--bandwidth", str(_SLOW_MIB_S), "--yes", "--no-wait")
    _eventually(lambda: "Migration" in lab.run("lab1", ["virsh", "domjobinfo", "survivor"]) or _has_job(lab))
    os.kill(operator.backend_pid(), signal.SIGKILL)
    console = operator.terminal()
    console.wait_for("survivor")
    console.press("3")
    console.wait_for("migrate survivor")
    console.wait_for("done", timeout_s=120)
    assert _states(lab, "survivor") == {"lab2": "running"}
    assert operator.operation_states() == ["done"]


def _has_job(lab: Lab) -> bool:
    return "Unbounded" in lab.run("lab1", ["virsh", "domjobinfo", "survivor"])


def test_a_direct_migration_ends_at_the_source_when_the_backend_is_killed(
    lab: Lab, operator: JumpHost, make_vm: MakeVm
) -> None:
    make_vm("lab1", "stayer", dirty=1)
    operator.run("migrate", "stayer", "--to", "lab2", "--mode", "direct", "--bandwidth", "2", "--yes", "--no-wait")
    _eventually(lambda: "Unbounded" in lab.run("lab1", ["virsh", "domjobinfo", "stayer"]))
    os.kill(operator.backend_pid(), signal.SIGKILL)
    _eventually(lambda: _states(lab, "stayer") == {"lab1": "running"})
    operator.run("vms")
    _eventually(lambda: operator.operation_states()[0] not in ("running", "settling", "accepted"))
    assert operator.operation_states() == ["failed"]
    assert _states(lab, "stayer") == {"lab1": "running"}


@pytest.mark.parametrize("mode", ["p2p", "direct", "relayed"])
def test_every_mode_moves_a_vm_with_its_disk_shared_or_copied(
    lab: Lab, operator: JumpHost, make_vm: MakeVm, mode: str
) -> None:
    make_vm("lab1", f"shared-{mode}")
    make_vm("lab1", f"copied-{mode}", storage="local")
    operator.run("migrate", f"shared-{mode}", "--to", "lab2", "--mode", mode, "--yes")
    assert _states(lab, f"shared-{mode}") == {"lab2": "running"}
    refused = operator.run("migrate", f"copied-{mode}", "--to", "lab2", "--mode", mode, "--yes", code=3)
    assert b"done" not in refused.stdout
    operator.run("migrate", f"copied-{mode}", "--to", "lab2", "--mode", mode, "--copy-storage", "--yes")
    assert _states(lab, f"copied-{mode}") == {"lab2": "running"}


def test_a_cancelled_migration_leaves_the_vm_running_at_the_source(
    lab: Lab, operator: JumpHost, make_vm: MakeVm
) -> None:
    make_vm("lab1", "reluctant", dirty=1)
    operator.run("migrate", "reluctant", "--to", "lab2", "--bandwidth", "2", "--yes", "--no-wait")
    _eventually(lambda: "Unbounded" in lab.run("lab1", ["virsh", "domjobinfo", "reluctant"]))
    operation, *_ = operator.read("ops")
    operator.run("cancel", operation["id"], code=None)
    _eventually(lambda: operator.operation_states()[0] == "cancelled")
    assert _states(lab, "reluctant") == {"lab1": "running"}


def test_a_vm_lives_its_whole_life_by_commands(lab: Lab, operator: JumpHost) -> None:
    operator.run(
        *("create", "newborn", "--on", "lab1", "--memory", "128", "--pool", "shared", "--disk", "64"),
        *("--network", "default", "--kernel", "/var/lib/libvirt/guest/vmlinuz"),
        *("--initrd", "/var/lib/libvirt/guest/initrd", "--cmdline", "console=ttyS0 quiet panic=-1", "--start", "--yes"),
    )
    assert _states(lab, "newborn") == {"lab1": "running"}
    operator.run("pause", "newborn", "--yes")
    assert _states(lab, "newborn") == {"lab1": "paused"}
    operator.run("resume", "newborn")
    refused = operator.run("delete", "newborn", "--yes", code=3)
    assert refused.stdout == b""
    operator.run("force-off", "newborn", "--yes")
    assert _states(lab, "newborn") == {"lab1": "shut off"}
    operator.run("rename", "newborn", "grown-up", "--yes")
    operator.run("resize", "grown-up", "--vcpus", "2", "--yes")
    operator.run("migrate", "grown-up", "--to", "lab3", "--yes")
    assert _states(lab, "grown-up") == {"lab3": "shut off"}
    operator.run("delete", "grown-up", "--with-disks", "--yes")
    assert _states(lab, "grown-up") == {}
    assert "newborn" not in lab.run("lab1", ["ls", "/var/lib/libvirt/shared"])


def test_a_vm_started_by_virsh_shows_within_a_second_or_so(lab: Lab, operator: JumpHost, make_vm: MakeVm) -> None:
    make_vm("lab3", "sudden", start=False)
    console = operator.terminal()
    console.wait_for(lambda text: "sudden" in text and "shut off" in text)
    lab.virsh("lab3", "start", "sudden")
    started = time.monotonic()
    console.wait_for(lambda text: "running" in text)
    assert time.monotonic() - started < 2.0


def test_the_serial_console_answers_inside_the_pane(lab: Lab, operator: JumpHost, make_vm: MakeVm) -> None:
    make_vm("lab1", "talker")
    console = operator.terminal()
    console.wait_for("talker")
    console.press("c")
    console.wait_for("all keys go to the guest")
    # busybox says where it is: "/", and newer ones "~", since that is home.
    _eventually(lambda: (console.press("enter"), re.search("talker:[/~]", console.text))[1], timeout_s=90)
    console.press("echo in-$((20+3))", "enter")
    console.wait_for("in-23")
    console.press("ctrl+]")
    console.wait_for("1 VMs")


def test_two_consoles_see_each_others_operations(lab: Lab, operator: JumpHost, make_vm: MakeVm) -> None:
    make_vm("lab1", "watched")
    one, other = operator.terminal(), operator.terminal()
    for console in (one, other):
        console.wait_for("watched")
    other.press("3")
    operator.run("pause", "watched", "--yes")
    other.wait_for("pause watched")
    one.wait_for("paused")
