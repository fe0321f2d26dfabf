"""Storage from the command line: what is listed, what is refused, and what pools and volumes do."""

import json

import pytest

from novacron.model.errors import ExitCode
from tests.unit.cli.conftest import HOSTS


@pytest.fixture
def host(novacron):
    """Return the last host's name."""
    return json.loads(novacron("hosts", "--json").stdout)[-1]["name"]


def _volumes(novacron, *words):
    result = novacron("volumes", *words, "--json")
    assert result.exit_code == ExitCode.OK, result.output
    return json.loads(result.stdout)


def _pools(novacron, host):
    return [record["pool"] for record in json.loads(novacron("pools", host, "--json").stdout)]


def _is_active(novacron, host, pool):
    found = json.loads(novacron("pools", host, "--json").stdout)
    return next(record["pool"]["active"] for record in found if record["pool"]["name"] == pool)


def test_volumes_are_listed_by_host_and_pool(novacron, host):
    everywhere = _volumes(novacron)
    assert {record["pool"] for record in everywhere} == {"local", "shared"}
    assert len({record["host"] for record in everywhere}) == HOSTS
    here = _volumes(novacron, host, "--pool", "local")
    assert {(record["host"], record["pool"]) for record in here} == {(host, "local")}
    heading, *lines = novacron("volumes", host, "--pool", "local").stdout.splitlines()
    assert heading.split()[:3] == ["HOST", "POOL", "NAME"]
    assert len(lines) == len(here)


def test_a_pool_is_stopped_and_started_on_the_host_that_is_named(novacron, host):
    assert novacron("pool", "stop", "local", "--host", host, "--yes").exit_code == ExitCode.OK
    (record,) = (one for one in _pools(novacron, host) if one["name"] == "local")
    assert [record[key] for key in ("capacity_mib", "allocation_mib", "available_mib")] == [None] * 3
    (line,) = (line for line in novacron("pools", host).stdout.splitlines() if line.split()[1] == "local")
    assert line.split()[3:6] == ["no", "-", "-"]
    assert not _is_active(novacron, host, "local")
    assert novacron("pool", "start", "local", "--host", host).exit_code == ExitCode.OK
    assert _is_active(novacron, host, "local")


def test_a_pool_that_several_hosts_have_is_not_guessed(novacron):
    refused = novacron("pool", "stop", "local", "--yes")
    assert refused.exit_code == ExitCode.REFUSED
    assert "--host" in refused.stderr


@pytest.mark.parametrize("words", [("nowhere",), ("local", "--host", "kvm-nowhere")])
def test_a_pool_that_is_not_there_is_told(novacron, words):
    assert novacron("pool", "start", *words).exit_code == ExitCode.NOT_FOUND


def test_a_volume_that_a_vm_uses_stays_and_one_that_none_uses_goes(novacron, host):
    vms = json.loads(novacron("vms", "--json").stdout)
    used = {disk["source"] for record in vms for disk in record["vm"]["disks"]}
    here = _volumes(novacron, host, "--pool", "local")
    taken = next(record["volume"]["name"] for record in here if record["volume"]["path"] in used)
    where = ("--pool", "local", "--host", host)
    assert novacron("volume", "delete", taken, *where, "--yes").exit_code == ExitCode.REFUSED
    free = next(record["volume"]["name"] for record in here if record["volume"]["path"] not in used)
    assert novacron("volume", "delete", free, *where).exit_code == ExitCode.REFUSED, "nobody could be asked"
    assert novacron("volume", "delete", free, *where, "--yes").exit_code == ExitCode.OK
    assert free not in {record["volume"]["name"] for record in _volumes(novacron, host, "--pool", "local")}
