"""Several VMs by one command: one operation that is followed and cancelled as one, and each VM's own outcome."""

import os
import re
import signal
from datetime import UTC, datetime, timedelta

import pytest

from novacron.lab.lab import Lab
from novacron.model.errors import ExitCode
from tests.lab.jump_host import JumpHost, at_a_jump_host
from tests.lab_fixtures import MakeVm, eventually

pytestmark = pytest.mark.lab


def _state(lab: Lab, host: str, name: str) -> str:
    return lab.virsh(host, "domstate", name).strip()


def _batch(person: JumpHost, title: str) -> dict[str, object]:
    return next(one for one in person.read("ops", "--all") if one["title"] == title)


def test_what_can_be_started_is_and_what_cannot_is_told(lab: Lab, make_vm: MakeVm) -> None:
    off = [make_vm("lab1", "one", start=False), make_vm("lab2", "two", start=False)]
    running = make_vm("lab1", "runs")
    with at_a_jump_host(lab) as person:
        person.vms(*off, running)
        assert eventually(lambda: person.vm(running)["vm"]["state"] == "running", timeout_s=60)
        done = person.run("start", *off, running, "--yes", code=ExitCode.REFUSED)
        assert b"runs: it is running on lab1" in done.stderr
        assert re.findall(rb"^start (\w+) on \w+: done", done.stdout, re.MULTILINE) == [b"one", b"two"]
        assert [_state(lab, host, name) for host, name in (("lab1", "one"), ("lab2", "two"))] == ["running"] * 2
        assert _batch(person, "start 2 VMs")["state"] == "done"
        person.run("force-off", *off, "--yes")
        assert [_state(lab, host, name) for host, name in (("lab1", "one"), ("lab2", "two"))] == ["shut off"] * 2


def test_one_that_waits_is_cancelled_as_one_also_after_the_backend_was_killed(lab: Lab, make_vm: MakeVm) -> None:
    off = [make_vm("lab1", "one", start=False), make_vm("lab2", "two", start=False)]
    later = (datetime.now(UTC) + timedelta(hours=6)).isoformat(timespec="seconds")
    with at_a_jump_host(lab) as person:
        person.vms(*off)
        person.run("start", *off, "--at", later, "--no-wait", "--yes")
        os.kill(person.backend_pid(), signal.SIGKILL)
        parent = str(_batch(person, "start 2 VMs")["id"])
        person.run("cancel", parent, "--no-wait")
        titles = ("start 2 VMs", "start one on lab1", "start two on lab2")
        assert eventually(
            lambda: [_batch(person, title)["state"] for title in titles] == ["cancelled"] * 3, timeout_s=60
        ), [_batch(person, title) for title in titles]
        assert [_state(lab, host, name) for host, name in (("lab1", "one"), ("lab2", "two"))] == ["shut off"] * 2
