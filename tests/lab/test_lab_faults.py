"""Each fault does what it says, and healing it brings the host back."""

import subprocess
import time
from collections.abc import Callable, Mapping

import pytest

from novacron.lab.errors import LabError
from novacron.lab.faults import FAULTS, active_faults, make_fault, mend_all, mend_host
from novacron.lab.lab import Lab
from novacron.lab.premises import ask_relay
from novacron.lab.status import read_status
from tests.lab_fixtures import MakeVm, eventually

pytestmark = pytest.mark.lab


_PATIENCE_S = 60.0


def _ssh(lab: Lab, host: str, command: str, *, timeout_s: float = _PATIENCE_S) -> subprocess.CompletedProcess[str]:
    argv = ["ssh", "-F", str(lab.ssh_config), "-o", "BatchMode=yes", host, command]
    return subprocess.run(argv, capture_output=True, text=True, timeout=timeout_s, check=False)


def _reaches(lab: Lab, host: str) -> bool:
    return _ssh(lab, host, "true").returncode == 0


def _hangs(lab: Lab, host: str, command: str = "true") -> bool:
    """Whether a command does not end on a host, in five times the time that a healthy one takes for it."""
    healthy = next(other.name for other in lab.hosts if other.name not in active_faults(lab))
    healthy_s = _timed_s(lambda: _ssh(lab, healthy, command))
    try:
        _ssh(lab, host, command, timeout_s=max(1.5, 5 * healthy_s))
    except subprocess.TimeoutExpired:
        return True
    return False


def _pings(lab: Lab, source: str, target: str) -> bool:
    """Whether a host hears another's sshd, in five times the time in which it hears its own."""
    own_s = _timed_s(lambda: _greeting(lab, source, source, patience_s=20))
    return _greeting(lab, source, target, patience_s=max(1.0, 5 * own_s)) == "SSH"


def _greeting(lab: Lab, source: str, target: str, *, patience_s: float) -> str:
    probe = ["bash", "-c", "exec 3<>/dev/tcp/$0/22 && head -c 3 <&3", lab.host(target).address]
    return lab.attempt(source, ["timeout", str(patience_s), *probe], timeout_s=2 * _PATIENCE_S).stdout


def _touches_shared_storage(lab: Lab, host: str, *, patience_s: float) -> bool:
    try:
        lab.run(host, ["sh", "-euc", "touch $0; rm $0", "/var/lib/libvirt/shared/probe"], timeout_s=patience_s)
    except LabError as error:
        if "took over" not in str(error):
            raise
        return False
    return True


def _timed_s(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


_ILL = "lab1"
_SENDING = "head -c 150000 /dev/urandom | base64"
_SIGNS: Mapping[str, tuple[str, Callable[[Lab], bool]]] = {
    "partition": ("", lambda lab: not _pings(lab, "lab2", _ILL)),
    "no-peers": ("", lambda lab: not _pings(lab, "lab2", _ILL)),
    "half-open": ("", lambda lab: not _pings(lab, "lab2", _ILL)),
    # A handshake is several round trips of a second each.
    "delay": ("500", lambda lab: _timed_s(lambda: _reaches(lab, _ILL)) > 3),
    "drop": ("100000", lambda lab: _ssh(lab, _ILL, _SENDING).returncode == 255),
    # It is sent in a third of a second where nothing slows it down, and in four by this cable.
    "slow": ("400", lambda lab: _timed_s(lambda: _ssh(lab, _ILL, _SENDING)) > 3),
    "loss": ("100", lambda lab: not _pings(lab, "lab2", _ILL)),
    "freeze-libvirtd": ("", lambda lab: _hangs(lab, _ILL, "virsh list")),
    "kill-libvirtd": ("", lambda lab: "Connection refused" in _ssh(lab, _ILL, "virsh list").stderr),
    "no-libvirt": ("", lambda lab: "No such file or directory" in _ssh(lab, _ILL, "virsh list").stderr),
    "kill-sshd": ("", lambda lab: _ssh(lab, _ILL, "true").returncode == 255),
    "rekey": ("", lambda lab: "REMOTE HOST IDENTIFICATION HAS CHANGED" in _ssh(lab, _ILL, "true").stderr),
    "lock-out": ("", lambda lab: "Permission denied (publickey)" in _ssh(lab, _ILL, "true").stderr),
    "crash": ("", lambda lab: not lab.is_up(lab.host(_ILL))),
    "fill-disk": ("", lambda lab: {host.name: host.disk for host in read_status(lab)}[_ILL] == "100%"),
    "pause-storage": ("", lambda lab: not _touches_shared_storage(lab, "lab2", patience_s=5)),
}
"""Fault -> its argument, and what it is known by from outside while it lasts."""


# What does not last is a killed guest, which has a test of its own.
@pytest.mark.parametrize("kind", [kind for kind, fault in FAULTS.items() if fault.lasts])
def test_a_fault_shows_until_it_is_healed(lab: Lab, kind: str) -> None:
    argument, shows = _SIGNS[kind]
    assert eventually(lambda: not shows(lab)), "there is no telling on so busy a machine"
    make_fault(lab, kind, _ILL, argument)
    assert shows(lab)
    assert mend_host(lab, _ILL) == [kind]
    assert eventually(lambda: not shows(lab))
    assert eventually(lambda: _reaches(lab, _ILL))


def test_a_partitioned_host_is_reached_by_nobody(lab: Lab) -> None:
    make_fault(lab, "partition", "lab1")
    assert _hangs(lab, "lab1")
    assert not _pings(lab, "lab2", "lab1")
    assert _reaches(lab, "lab2")
    mend_host(lab, "lab1")
    assert eventually(lambda: _reaches(lab, "lab1"))
    assert eventually(lambda: _pings(lab, "lab2", "lab1"))


def test_a_host_without_peers_is_reached_by_its_operator_alone(lab: Lab) -> None:
    make_fault(lab, "no-peers", "lab2")
    for source, target in (("lab1", "lab2"), ("lab2", "lab1"), ("lab2", "lab3")):
        assert not _pings(lab, source, target), (source, target)
    assert _pings(lab, "lab1", "lab3")
    assert _reaches(lab, "lab2")
    mend_host(lab, "lab2")
    assert eventually(lambda: _pings(lab, "lab1", "lab2"))
    assert lab.run("lab2", ["nft", "list", "ruleset"]) == ""


def test_a_half_open_host_takes_connections_and_says_nothing(lab: Lab) -> None:
    talking = subprocess.Popen(
        ["ssh", "-F", str(lab.ssh_config), "lab2", "cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert talking.stdin is not None
    assert talking.stdout is not None
    try:
        talking.stdin.write(b"before\n")
        talking.stdin.flush()
        assert talking.stdout.readline() == b"before\n"
        make_fault(lab, "half-open", "lab2")
        talking.stdin.write(b"during\n")
        talking.stdin.flush()
        assert _hangs(lab, "lab2")
        assert not _pings(lab, "lab1", "lab2")
        assert talking.poll() is None, "an old connection was broken instead of hanging"
        mend_host(lab, "lab2")
        assert eventually(lambda: talking.poll() is not None), "swallowed bytes cannot come back"
    finally:
        talking.kill()
        talking.communicate()
    assert _reaches(lab, "lab2")


def test_a_connection_drops_after_so_many_bytes_and_not_before(lab: Lab) -> None:
    make_fault(lab, "drop", "lab3", "100000")
    assert _reaches(lab, "lab3")
    assert _ssh(lab, "lab3", _SENDING).returncode == 255


def test_a_healed_cable_has_no_limit_and_its_way_no_delay(lab: Lab) -> None:
    make_fault(lab, "slow", "lab1", "800")
    make_fault(lab, "delay", "lab1", "100")
    assert "tbf" in lab.run("lab1", ["tc", "qdisc", "show"])
    assert ask_relay(lab.layout, {})["lab1"]["delay_ms"] == 100
    mend_host(lab, "lab1")
    assert "tbf" not in lab.run("lab1", ["tc", "qdisc", "show"]) + lab.outer.run(["tc", "qdisc", "show"]).stdout
    assert ask_relay(lab.layout, {})["lab1"]["delay_ms"] == 0


def test_packets_get_lost(lab: Lab) -> None:
    make_fault(lab, "loss", "lab2", "100")
    assert _hangs(lab, "lab2")
    mend_host(lab, "lab2")
    make_fault(lab, "loss", "lab2", "10")
    assert "numgen random mod 100 < 10 drop" in lab.run("lab2", ["nft", "list", "ruleset"])
    mend_host(lab, "lab2")
    assert lab.run("lab2", ["nft", "list", "ruleset"]) == ""
    assert eventually(lambda: _reaches(lab, "lab2"))


def test_a_frozen_libvirtd_hangs_its_callers_only(lab: Lab) -> None:
    make_fault(lab, "freeze-libvirtd", "lab1")
    assert _reaches(lab, "lab1")
    assert _hangs(lab, "lab1", "virsh list")
    mend_host(lab, "lab1")
    assert _ssh(lab, "lab1", "virsh list").returncode == 0


@pytest.mark.parametrize(
    ("kind", "said"),
    [("kill-libvirtd", "Connection refused"), ("no-libvirt", "No such file or directory")],
)
def test_a_dead_libvirtd_leaves_its_guests_alone(lab: Lab, make_vm: MakeVm, kind: str, said: str) -> None:
    make_vm("lab1", "survivor")
    make_fault(lab, kind, "lab1")
    assert said in _ssh(lab, "lab1", "virsh -c qemu:///system list").stderr
    assert lab.run("lab1", ["pgrep", "-c", "qemu-system"]).strip() == "1"
    mend_host(lab, "lab1")
    assert "survivor" in _ssh(lab, "lab1", "virsh list --name").stdout


def test_a_dead_sshd_leaves_the_host_alone(lab: Lab) -> None:
    make_fault(lab, "kill-sshd", "lab3")
    assert not _pings(lab, "lab1", "lab3")
    assert lab.virsh("lab3", "hostname").strip() == "lab3"


def test_a_crashed_host_boots_again_with_its_disk(lab: Lab, make_vm: MakeVm) -> None:
    vm_id = make_vm("lab2", "casualty")
    lab.virsh("lab2", "autostart", "casualty")
    assert eventually(lambda: _pings(lab, "lab1", "lab2"))
    make_fault(lab, "crash", "lab2")
    assert _ssh(lab, "lab2", "true").returncode == 255
    with pytest.raises(LabError, match="it is down"):
        lab.run("lab2", ["true"])
    mend_host(lab, "lab2")
    assert _reaches(lab, "lab2")
    assert eventually(lambda: vm_id in lab.virsh("lab2", "list", "--uuid")), "autostart came to nothing"
    assert eventually(lambda: _pings(lab, "lab1", "lab2")), "the others do not find it any more"


def test_a_killed_guest_is_shut_off(lab: Lab, make_vm: MakeVm) -> None:
    make_vm("lab3", "victim")
    make_fault(lab, "kill-guest", "lab3", "victim")
    assert eventually(lambda: "crashed" in lab.virsh("lab3", "domstate", "victim", "--reason"))
    assert not active_faults(lab)
    with pytest.raises(LabError, match="does not run"):
        make_fault(lab, "kill-guest", "lab3", "victim")


def test_a_full_disk_is_full_for_libvirt_too(lab: Lab) -> None:
    make_fault(lab, "fill-disk", "lab1", "90")
    assert {host.name: host.disk for host in read_status(lab)}["lab1"] in ("90%", "91%")
    mend_host(lab, "lab1")
    make_fault(lab, "fill-disk", "lab1")
    create = ["virsh", "vol-create-as", "local", "big", "8M", "--allocation", "8M"]
    refused = lab.attempt("lab1", create)
    assert "No space left on device" in refused.stderr
    mend_host(lab, "lab1")
    lab.run("lab1", create)
    lab.virsh("lab1", "vol-delete", "big", "local")


def test_paused_storage_stalls_all_hosts_and_comes_back(lab: Lab) -> None:
    healthy_s = _timed_s(lambda: _touches_shared_storage(lab, "lab2", patience_s=_PATIENCE_S))
    make_fault(lab, "pause-storage", "lab1")
    for host in lab.hosts:
        assert not _touches_shared_storage(lab, host.name, patience_s=max(1.5, 5 * healthy_s))
    mend_host(lab, "lab1")
    for host in lab.hosts:
        assert _touches_shared_storage(lab, host.name, patience_s=_PATIENCE_S)


def test_faults_add_up_and_are_all_healed_at_once(lab: Lab) -> None:
    make_fault(lab, "delay", "lab1", "100")
    make_fault(lab, "freeze-libvirtd", "lab1")
    make_fault(lab, "crash", "lab1")
    make_fault(lab, "partition", "lab3")
    assert set(active_faults(lab)["lab1"]) == {"delay", "freeze-libvirtd", "crash"}
    assert mend_all(lab) == {"lab1": ["delay", "freeze-libvirtd", "crash"], "lab3": ["partition"]}
    assert not active_faults(lab)
    assert all(_reaches(lab, host.name) for host in lab.hosts)


def test_a_relay_that_died_is_started_by_healing(lab: Lab) -> None:
    lab.outer.run(["pkill", "-KILL", "-f", "relay.py"])
    assert _ssh(lab, "lab1", "true").returncode == 255
    mend_all(lab)
    assert _reaches(lab, "lab1")


def test_an_unknown_fault_host_or_number_is_refused(lab: Lab) -> None:
    for kind, host, argument in (
        ("earthquake", "lab1", ""),
        ("partition", "lab9", ""),
        ("partition", "lab1", "5"),
        ("delay", "lab1", "-1"),
        ("loss", "lab1", "101"),
        ("kill-guest", "lab1", ""),
    ):
        with pytest.raises(LabError):
            make_fault(lab, kind, host, argument)
    mend_all(lab)
