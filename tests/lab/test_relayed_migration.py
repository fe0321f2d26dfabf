"""Two hosts that cannot meet: a migration goes through the backend's own connections, and in no other way."""

import os
import signal
from collections.abc import Iterator

import pytest

from novacron.lab.faults import make_fault
from novacron.lab.lab import Lab
from tests.lab.hypervisor_truth import copies_memory, guest_says, has_job, states, wait_for_guest, wait_until
from tests.lab.jump_host import JumpHost, at_a_jump_host
from tests.lab_fixtures import MakeVm

pytestmark = pytest.mark.lab

_SYN_RETRIES = "net.ipv4.tcp_syn_retries"


@pytest.fixture
def person(lab: Lab) -> Iterator[JumpHost]:
    """Somebody who reaches every host."""
    with at_a_jump_host(lab) as one:
        yield one


@pytest.fixture
def _impatient_kernel(lab: Lab) -> Iterator[None]:
    """Let lab1's kernel give up on a connection after 15 s and not after the usual two minutes."""
    usual = lab.run("lab1", ["sysctl", "-n", _SYN_RETRIES]).strip()
    lab.run("lab1", ["sysctl", "-q", "-w", f"{_SYN_RETRIES}=3"])
    yield
    lab.run("lab1", ["sysctl", "-q", "-w", f"{_SYN_RETRIES}={usual}"])


def _left_over(lab: Lab) -> list[str]:
    """Return what is left of sockets that data were relayed through."""
    look = ["find", "/var/lib/libvirt", "/run", "/tmp", "-name", "novacron-*"]  # noqa: S108 -- the host's own
    return [line for host in lab.hosts for line in lab.attempt(host, look).stdout.splitlines()]


def _is_refused(person: JumpHost, vm: str, mode: str) -> str:
    """Have a migration to lab2 fail, and return what is said of it. Meanwhile every host's row stays current."""
    person.run("migrate", vm, "--to", "lab2", "--mode", mode, "--yes", "--no-wait")
    seen_current = []

    def ended() -> bool:
        seen_current.append({host["name"]: host["current"] for host in person.read("hosts")})
        return person.read("ops")[0]["ended_at"] is not None

    wait_until(ended, f"the {mode} migration has ended", every_s=0.5)
    assert all(all(current.values()) for current in seen_current), seen_current
    operation = person.read("ops")[0]
    assert operation["state"] == "failed"
    return str(operation["outcome"])


@pytest.mark.usefixtures("_impatient_kernel")
def test_hosts_that_cannot_meet_migrate_relayed_and_in_no_other_way(
    lab: Lab, person: JumpHost, make_vm: MakeVm
) -> None:
    make_vm("lab1", "outcast", dirty=8)
    wait_for_guest(lab, "lab1", "outcast")
    guest_says(lab, "lab1", "outcast", "echo treasure >/work/kept")
    make_fault(lab, "no-peers", "lab2")
    wait_until(lambda: all(host["current"] for host in person.read("hosts")), "the operator reaches every host")
    for mode in ("p2p", "direct"):
        said = _is_refused(person, "outcast", mode)
        assert "it is running (booted) on lab1" in said
        assert "lab1 said: its way to lab2 broke" in said
        assert "or migrate relayed" in said
        assert states(lab, "outcast") == {"lab1": "running"}
        assert not has_job(lab, "lab1", "outcast")
    person.run(*("migrate", "outcast", "--to", "lab2", "--mode", "relayed", "--bandwidth", "1", "--yes", "--no-wait"))
    wait_until(lambda: copies_memory(lab, "lab1", "outcast"), "its memory is being relayed")
    assert _left_over(lab), "there is nothing that it could be relayed through"
    person.run("cancel", person.read("ops")[0]["id"], code=None)
    assert person.read("ops")[0]["state"] == "cancelled"
    assert states(lab, "outcast") == {"lab1": "running"}
    assert _left_over(lab) == []
    person.run(*("migrate", "outcast", "--to", "lab2", "--mode", "relayed", "--bandwidth", "1", "--yes", "--no-wait"))
    wait_until(lambda: copies_memory(lab, "lab1", "outcast"), "its memory is being relayed again")
    os.kill(person.backend_pid(), signal.SIGKILL)
    assert _left_over(lab), "a killed backend leaves its sockets"
    wait_until(lambda: person.read("ops")[0]["ended_at"] is not None, "the next backend has settled it")
    wait_until(lambda: _left_over(lab) == [], "the next backend has removed what was left")
    assert states(lab, "outcast") == {"lab1": "running"}
    person.run("migrate", "outcast", "--to", "lab2", "--mode", "relayed", "--yes")
    assert states(lab, "outcast") == {"lab2": "running"}
    assert guest_says(lab, "lab2", "outcast", "cat /work/kept") == "treasure"
    assert _left_over(lab) == []


def test_hosts_that_cannot_meet_hand_over_a_vm_with_its_disk(lab: Lab, person: JumpHost, make_vm: MakeVm) -> None:
    make_vm("lab1", "mover", storage="local")
    wait_for_guest(lab, "lab1", "mover")
    guest_says(lab, "lab1", "mover", "echo treasure >/work/kept; echo cargo | dd of=/dev/vda conv=fsync 2>/dev/null")
    make_fault(lab, "no-peers", "lab2")
    wait_until(lambda: all(host["current"] for host in person.read("hosts")), "the operator reaches every host")
    person.run("migrate", "mover", "--to", "lab2", "--mode", "relayed", "--copy-storage", "--yes")
    assert states(lab, "mover") == {"lab2": "running"}
    assert guest_says(lab, "lab2", "mover", "cat /work/kept; head -n 1 /dev/vda") == "treasure\ncargo"
    assert _left_over(lab) == []
