"""`novacron host test|trust|add` on real hosts: an unknown key is asked about and learned once, never by itself."""

from pathlib import Path

import pytest

from novacron.config.fleet_file import load
from novacron.lab.faults import make_fault
from novacron.lab.lab import Lab
from novacron.model.errors import ExitCode
from tests.lab.watched_fleet import WayIn, novacron

pytestmark = pytest.mark.lab


@pytest.fixture
def way_in(lab: Lab, tmp_path: Path) -> WayIn:
    """An operator's ssh configuration under which `db` is the first host of the lab, whom nobody has met."""
    way = WayIn(lab=lab, folder=tmp_path)
    way.lead(db="lab1", web="lab2")
    way.list_hosts("db")
    return way


def _fingerprint(lab: Lab, host: str) -> str:
    return lab.run(host, ["ssh-keygen", "-lf", "/root/.ssh/host_key"]).split()[1]


def test_testing_a_host_nobody_met_says_so_and_how_to_trust_it(lab: Lab, way_in: WayIn) -> None:
    done = way_in.novacron("host", "test")
    assert done.returncode == ExitCode.UNREACHABLE
    assert f"novacron: db: nobody has vouched for its host key ssh-ed25519 {_fingerprint(lab, 'lab1')}" in done.stderr
    assert "try: compare it with the host's own, then run: novacron host trust db" in done.stderr
    assert not way_in.known_hosts.exists()


def test_trust_asks_and_only_the_whole_word_yes_will_do(lab: Lab, way_in: WayIn) -> None:
    for typed in ("y\n", "\n", "no\n"):
        done = way_in.novacron("host", "trust", "db", typed=typed)
        assert done.returncode == ExitCode.UNREACHABLE
        assert f"db shows a host key nobody vouched for: ssh-ed25519 {_fingerprint(lab, 'lab1')}" in done.stdout
        assert not way_in.known_hosts.exists()
    done = way_in.novacron("host", "trust", "db", typed="yes\n")
    assert done.returncode == ExitCode.OK, done.stderr
    assert "db: lab1, libvirt " in done.stdout
    assert way_in.known_hosts.read_text().startswith("db ssh-ed25519 ")
    assert way_in.novacron("host", "test", "db").returncode == ExitCode.OK


def test_trust_takes_the_fingerprint_it_is_given_and_no_other(lab: Lab, way_in: WayIn) -> None:
    others = _fingerprint(lab, "lab2")
    refused = way_in.novacron("host", "trust", "db", "--accept", others)
    assert refused.returncode == ExitCode.UNREACHABLE
    assert f"its key is {_fingerprint(lab, 'lab1')}, not {others}" in refused.stderr
    assert not way_in.known_hosts.exists()
    done = way_in.novacron("host", "trust", "db", "--accept", _fingerprint(lab, "lab1"))
    assert done.returncode == ExitCode.OK, done.stderr
    before = way_in.known_hosts.read_text()
    assert way_in.novacron("host", "trust", "db").returncode == ExitCode.OK
    assert way_in.known_hosts.read_text() == before, "a known key was learned twice"


def test_trust_never_replaces_a_key_that_changed(lab: Lab, way_in: WayIn) -> None:
    way_in.know("db", "lab2")
    before = way_in.known_hosts.read_text()
    done = way_in.novacron("host", "trust", "db", "--accept", _fingerprint(lab, "lab1"))
    assert done.returncode == ExitCode.UNREACHABLE
    assert "its host key has CHANGED" in done.stderr
    assert way_in.known_hosts.read_text() == before


def test_adding_a_host_tests_it_first_and_writes_nothing_when_its_key_is_not_accepted(lab: Lab, way_in: WayIn) -> None:
    before = way_in.fleet_toml.read_text()
    add = ("host", "add", "web", "--ssh-config", str(way_in.config))
    refused = way_in.novacron(*add, "--accept", _fingerprint(lab, "lab1"))
    assert refused.returncode == ExitCode.UNREACHABLE
    assert way_in.fleet_toml.read_text() == before
    done = way_in.novacron(*add, "--accept", _fingerprint(lab, "lab2"))
    assert done.returncode == ExitCode.OK, done.stderr
    assert "web: lab2, libvirt " in done.stdout
    assert [spec.id for spec in load(way_in.fleet_toml).hosts] == ["db", "web"]
    assert way_in.novacron("host", "test", "web").returncode == ExitCode.OK


def test_one_host_that_is_gone_does_not_hide_the_others(lab: Lab) -> None:
    make_fault(lab, "kill-libvirtd", "lab2")
    done = novacron(lab.fleet_toml, "host", "test")
    assert done.returncode == ExitCode.UNREACHABLE
    assert "lab1: lab1, libvirt " in done.stdout
    assert "lab3: lab3, libvirt " in done.stdout
    assert done.stderr.startswith("novacron: lab2: libvirt's socket /run/libvirt/libvirt-sock is there")


def test_a_low_limit_of_sessions_is_said_of_a_host_that_works(lab: Lab) -> None:
    reload = 'kill -HUP "$(cat /run/sshd.pid)"'
    lab.run("lab1", ["sh", "-c", f"sed -i '1i MaxSessions 1' /run/ssh/sshd_config && {reload}"])
    try:
        done = novacron(lab.fleet_toml, "host", "test", "lab1")
    finally:
        lab.run("lab1", ["sh", "-c", f"sed -i 1d /run/ssh/sshd_config && {reload}"])
    assert done.returncode == ExitCode.OK, done.stderr
    assert "lab1: its sshd allows one session at once" in done.stdout
