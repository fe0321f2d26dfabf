"""The reading verbs: tables for people, JSON for programs, and nothing a terminal would obey."""

import json
import re
import time
import unicodedata
from dataclasses import replace

import pytest

from novacron.adapters.simulated.hostile import HOSTILE_TEXTS
from novacron.model.errors import ExitCode
from novacron.model.link import LinkStatus
from novacron.model.vm import StateReason, VmState
from tests.unit.cli.conftest import HOSTS, VMS


def _rows(result):
    assert result.exit_code == ExitCode.OK, result.output
    return result.stdout.splitlines()


def _json(result):
    assert result.exit_code == ExitCode.OK, result.output
    return json.loads(result.stdout)


def _wait_until(what):
    give_up_at = time.monotonic() + 60
    while not what():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def _is_inert(text: str) -> bool:
    return all(sign == "\n" or unicodedata.category(sign)[0] not in "CZ" or sign == " " for sign in text)


@pytest.mark.parametrize(
    ("verb", "first_columns", "rows"),
    [
        ("vms", ["NAME", "STATE", "REASON", "HOST"], VMS),
        ("hosts", ["NAME", "SITE", "LINK", "VMS"], HOSTS),
        ("pools", ["HOST", "NAME", "KIND", "ACTIVE"], 2 * HOSTS),
    ],
)
def test_a_table_has_a_heading_and_one_line_for_each_thing(novacron, verb, first_columns, rows):
    heading, *lines = _rows(novacron(verb))
    assert heading.split()[:4] == first_columns
    assert len(lines) == rows


@pytest.mark.parametrize(("verb", "count"), [("vms", VMS), ("hosts", HOSTS), ("pools", 2 * HOSTS)])
def test_json_has_one_object_for_each_thing(novacron, verb, count):
    assert len(_json(novacron(verb, "--json"))) == count


@pytest.mark.parametrize("verb", ["ops", "alerts"])
def test_operations_and_alerts_are_listed_even_when_there_are_none(novacron, verb):
    assert _rows(novacron(verb))[0].split()
    assert isinstance(_json(novacron(verb, "--json")), list)


def test_a_listing_names_the_state_each_vm_is_in(novacron):
    by_name = {record["vm"]["name"]: record for record in _json(novacron("vms", "--json"))}
    assert {record["vm"]["state"] for record in by_name.values()} >= {"running"}
    plain = next(name for name in by_name if re.fullmatch(r"[a-z]+-[a-z]+-\d\d", name))
    (line,) = [line for line in _rows(novacron("vms")) if line.split()[0] == plain]
    assert by_name[plain]["vm"]["state"] in line
    assert by_name[plain]["host"] in line
    assert by_name[plain]["id"] in line


def test_hosts_and_pools_are_narrowed_by_globs_and_vms_by_host(novacron):
    names = [record["name"] for record in _json(novacron("hosts", "--json"))]
    assert [record["name"] for record in _json(novacron("hosts", f"{names[0][:-1]}?", "--json"))] == names
    assert [record["name"] for record in _json(novacron("hosts", names[1], "--json"))] == [names[1]]
    assert {record["host"] for record in _json(novacron("pools", names[1], "--json"))} == {names[1]}
    assert {record["host"] for record in _json(novacron("vms", f"*@{names[1]}", "--json"))} == {names[1]}


@pytest.mark.parametrize("verb", ["hosts", "pools"])
def test_a_host_nobody_has_is_not_found(novacron, verb):
    result = novacron(verb, "nowhere")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "nowhere" in result.stderr


def test_a_vm_nobody_has_is_not_found(novacron):
    result = novacron("vms", "no-such-vm")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert result.stdout == ""
    assert "no-such-vm" in result.stderr


@pytest.mark.parametrize("words", [("vms",), ("vms", "--json"), ("hosts",), ("pools",), ("ops",), ("alerts",)])
def test_hostile_names_never_reach_the_terminal_raw(novacron, words):
    shown = "\n".join(_rows(novacron(*words)))
    assert _is_inert(shown)


def test_hostile_names_are_all_there_in_json_as_they_are(novacron):
    names = {record["vm"]["name"] for record in _json(novacron("vms", "--json"))}
    assert len(names & set(HOSTILE_TEXTS)) >= len(HOSTILE_TEXTS) - 2


def test_a_hostile_name_takes_one_line_of_bounded_width(novacron):
    lines = _rows(novacron("vms"))[1:]
    assert len(lines) == VMS
    assert max(len(line) for line in lines) < 300


def test_a_hostile_name_in_an_error_is_shown_inert(novacron):
    result = novacron("vms", "\x1b]52;c;ZXZpbA==\x07")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert _is_inert(result.stderr)
    assert "u{1b}" in result.stderr


def test_a_definition_is_printed_line_by_line_inert(novacron):
    for record in _json(novacron("vms", "--json"))[:8]:
        result = novacron("xml", record["id"])
        assert result.exit_code == ExitCode.OK
        assert result.stdout.startswith("<domain")
        assert _is_inert(result.stdout)


def test_a_definition_of_several_is_refused(novacron):
    result = novacron("xml", "*")
    assert result.exit_code == ExitCode.REFUSED
    assert str(VMS) in result.stderr


def test_a_size_that_waits_for_the_next_start_is_shown_beside_the_one_of_now(backend, novacron):
    record = next(one for one in _json(novacron("vms", "--json")) if one["vm"]["state"] == "running")
    assert record["pending"] == {"vcpus": None, "memory_mib": None}
    host = backend.world.host(record["host"])
    before = host.machine(record["id"])
    after = replace(before, next_vcpus=before.vcpus + 1, next_memory_mib=before.memory_mib + 1024)
    backend.loop.call_soon_threadsafe(host.put, after, "resized")
    try:
        pending = {"vcpus": after.next_vcpus, "memory_mib": after.next_memory_mib}
        _wait_until(lambda: _json(novacron("vms", record["id"], "--json"))[0]["pending"] == pending)
        line = _rows(novacron("vms", record["id"]))[1]
        assert line.count("(next start: ") == 2
    finally:
        backend.loop.call_soon_threadsafe(host.put, before, "resized")


def test_an_alert_that_was_cleared_is_listed_only_when_asked_for_and_marked(backend, novacron):
    running = (one for one in _json(novacron("vms", "--json")) if one["vm"]["state"] == "running")
    record = next(one for one in running if re.fullmatch(r"[a-z]+-[a-z]+-\d\d", one["vm"]["name"]))
    host, name = backend.world.host(record["host"]), record["vm"]["name"]
    before = host.machine(record["id"])
    crashed = replace(before, state=VmState.CRASHED, reason=StateReason.CRASHED)
    backend.loop.call_soon_threadsafe(host.put, crashed, "crashed")

    def told(*words):
        return {one["vm"]: one for one in _json(novacron("alerts", *words, "--json"))}

    try:
        _wait_until(lambda: record["id"] in told())
        assert told()[record["id"]]["cleared_at"] is None
    finally:
        backend.loop.call_soon_threadsafe(host.put, before, "started")
    _wait_until(lambda: record["id"] not in told())
    assert told("--all")[record["id"]]["cleared_at"] is not None
    (line,) = [line for line in _rows(novacron("alerts", "--all")) if name in line and "VM crashed" in line]
    assert line.split()[0] == "cleared"
    assert not any(name in line for line in _rows(novacron("alerts")))


def test_a_serial_console_that_cannot_be_opened_is_told_with_what_to_do(backend, novacron):
    record = next(one for one in _json(novacron("vms", "--json")) if one["vm"]["state"] == "running")
    host = backend.world.host(record["host"])
    before = host.machine(record["id"])
    backend.loop.call_soon_threadsafe(host.put, replace(before, serial_problem="it has no serial port"), "changed")
    try:
        _wait_until(lambda: _json(novacron("vms", record["id"], "--json"))[0]["vm"]["serial_problem"])
        failed = novacron("console", record["id"])
        assert failed.exit_code == ExitCode.FAILED
        assert "it has no serial port" in failed.stderr
        assert "<serial type='pty'/>" in failed.stderr
    finally:
        backend.loop.call_soon_threadsafe(host.put, before, "changed")


def test_pools_and_volumes_of_a_host_that_does_not_answer_are_not_shown_as_they_are_now(backend, novacron):
    host = _json(novacron("hosts", "--json"))[0]["name"]
    pools, volumes = _rows(novacron("pools", host)), _rows(novacron("volumes", host))
    assert "SEEN" in pools[0].split()
    assert "SEEN" in volumes[0].split()
    assert not any("unknown" in line for line in pools)
    backend.loop.call_soon_threadsafe(backend.world.refuse, host, LinkStatus.UNREACHABLE)
    backend.loop.call_soon_threadsafe(backend.world.cut, host)
    try:
        _wait_until(lambda: not _json(novacron("pools", host, "--json"))[0]["current"])
        alerts = novacron("alerts")
        assert host in alerts.output
        assert (alerts.exit_code == ExitCode.OK) == (host in alerts.stdout)
        for line in _rows(novacron("pools", host))[1:]:
            assert "unknown (was yes)" in line
            assert "%" not in line
        assert all(record["observed_at"] for record in _json(novacron("pools", host, "--json")))
        assert all(record["observed_at"] for record in _json(novacron("volumes", host, "--json")))
    finally:
        backend.loop.call_soon_threadsafe(backend.world.heal, host)
        _wait_until(lambda: _json(novacron("pools", host, "--json"))[0]["current"])


def test_a_serial_console_of_a_vm_that_is_off_says_to_start_it(novacron):
    record = next(one for one in _json(novacron("vms", "--json")) if one["vm"]["state"] == "shut off")
    failed = novacron("console", record["id"])
    assert failed.exit_code == ExitCode.FAILED
    assert f"it is shut off on {record['host']}" in failed.stderr
    assert "novacron start" in failed.stderr
