"""Pools and volumes that change behind our back are followed, on the screen and on the command line."""

from collections.abc import Iterator
from typing import Final

import pytest

from novacron.lab.lab import Lab
from novacron.model.errors import ExitCode
from tests.lab.jump_host import JumpHost, at_a_jump_host, have_pools_read
from tests.lab_fixtures import eventually
from tests.terminal import Terminal

pytestmark = pytest.mark.lab

_HOST: Final = "lab2"
_FOLDER: Final = "/var/lib/libvirt/spare"
_BY_EVENT_S: Final = 6.0
"""libvirt tells of pools that come and go."""
_BY_INVENTORY_S: Final = 45.0
"""It tells nothing of volumes: they are read every 30 s."""


@pytest.fixture
def person(lab: Lab) -> Iterator[JumpHost]:
    """Somebody who watches this lab."""
    with at_a_jump_host(lab) as one:
        yield one


@pytest.fixture(autouse=True)
def _no_spare_left(lab: Lab) -> Iterator[None]:
    yield
    for command in ("pool-destroy", "pool-undefine"):
        lab.attempt(_HOST, ["virsh", "-q", command, "spare"])
    lab.run(_HOST, ["rm", "-rf", _FOLDER])


def _make_pool(lab: Lab, *volumes: str) -> None:
    lab.run(_HOST, ["mkdir", "-p", _FOLDER])
    for volume in volumes:
        lab.run(_HOST, ["truncate", "-s", "1M", f"{_FOLDER}/{volume}"])
    lab.virsh(_HOST, "pool-define-as", "spare", "dir", "--target", _FOLDER)
    lab.virsh(_HOST, "pool-start", "spare")


def _row(text: str) -> str:
    """Return the line of the pool on the Storage pane; empty when it has none."""
    return next((line for line in text.split("\n") if line.startswith(" spare") and _HOST in line), "")


def _state(person: JumpHost) -> str:
    """Return what the command line says of the pool."""
    found = [pool["pool"]["active"] for pool in person.read("pools", _HOST) if pool["pool"]["name"] == "spare"]
    return {(): "none", (True,): "active", (False,): "inactive"}[tuple(found)]


def _volumes(person: JumpHost) -> set[str]:
    """Return what the command line lists in the pool."""
    return {entry["volume"]["name"] for entry in person.read("volumes", _HOST, "--pool", "spare")}


def _storage_pane(person: JumpHost) -> Terminal:
    console = person.terminal(columns=120)
    console.press("4")
    console.wait_for(lambda text: text.count("shared") >= 3)
    return console


def test_a_pool_that_comes_stops_and_goes_behind_our_back_is_followed(lab: Lab, person: JumpHost) -> None:
    console = _storage_pane(person)
    assert not _row(console.text)
    _make_pool(lab)
    console.wait_for(lambda text: "● active" in _row(text), _BY_EVENT_S)
    assert _state(person) == "active"
    lab.virsh(_HOST, "pool-destroy", "spare")
    console.wait_for(lambda text: "inactive" in _row(text), _BY_EVENT_S)
    assert _state(person) == "inactive"
    person.run("pool", "start", "spare", "--host", _HOST, "--yes")
    assert "running" in lab.virsh(_HOST, "pool-info", "spare")
    console.wait_for(lambda text: "● active" in _row(text), _BY_EVENT_S)
    lab.virsh(_HOST, "pool-destroy", "spare")
    lab.virsh(_HOST, "pool-undefine", "spare")
    console.wait_for(lambda text: not _row(text), _BY_EVENT_S)
    assert _state(person) == "none"
    refused = person.run("pool", "stop", "spare", "--host", _HOST, "--yes", code=4)
    assert b"no pool of that name" in refused.stderr


def test_a_pool_that_goes_while_it_is_looked_at_is_said_to_be_gone(lab: Lab, person: JumpHost) -> None:
    _make_pool(lab, "mine.img")
    console = _storage_pane(person)
    console.press("/", "spare", "enter")
    console.wait_for(lambda text: bool(_row(text)))
    console.press("enter")
    console.wait_for("mine.img")
    lab.virsh(_HOST, "pool-destroy", "spare")
    console.wait_for(lambda text: "mine.img" not in text, _BY_EVENT_S)
    lab.virsh(_HOST, "pool-undefine", "spare")
    console.wait_for("it is gone", _BY_EVENT_S)
    _make_pool(lab)
    assert eventually(lambda: _state(person) == "active", timeout_s=_BY_EVENT_S)
    console.watch(0.5)
    assert "it is gone" in console.text, "another pool of the same name is another pool"
    console.press("q")
    console.wait_for(lambda text: "● active" in _row(text), _BY_EVENT_S)


def test_volumes_that_come_and_go_behind_our_back_are_followed(lab: Lab, person: JumpHost) -> None:
    _make_pool(lab, "kept.img", "deleted.img", "removed.img")
    console = _storage_pane(person)
    console.press("/", "spare", "enter")
    console.wait_for(lambda text: bool(_row(text)))
    console.press("enter")
    console.wait_for("removed.img")
    assert _volumes(person) == {"kept.img", "deleted.img", "removed.img"}
    lab.virsh(_HOST, "vol-delete", "--pool", "spare", "deleted.img")
    lab.run(_HOST, ["truncate", "-s", "1M", f"{_FOLDER}/new.img"])
    console.wait_for(lambda text: "new.img" in text and "deleted.img" not in text, _BY_INVENTORY_S)
    assert _volumes(person) == {"kept.img", "removed.img", "new.img"}
    lab.run(_HOST, ["rm", f"{_FOLDER}/removed.img"])
    assert "removed.img" in _volumes(person), "nobody could know yet"
    done = person.run(
        "volume", "delete", "removed.img", "--pool", "spare", "--host", _HOST, "--yes", code=ExitCode.NOT_FOUND
    )
    assert b"no volume removed.img" in done.stderr, "a preview looks again before anything is deleted"
    console.wait_for(lambda text: "removed.img" not in text, _BY_EVENT_S)
    assert _volumes(person) == {"kept.img", "new.img"}


def test_a_pool_whose_folder_vanished_is_told_at_once_and_not_stopped_by_us(lab: Lab, person: JumpHost) -> None:
    _make_pool(lab)
    console = _storage_pane(person)
    console.wait_for(lambda text: "● active" in _row(text))
    lab.run(_HOST, ["rm", "-rf", _FOLDER])
    have_pools_read(lab, _HOST)
    console.wait_for(lambda text: "unreadable" in _row(text), _BY_INVENTORY_S)
    assert "running" in lab.virsh(_HOST, "pool-info", "spare"), (
        "libvirt has not noticed, and nothing of ours stopped it"
    )
    person.run("pool", "stop", "spare", "--host", _HOST, "--yes")
    console.wait_for(lambda text: "inactive" in _row(text), _BY_INVENTORY_S)
    failed = person.run("pool", "start", "spare", "--host", _HOST, "--yes", code=1)
    assert _FOLDER.encode() in failed.stdout + failed.stderr, "libvirt's own reason is told"
