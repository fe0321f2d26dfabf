"""Each fault between us and a host, as its row shows it: what is wrong, what to do; and the way back by itself.

Nothing is restarted or reconnected by hand in here: whatever is mended is found again by the backend alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from novacron.adapters.libvirt import gateway
from novacron.lab.definitions import VmDefinition
from novacron.lab.faults import make_fault, mend_host
from novacron.lab.lab import Lab
from novacron.lab.vms import define_vm, remove_vm
from novacron.model.ids import VmId
from novacron.model.link import Link, LinkStatus
from tests.lab.watched_fleet import (
    BACK_WITHIN_S,
    BY_EVENT,
    MARKED_WITHIN_S,
    SETTINGS,
    WatchedFleet,
    WayIn,
    specs_of,
    watching,
)

pytestmark = pytest.mark.lab

ILL = "lab1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A fault, and what its host's row must come to."""

    fault: str
    status: LinkStatus
    cause: str
    """A regular expression, as is the remedy."""
    remedy: str
    breaks: bool = False
    """Whether it ends the connection, which is noticed then and not at the next poll."""


_SILENT = r"did not answer within 10 s", r"is it up, and is the network between\?"
_ROWS = (
    Row(fault="partition", status=LinkStatus.UNREACHABLE, cause=_SILENT[0], remedy=_SILENT[1]),
    Row(fault="half-open", status=LinkStatus.UNREACHABLE, cause=_SILENT[0], remedy=_SILENT[1]),
    # Its way in may say that nobody is at its address, or say nothing, whichever comes first.
    Row(
        fault="crash",
        status=LinkStatus.UNREACHABLE,
        cause=r"did not answer|ended the connection|its ProxyCommand ended",
        remedy=r"\?$|says why: a jump host's key, its sshd",
    ),
    Row(
        fault="kill-sshd",
        status=LinkStatus.UNREACHABLE,
        cause=r"it ended the connection|nothing listens|its ProxyCommand ended",
        remedy=r"sshd",
        breaks=True,
    ),
    Row(
        fault="freeze-libvirtd",
        status=LinkStatus.STALE,
        cause=r"the host is there, but its libvirt did not answer within 10 s",
        remedy=r"systemctl restart libvirtd",
    ),
    Row(
        fault="kill-libvirtd",
        status=LinkStatus.NO_LIBVIRT,
        cause=r"/run/libvirt/libvirt-sock is there, but nobody answers on it",
        remedy=r"systemctl start libvirtd",
        breaks=True,
    ),
    Row(
        fault="no-libvirt",
        status=LinkStatus.NO_LIBVIRT,
        cause=r"libvirt is installed, but its socket is not there",
        remedy=r"systemctl start libvirtd",
        breaks=True,
    ),
    Row(
        fault="rekey",
        status=LinkStatus.HOST_KEY_CHANGED,
        cause=r"its host key has CHANGED: it shows ssh-ed25519 SHA256:\S+, known is ssh-ed25519 SHA256:\S+",
        remedy=r"only if it was reinstalled: ssh-keygen -R 'lab1' -f \S+, then novacron host trust lab1",
        breaks=True,
    ),
    Row(
        fault="lock-out",
        status=LinkStatus.AUTH_REFUSED,
        cause=r"it refused every key we have",
        remedy=r"check that `ssh -F \S+ lab1` works: agent, IdentityFile, and authorized_keys on the host",
        breaks=True,
    ),
)


@pytest.fixture(scope="module")
def sentry(lab: Lab) -> Iterator[VmId]:
    """A VM that runs on the host that falls ill, and again when the host boots."""
    vm = VmDefinition(name="sentry", domain_type=lab.domain_type, memory_mib=128)
    vm_id = define_vm(lab, ILL, vm, storage="local")
    lab.virsh(ILL, "autostart", "sentry")
    lab.virsh(ILL, "start", "sentry")
    yield VmId(vm_id)
    remove_vm(lab, "sentry")


@pytest.fixture(scope="module")
def _whole_fleet(lab: Lab, sentry: VmId) -> Iterator[WatchedFleet]:
    with watching(specs_of(lab)) as fleet:
        yield fleet


@pytest.fixture
def watched(_whole_fleet: WatchedFleet) -> WatchedFleet:
    """All hosts of the lab, watched by one service for all tests; all are up."""
    _whole_fleet.wait_all_up()
    _whole_fleet.latency.forget()
    return _whole_fleet


@pytest.fixture
def way_in(lab: Lab, tmp_path: Path) -> WayIn:
    """An operator's own ssh configuration, which knows nobody and leads nowhere yet."""
    return WayIn(lab=lab, folder=tmp_path)


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row.fault)
def test_a_fault_is_told_on_its_own_row_and_the_host_comes_back_by_itself(
    lab: Lab, watched: WatchedFleet, sentry: VmId, row: Row
) -> None:
    make_fault(lab, row.fault, ILL)
    watched.wait(ILL, lambda link: not link.is_up, timeout_s=MARKED_WITHIN_S)
    assert watched.state_of(sentry).startswith("? unknown")
    link = watched.wait(ILL, lambda link: _tells(link, row), timeout_s=MARKED_WITHIN_S)
    assert link.attempts
    # What it said last is kept and ages; it is never shown as if it were so.
    assert watched.state_of(sentry).startswith("? unknown")
    mend_host(lab, ILL)
    watched.wait_up(ILL)
    assert watched.host(ILL).link.cause == ""
    watched.wait(ILL, lambda _: watched.state_of(sentry) == "● running", timeout_s=BACK_WITHIN_S)
    watched.latency.require_small(SETTINGS.read_deadline_s)


@pytest.mark.parametrize("row", [row for row in _ROWS if row.breaks], ids=lambda row: row.fault)
def test_a_connection_that_breaks_is_noticed_before_any_poll(lab: Lab, row: Row) -> None:
    with watching(specs_of(lab), BY_EVENT) as fleet:
        fleet.wait_all_up()
        make_fault(lab, row.fault, ILL)
        fleet.wait(ILL, lambda link: not link.is_up, timeout_s=BY_EVENT.poll_interval_s / 5)
        mend_host(lab, ILL)
        fleet.wait_up(ILL)


def test_a_key_nobody_vouched_for_is_refused_with_its_fingerprint_until_a_person_does(lab: Lab, way_in: WayIn) -> None:
    way_in.lead(db="lab1")
    assert not way_in.known_hosts.exists()
    with watching([way_in.spec("db")]) as fleet:
        link = fleet.wait("db", lambda link: link.status is LinkStatus.HOST_KEY_UNKNOWN, timeout_s=MARKED_WITHIN_S)
        assert link.cause == f"nobody has vouched for its host key ssh-ed25519 {_fingerprint(lab, 'lab1')}"
        assert link.remedy == "compare it with the host's own, then run: novacron host trust db"
        way_in.know("db", "lab1")
        fleet.wait_up("db")


def test_the_remedy_of_a_changed_key_works_as_it_is_written(lab: Lab, way_in: WayIn) -> None:
    way_in.lead(db="lab1", web="lab2")
    way_in.know("db", "lab1")
    way_in.vouch("web", "lab2")
    way_in.list_hosts("db")
    with watching([way_in.spec("db")]) as fleet:
        fleet.wait_up("db")
        make_fault(lab, "rekey", "lab1")
        link = fleet.wait("db", lambda link: link.status is LinkStatus.HOST_KEY_CHANGED, timeout_s=MARKED_WITHIN_S)
        forget = re.search(r"ssh-keygen -R 'db' -f \S+(?=,)", link.remedy)
        assert forget is not None
        way_in.run(forget[0])
        fleet.wait("db", lambda link: link.status is LinkStatus.HOST_KEY_UNKNOWN, timeout_s=MARKED_WITHIN_S)
        done = way_in.novacron("host", "trust", "db", "--accept", _fingerprint(lab, "lab1"))
        assert done.returncode == 0, done.stderr
        fleet.wait_up("db")


def test_a_user_who_may_not_use_libvirt_is_told_so_until_he_may(lab: Lab, way_in: WayIn) -> None:
    way_in.lead(db="lab1")
    way_in.know("db", "lab1")
    with watching([way_in.spec("db", ssh="operator@db")]) as fleet:
        link = fleet.wait("db", lambda link: link.status is LinkStatus.NO_PERMISSION, timeout_s=MARKED_WITHIN_S)
        assert link.cause == "user operator may not use libvirt's socket /run/libvirt/libvirt-sock"
        assert link.remedy == "add the user to the libvirt group there: usermod -aG libvirt operator"
        lab.run("lab1", ["chmod", "0777", "/run/libvirt/libvirt-sock"])
        try:
            fleet.wait_up("db")
        finally:
            lab.run("lab1", ["chmod", "0700", "/run/libvirt/libvirt-sock"])


def test_a_libvirt_older_than_we_know_is_refused_until_it_is_updated(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "OLDEST_LIBVIRT", 99_000_000)
    with watching(specs_of(lab, "lab1")) as fleet:
        link = fleet.wait("lab1", lambda link: link.status is LinkStatus.WRONG_VERSION, timeout_s=MARKED_WITHIN_S)
        assert re.fullmatch(r"its libvirt is \d+\.\d+\.\d+; 99\.0\.0 is the oldest we know", link.cause)
        assert link.remedy == "update libvirt there"
        monkeypatch.undo()
        fleet.wait_up("lab1")


def test_another_machine_under_a_known_name_is_not_taken_for_it(lab: Lab, way_in: WayIn) -> None:
    way_in.lead(db="lab1")
    way_in.know("db", "lab1", "lab2")
    uuids = {host: _uuid(lab, host) for host in ("lab1", "lab2")}
    with watching([way_in.spec("db")]) as fleet:
        fleet.wait_up("db")
        way_in.lead(db="lab2")
        make_fault(lab, "kill-sshd", "lab1")
        link = fleet.wait("db", lambda link: link.status is LinkStatus.WRONG_IDENTITY, timeout_s=MARKED_WITHIN_S)
        assert link.cause == f"another machine answers here: host UUID {uuids['lab2']}, before it was {uuids['lab1']}"
        assert link.remedy == "check the address; if it was replaced on purpose, reconnect it by hand"
        reading = fleet.host("db").reading
        assert reading is not None
        assert reading.facts.hostname == "lab1", "the stranger's values were shown as its own"
        way_in.lead(db="lab1")
        mend_host(lab, "lab1")
        fleet.wait_up("db")


def test_two_names_for_one_machine_are_told_apart_from_two_machines(lab: Lab, way_in: WayIn) -> None:
    way_in.lead(db="lab1", alias="lab1")
    way_in.know("db", "lab1")
    way_in.vouch("alias", "lab1")
    with watching([way_in.spec("db")]) as fleet:
        fleet.wait_up("db")
        fleet.set_hosts([way_in.spec("db"), way_in.spec("alias")])
        link = fleet.wait("alias", lambda link: link.status is LinkStatus.WRONG_IDENTITY, timeout_s=MARKED_WITHIN_S)
        assert link.cause == f"db names this very machine already (host UUID {_uuid(lab, 'lab1')})"
        assert link.remedy.startswith("remove alias or db from fleet.toml")
        fleet.require_on_time(without="alias")
        fleet.set_hosts([way_in.spec("alias")])
        fleet.wait_up("alias")


def _tells(link: Link, row: Row) -> bool:
    return (
        link.status is row.status
        and re.search(row.cause, link.cause) is not None
        and re.search(row.remedy, link.remedy) is not None
    )


def _fingerprint(lab: Lab, host: str) -> str:
    return lab.run(host, ["ssh-keygen", "-lf", "/root/.ssh/host_key"]).split()[1]


def _uuid(lab: Lab, host: str) -> str:
    found = re.search("<uuid>(.*)</uuid>", lab.virsh(host, "capabilities"))
    assert found is not None
    return found[1]
