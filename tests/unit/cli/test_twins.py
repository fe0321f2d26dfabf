"""A VM that runs on two hosts at once, on the command line: told, and no copy is acted upon that nobody named."""

import json
import time

import pytest

from novacron.model.errors import ExitCode


@pytest.fixture
def twin(backend, novacron):
    """Name, home and second host of a VM that another host was made to run too; it is one again afterwards."""
    records = json.loads(novacron("vms", "--json").stdout)
    first = next(one for one in records if one["vm"]["state"] == "running" and one["name"].isprintable())
    other = next(one["host"] for one in records if one["host"] != first["host"])
    machine = backend.world.host(first["host"]).machine(first["id"])
    backend.loop.call_soon_threadsafe(backend.world.host(other).put, machine, "defined")
    _wait_for(novacron, len(records) + 1)
    yield first["id"], {first["host"], other}
    backend.loop.call_soon_threadsafe(backend.world.host(other).remove, machine.id, "undefined")
    _wait_for(novacron, len(records))


def _wait_for(novacron, copies):
    give_up_at = time.monotonic() + 60
    while len(json.loads(novacron("vms", "--json").stdout)) != copies:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def test_a_vm_that_runs_twice_has_a_marked_line_for_each_copy_and_a_warning(novacron, twin):
    vm_id, hosts = twin
    for words in (("vms",), ("vms", vm_id)):
        result = novacron(*words)
        assert result.exit_code == ExitCode.OK
        lines = [line for line in result.stdout.splitlines() if vm_id in line]
        assert len(lines) == 2
        assert all("runs twice" in line for line in lines)
        assert all(any(host in line for line in lines) for host in hosts)
        assert result.stderr.count("at once: both write to its disks") == 1
        assert "try: pause both" in result.stderr


def test_json_has_an_object_for_each_copy_that_says_so(novacron, twin):
    vm_id, hosts = twin
    records = json.loads(novacron("vms", "--json").stdout)
    copies = [one for one in records if one["id"] == vm_id]
    assert {one["host"] for one in copies} == hosts
    assert all(one["also_on"] == [*(hosts - {one["host"]})] for one in copies)
    assert {one["id"] for one in records if one["runs_twice"]} == {vm_id}


def test_one_copy_is_paused_by_its_host_and_none_without(novacron, twin):
    vm_id, hosts = twin
    refused = novacron("pause", vm_id, "--yes")
    assert refused.exit_code == ExitCode.REFUSED
    assert all(f"@{host}" in refused.stderr for host in hosts)
    for host in sorted(hosts):
        assert novacron("pause", f"{vm_id}@{host}", "--yes").exit_code == ExitCode.OK
    for host in sorted(hosts):
        assert novacron("pause", f"{vm_id}@{host}", "--yes").exit_code == ExitCode.REFUSED
