"""A backend dies at a boundary of its journal while a VM migrates: the next one finds the VM, once, and says where.

Each mode is killed at the boundaries that decide something; the simulation kills every operation at all of them.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from novacron.engine.failpoints import VARIABLE
from novacron.lab.lab import Lab
from tests.lab.hypervisor_truth import states, wait_for_guest, wait_until
from tests.lab.jump_host import JumpHost, at_a_jump_host
from tests.lab_fixtures import MakeVm

pytestmark = pytest.mark.lab

_ASKED = "migrate/migrate:after-started"
_MOVED = "migrate/migrate:before-finished"
_READ = "migrate/settle:before-finished"
_LIVE = (
    *((mode, place) for mode in ("p2p", "direct", "relayed") for place in (_ASKED, _MOVED)),
    ("p2p", _READ),
    ("p2p", "migrate:before-end"),
)
_COLD = ("migrate/define-there:before-finished", "migrate/undefine-here:before-finished")


@pytest.fixture
def person(lab: Lab) -> Iterator[JumpHost]:
    """Somebody who migrates VMs of this lab."""
    with at_a_jump_host(lab) as one:
        yield one


def _migrate_and_die(person: JumpHost, vm: str, to: str, place: str, *options: str) -> dict[str, object]:
    """Have a backend die at that place of a migration; return the operation as the next backend ends it."""
    person.run("detach", "--stop", code=None)
    person._env[VARIABLE] = f"{place}=kill"
    person.wait_until_read()
    pid = person.backend_pid()
    person.run("migrate", vm, "--to", to, *options, "--yes", "--no-wait", code=None)
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), f"the backend has died at {place}")
    del person._env[VARIABLE]
    wait_until(lambda: person.read("ops")[0]["ended_at"] is not None, "the next backend has ended it")
    assert person.backend_pid() != pid
    return person.read("ops")[0]


def _require_told_truly(lab: Lab, vm: str, operation: dict[str, object], place: str, state: str) -> str:
    """Check that it is in that state on one host, that the outcome names it, and return it."""
    truth = states(lab, vm)
    there = [host for host, seen in truth.items() if seen == state]
    assert len(there) == 1, (place, truth, operation["outcome"])
    assert operation["state"] in ("done", "failed"), (place, operation["outcome"])
    assert there[0] in str(operation["outcome"]), (place, truth, operation["outcome"])
    return there[0]


def _other(host: str) -> str:
    return "lab2" if host == "lab1" else "lab1"


def test_a_running_vm_runs_once_wherever_the_backend_dies(lab: Lab, person: JumpHost, make_vm: MakeVm) -> None:
    make_vm("lab1", "hopper")
    wait_for_guest(lab, "lab1", "hopper")
    host, moved = "lab1", 0
    for mode, place in _LIVE:
        operation = _migrate_and_die(person, "hopper", _other(host), place, "--mode", mode)
        came_to = _require_told_truly(lab, "hopper", operation, f"{mode} {place}", "running")
        # What has arrived before the backend died stays where it is.
        if place != _ASKED:
            assert came_to == _other(host), (mode, place, operation["outcome"])
        moved += came_to != host
        host = came_to
    assert moved >= len(_LIVE) - 3


def test_a_vm_that_takes_its_disk_along_runs_once_wherever_the_backend_dies(
    lab: Lab, person: JumpHost, make_vm: MakeVm
) -> None:
    make_vm("lab1", "carrier", storage="local")
    wait_for_guest(lab, "lab1", "carrier")
    operation = _migrate_and_die(person, "carrier", "lab2", _MOVED, "--copy-storage")
    assert _require_told_truly(lab, "carrier", operation, "with its disk", "running") == "lab2"


def test_a_vm_that_is_off_is_defined_once_wherever_the_backend_dies(
    lab: Lab, person: JumpHost, make_vm: MakeVm
) -> None:
    make_vm("lab1", "sleeper", start=False)
    host = "lab1"
    for place in _COLD:
        operation = _migrate_and_die(person, "sleeper", _other(host), place)
        host = _other(host)
        assert _require_told_truly(lab, "sleeper", operation, place, "shut off") == host
        assert operation["state"] == "done", operation["outcome"]
