"""The lab comes up, stays by itself, and goes without a trace."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from novacron.lab.build import down, up
from novacron.lab.errors import LabError
from novacron.lab.faults import make_fault
from novacron.lab.lab import Lab
from novacron.lab.layout import Layout
from novacron.lab.processes import is_alive, mark_process
from novacron.lab.record import Record, write_record
from novacron.lab.status import read_status, render_json, render_text
from tests.lab_fixtures import eventually, lab_layout

pytestmark = pytest.mark.lab


@pytest.fixture
def layout(lab: Lab, lab_folder: Path) -> Iterator[Layout]:
    """Room for a second lab beside the first."""
    own = lab_layout(lab_folder)
    yield own
    down(own)


def test_each_host_is_a_machine_of_its_own(lab: Lab) -> None:
    names = [lab.run(host, ["hostname"]).strip() for host in lab.hosts]
    uuids = {lab.virsh(host, "capabilities").split("<uuid>")[1][:36] for host in lab.hosts}
    pids = {lab.run(host, ["readlink", "/proc/self/ns/pid"]) for host in lab.hosts}
    nets = {lab.run(host, ["readlink", "/proc/self/ns/net"]) for host in lab.hosts}
    assert names == ["lab1", "lab2", "lab3"]
    assert uuids == {host.uuid for host in lab.hosts}
    assert len(pids) == len(nets) == 3


def test_hosts_reach_each_other_by_name(lab: Lab) -> None:
    assert lab.run("lab1", ["ssh", "root@lab2", "hostname"]).strip() == "lab2"
    assert lab.run("lab3", ["virsh", "-c", "qemu+ssh://root@lab1/system", "hostname"]).strip() == "lab1"


def test_the_machine_sees_nothing_of_the_lab(lab: Lab) -> None:
    cards = {entry.name for entry in Path("/sys/class/net").iterdir()}
    assert not cards & {"lab", "br0", *(host.veth for host in lab.hosts)}
    assert str(lab.layout.state) not in Path("/proc/mounts").read_text()
    assert "lab1" not in Path("/etc/hosts").read_text()
    assert not Path("/var/lib/libvirt/shared").exists()
    assert not Path("/var/lib/libvirt/guest").exists()


def test_ssh_and_virsh_enter_from_the_machine(lab: Lab) -> None:
    ssh = ["ssh", "-F", str(lab.ssh_config)]
    assert _output([*ssh, "lab2", "hostname"]) == "lab2"
    uri = f"qemu+ssh://lab3/system?command={lab.layout.state}/ssh"
    assert _output(["virsh", "-c", uri, "hostname"]) == "lab3"


def test_the_operator_account_may_log_in_but_not_use_libvirt(lab: Lab) -> None:
    ssh = ["ssh", "-F", str(lab.ssh_config), "-l", "operator", "lab1"]
    assert _output([*ssh, "whoami"]) == "operator"
    refused = subprocess.run([*ssh, "virsh", "-c", "qemu:///system", "list"], capture_output=True, text=True)
    assert refused.returncode != 0
    assert "Permission denied" in refused.stderr


def test_up_on_a_running_lab_does_nothing(lab: Lab) -> None:
    said: list[str] = []
    again = up(lab.layout, hosts=3, vms=0, say=said.append)
    assert said == []
    assert again.record == lab.record
    assert all(lab.is_up(host) for host in lab.hosts)


def test_status_tells_of_hosts_daemons_and_faults(lab: Lab) -> None:
    make_fault(lab, "freeze-libvirtd", "lab2")
    make_fault(lab, "crash", "lab3")
    seen = {host.name: host for host in read_status(lab)}
    assert (seen["lab1"].sshd, seen["lab1"].libvirtd) == ("running", "running")
    assert seen["lab2"].libvirtd == "frozen"
    assert not seen["lab3"].up
    assert "FAULT freeze-libvirtd" in render_text(lab, list(seen.values()))
    assert '"libvirtd": "frozen"' in render_json(lab, list(seen.values()))


def test_down_leaves_no_process_no_mount_and_no_folder(layout: Layout) -> None:
    second = up(layout, hosts=2, vms=1, say=print)
    inhabitants = _inhabitants(second)
    # The namespace's own, two of each host's, and a QEMU at least.
    assert len(inhabitants) > 8
    assert down(layout)
    assert eventually(lambda: _living(inhabitants) == [])
    assert not layout.state.exists()
    assert not down(layout)


def test_the_first_lab_of_a_machine_comes_up_also_without_vms(layout: Layout, tmp_path: Path) -> None:
    """What libvirt finds out about QEMU is kept from lab to lab; the first one has nothing to start from."""
    fresh = replace(layout, cache=tmp_path / "cache")
    fresh.cache.mkdir()
    for made_before in layout.cache.iterdir():
        if made_before != layout.capabilities:
            (fresh.cache / made_before.name).symlink_to(made_before)
    first = up(fresh, hosts=1, vms=0, say=print)
    assert first.run("lab1", ["hostname"]).strip() == "lab1"
    assert list(fresh.capabilities.glob("qemu/capabilities/*.xml"))


@pytest.mark.parametrize("victim", ["its first process", "its holder on the machine"])
def test_a_lab_whose_holder_was_killed_is_gone_whole(layout: Layout, victim: str) -> None:
    second = up(layout, hosts=2, vms=1, say=print)
    inhabitants = _inhabitants(second)
    assert second.record.outer is not None
    first = second.record.outer.pid
    holder = first if victim == "its first process" else _parent(first)
    os.kill(holder, signal.SIGKILL)
    assert eventually(lambda: _living(inhabitants) == [])
    with pytest.raises(LabError, match="not up"):
        second.load(layout.name)
    # What is left is a folder; up makes a new lab of it.
    third = up(layout, hosts=1, vms=0, say=print)
    assert third.run("lab1", ["hostname"]).strip() == "lab1"


def test_an_up_that_was_killed_halfway_is_cleared_away(layout: Layout) -> None:
    env = {**os.environ, "NOVACRON_LAB_DIR": str(layout.state.parent), "NOVACRON_LAB": layout.name}
    command = [sys.executable, "-m", "novacron.cli.lab", "up", "--vms", "0"]
    builder = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    assert eventually(lambda: layout.shared_store.exists())
    builder.kill()
    builder.wait()
    assert Lab.find(layout) is None
    down(layout)
    assert _marked(str(layout.state)) == []
    assert not layout.state.exists()


def test_a_process_that_got_an_old_number_is_not_killed(layout: Layout) -> None:
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        mark = mark_process(bystander.pid)
        assert mark is not None
        layout.state.mkdir(parents=True)
        write_record(layout, Record(outer=replace(mark, started=mark.started - 1), ready=True))
        down(layout)
        assert bystander.poll() is None
        assert is_alive(mark)
    finally:
        bystander.kill()
        bystander.wait()


def _output(argv: list[str]) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def _inhabitants(lab: Lab) -> list[int]:
    """Return every process of the lab, its holder included, by its number on the machine."""
    mounts = {_link(Path(f"/proc/{lab.outer.first.pid}/ns/mnt"))}
    mounts |= {_link(Path(f"/proc/{lab.inside(host).first.pid}/ns/mnt")) for host in lab.hosts}
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _link(entry / "ns/mnt") in mounts:
            found.append(int(entry.name))
    return found


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def _living(pids: list[int]) -> list[int]:
    return [pid for pid in pids if mark_process(pid) is not None]


def _parent(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1])


def _marked(text: str) -> list[str]:
    """Return the command lines that still name this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                line = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
            if text in line:
                found.append(line)
    return found
