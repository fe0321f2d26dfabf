"""A live migration that meets a fault half-way: it runs once, where NovaCron says, and can be migrated again.

Where the VM is is read by virsh, from every host, and its memory by the guest; what NovaCron says must equal it.
"""

import subprocess
from collections.abc import Iterator

import pytest

from novacron.lab.faults import make_fault, mend_all
from novacron.lab.lab import Lab
from novacron.lab.namespaces import inner_environment
from tests.lab.hypervisor_truth import (
    PATIENCE_S,
    copies_memory,
    guest_says,
    has_job,
    reason,
    states,
    wait_for_guest,
    wait_until,
)
from tests.lab.jump_host import JumpHost, at_a_jump_host
from tests.lab_fixtures import MakeVm

pytestmark = pytest.mark.lab

_CRAWL_MIB_S = "1"
_DIRTY_MIB_S = 16
"""Memory is rewritten much faster than it is moved: without help such a migration never ends."""
_KILL_IN_PHASE = """\
until [[ $(</run/libvirt/qemu/$1.xml) == *"phase='$2'"* ]]; do :; done 2>/dev/null
kill -9 "$(cat /run/libvirtd.pid)"
"""
"""libvirtd writes down each phase of a migration before it enters it."""


@pytest.fixture
def person(lab: Lab) -> Iterator[JumpHost]:
    """Somebody who migrates VMs of this lab."""
    with at_a_jump_host(lab) as one:
        yield one


class Voyage:
    """One VM on lab1 with something in its memory, on its way to lab2."""

    def __init__(self, lab: Lab, person: JumpHost, make_vm: MakeVm, name: str) -> None:
        self.lab, self.person, self.name = lab, person, name
        self.id = make_vm("lab1", name, dirty=_DIRTY_MIB_S)
        wait_for_guest(lab, "lab1", name)
        guest_says(lab, "lab1", name, f"echo {self.id} >/work/kept")

    def begin(self, mode: str) -> None:
        """Let it start, and return when memory is being copied."""
        wait_until(lambda: all(host["current"] for host in self.person.read("hosts")), "all hosts are up")
        self.person.run(
            *("migrate", self.name, "--to", "lab2", "--mode", mode, "--bandwidth", _CRAWL_MIB_S, "--yes", "--no-wait")
        )
        wait_until(lambda: copies_memory(self.lab, "lab1", self.name), "its memory is being copied")
        assert self.operation["state"] == "running"

    def lose_libvirtd(self, host: str, phase: str) -> None:
        """Let it start, and kill the host's libvirtd the moment it has entered this phase of the migration."""
        waiting = ["timeout", str(PATIENCE_S), "bash", "-c", _KILL_IN_PHASE, "bash", self.name, phase]
        killer = subprocess.Popen(self.lab.inside(host).enter(waiting), env=inner_environment())
        while killer.poll() is None:
            wait_until(lambda: all(one["current"] for one in self.person.read("hosts")), "all hosts are up")
            if states(self.lab, self.name).get("lab2") == "running":
                # The phase went by unseen. On the way back neither host enters it.
                self.person.run("migrate", self.name, "--to", "lab1", "--yes")
            self.person.run("migrate", self.name, "--to", "lab2", "--yes", "--no-wait")
            wait_until(lambda: killer.poll() is not None or self.operation["ended_at"], "it has changed hands")
        assert killer.returncode == 0, f"{phase} was never seen on {host}"

    @property
    def operation(self) -> dict[str, object]:
        """Its newest operation, as NovaCron tells it."""
        return self.person.read("ops")[0]

    def wait_for_end(self) -> tuple[object, str]:
        """Wait until NovaCron says that its newest operation has ended; returns how, and in which words."""
        wait_until(lambda: self.operation["ended_at"] is not None, "the operation has ended")
        return self.operation["state"], str(self.operation["outcome"])

    def require_only_on(self, host: str) -> None:
        """Check that it runs there, with its memory, and nowhere else is anything of it; and that NovaCron says so."""
        assert states(self.lab, self.name) == {host: "running"}
        self.require_runs_on(host)

    def require_runs_on(self, host: str) -> None:
        """Check that it runs there, with its memory, and elsewhere there is at most a definition of it."""
        truth = states(self.lab, self.name)
        assert truth.pop(host) == "running"
        assert set(truth.values()) <= {"shut off"}
        assert not has_job(self.lab, host, self.name)
        assert guest_says(self.lab, host, self.name, "cat /work/kept") == self.id
        said = (host, True, "running", list(truth))
        wait_until(lambda: self._told() == said, f"NovaCron shows it on {host}")

    def require_no_alarm(self) -> None:
        """Check that nobody was ever told that it crashed, or runs twice."""
        raised = {alert["rule"] for alert in self.person.read("alerts", "--all") if alert["subject"] == self.name}
        assert not raised & {"VM crashed", "VM runs twice"}, raised

    def require_migrates(self) -> None:
        """Check that it migrates as if nothing had been."""
        self.person.run("migrate", self.name, "--to", "lab2", "--yes")
        self.require_only_on("lab2")

    def _told(self) -> tuple[str, bool, str, list[str]]:
        told = self.person.vm(self.id)
        return told["host"], told["current"], told["vm"]["state"], told["also_on"]


def _is_up(person: JumpHost, host: str) -> bool:
    return next(bool(one["current"]) for one in person.read("hosts") if one["name"] == host)


@pytest.mark.parametrize(
    ("mode", "fault", "host"),
    [
        ("p2p", "kill-libvirtd", "lab1"),
        ("p2p", "kill-libvirtd", "lab2"),
        ("p2p", "partition", "lab2"),
        ("direct", "kill-libvirtd", "lab2"),
    ],
)
def test_it_stays_at_the_source_when_an_end_is_lost_half_way_and_this_is_said_when_both_answer(
    lab: Lab, person: JumpHost, make_vm: MakeVm, mode: str, fault: str, host: str
) -> None:
    voyage = Voyage(lab, person, make_vm, f"{mode}-{fault}-{host}")
    voyage.begin(mode)
    make_fault(lab, fault, host)
    wait_until(lambda: not _is_up(person, host), f"{host} is seen to be lost")
    assert voyage.operation["ended_at"] is None, "an outcome that nobody can know was told"
    mend_all(lab)
    state, outcome = voyage.wait_for_end()
    voyage.require_only_on("lab1")
    assert state == "failed", outcome
    assert "it was not moved; read from both hosts: it is running" in outcome
    assert "on lab1" in outcome
    voyage.require_no_alarm()
    voyage.require_migrates()


def test_a_cancel_while_the_destination_is_cut_off_is_carried_out_and_told_when_it_answers(
    lab: Lab, person: JumpHost, make_vm: MakeVm
) -> None:
    voyage = Voyage(lab, person, make_vm, "recalled")
    voyage.begin("direct")
    make_fault(lab, "partition", "lab2")
    wait_until(lambda: not _is_up(person, "lab2"), "lab2 is seen to be lost")
    person.run("cancel", str(voyage.operation["id"]), "--no-wait")
    wait_until(lambda: not has_job(lab, "lab1", "recalled"), "lab1 has let go of the migration")
    assert reason(lab, "lab1", "recalled").startswith("running")
    assert voyage.operation["ended_at"] is None, "nobody knows yet what is on lab2"
    mend_all(lab)
    state, outcome = voyage.wait_for_end()
    voyage.require_only_on("lab1")
    assert state == "cancelled", outcome
    voyage.require_no_alarm()
    voyage.require_migrates()


def test_it_stays_at_the_source_when_its_copy_dies_and_a_definition_left_there_is_told(
    lab: Lab, person: JumpHost, make_vm: MakeVm
) -> None:
    voyage = Voyage(lab, person, make_vm, "copyless")
    definition = lab.virsh("lab1", "dumpxml", "copyless", "--inactive")
    lab.run("lab2", ["virsh", "-q", "define", "/dev/stdin"], stdin=definition)
    voyage.begin("p2p")
    make_fault(lab, "kill-guest", "lab2", "copyless")
    state, outcome = voyage.wait_for_end()
    assert states(lab, "copyless") == {"lab1": "running", "lab2": "shut off"}
    assert state == "failed", outcome
    assert "it was not moved; read from both hosts: it is running" in outcome
    assert "lab2 has a definition of it that the next migration replaces" in outcome
    voyage.require_no_alarm()
    voyage.require_migrates()


def test_it_runs_once_where_the_outcome_says_when_a_libvirtd_dies_as_it_changes_hands(
    lab: Lab, person: JumpHost, make_vm: MakeVm
) -> None:
    voyage = Voyage(lab, person, make_vm, "handed-over")
    for host, phase in (("lab1", "perform3_done"), ("lab2", "finish3"), ("lab1", "confirm3")):
        voyage.lose_libvirtd(host, phase)
        wait_until(lambda lost=host: not _is_up(person, lost), f"{host} is seen to be lost")
        mend_all(lab)
        state, outcome = voyage.wait_for_end()
        assert state in ("done", "failed"), outcome
        there = "lab2" if state == "done" else "lab1"
        voyage.require_runs_on(there)
        assert f"on {there}" in outcome, outcome
        voyage.require_no_alarm()
        if state == "done":
            person.run("migrate", voyage.name, "--to", "lab1", "--yes")
    voyage.require_migrates()


def test_it_is_down_and_left_to_a_person_when_it_dies_half_way(lab: Lab, person: JumpHost, make_vm: MakeVm) -> None:
    voyage = Voyage(lab, person, make_vm, "lost")
    voyage.begin("p2p")
    make_fault(lab, "kill-guest", "lab1", "lost")
    state, outcome = voyage.wait_for_end()
    assert states(lab, "lost") == {"lab1": "shut off"}
    assert reason(lab, "lab1", "lost") == "shut off (crashed)"
    assert state == "needs attention", outcome
    assert "it is shut off (crashed) on lab1" in outcome
    wait_until(lambda: person.holds("VM crashed", "lost"), "it is told to have crashed")
    told = person.vm(voyage.id)
    assert (told["host"], told["vm"]["state"], told["also_on"]) == ("lab1", "shut off", [])
    person.run("start", "lost", "--yes")
    assert states(lab, "lost") == {"lab1": "running"}
    person.run("migrate", "lost", "--to", "lab2", "--yes")
    assert states(lab, "lost") == {"lab2": "running"}


def test_a_cancel_at_the_last_moment_leaves_it_running_once_where_the_outcome_says(
    lab: Lab, person: JumpHost, make_vm: MakeVm
) -> None:
    voyage = Voyage(lab, person, make_vm, "waverer")
    came = []
    for begins_to_end, delay_s in ((False, "0"), (True, "0"), (True, "0.5"), (True, "20")):
        voyage.begin("p2p")
        operation = str(voyage.operation["id"])
        if begins_to_end:
            # From here on it ends within a second or two; whether the cancel comes before that is luck.
            lab.virsh("lab1", "migrate-setspeed", "waverer", "1000")
            lab.run("lab1", ["sleep", delay_s])
        person.run("cancel", operation, code=None)
        state, outcome = voyage.wait_for_end()
        assert state in ("done", "cancelled"), outcome
        there = "lab2" if state == "done" else "lab1"
        assert f"on {there}" in outcome, outcome
        voyage.require_only_on(there)
        came.append(state)
        if state == "done":
            person.run("migrate", "waverer", "--to", "lab1", "--yes")
    # The first cancel comes long before the end, the last one long after it: a cancel that is never carried out, or
    # that takes back what has arrived, shows here.
    assert (came[0], came[-1]) == ("cancelled", "done"), came
    voyage.require_no_alarm()
    voyage.require_migrates()
