"""The acting verbs: what they ask, what they do, and what they end with."""

import json
import re
import sys

import pytest

from novacron.model.errors import ExitCode
from novacron.model.operation import OperationState
from tests.operation_builders import an_operation

_NAME = re.compile(r"[a-z]+-[a-z]+-\d\d").fullmatch


def _vms(novacron, *patterns):
    result = novacron("vms", *patterns, "--json")
    return json.loads(result.stdout) if result.exit_code == ExitCode.OK else []


def _plain(novacron, state, *, skip=0):
    """Return a VM in that state whose name can be typed."""
    found = [record for record in _vms(novacron) if record["vm"]["state"] == state and _NAME(record["vm"]["name"])]
    return found[skip]


def _on_shared_storage(novacron):
    """Return the smallest running VM that can be migrated, and a host to migrate it to."""
    movable = [
        record
        for record in _vms(novacron)
        if record["vm"]["state"] == "running"
        and _NAME(record["vm"]["name"])
        and all(disk["source"].startswith("/srv/shared/") for disk in record["vm"]["disks"])
    ]
    vm = min(movable, key=lambda record: record["vm"]["memory_mib"])
    hosts = [host["name"] for host in json.loads(novacron("hosts", "--json").stdout)]
    return vm, next(host for host in hosts if host != vm["host"])


def _state(novacron, vm):
    return _vms(novacron, vm["id"])[0]["vm"]["state"]


@pytest.fixture
def at_a_terminal(monkeypatch):
    """Make the command believe that a person can be asked."""

    class Stdin:
        """CliRunner's input, which says that it is a terminal."""

        def __init__(self, wrapped):
            self._wrapped = wrapped

        def __getattr__(self, name):
            return getattr(self._wrapped, name)

        def isatty(self):
            """Say yes."""
            return True

    monkeypatch.setattr("novacron.cli.asking.sys", _SysWith(Stdin))


class _SysWith:
    def __init__(self, stdin):
        self._stdin = stdin

    @property
    def stdin(self):
        return self._stdin(sys.stdin)

    def __getattr__(self, name):
        return getattr(sys, name)


@pytest.mark.parametrize(
    ("state", "verb"),
    [("running", ("force-off",)), ("running", ("stop",)), ("running", ("reboot",)), ("shut off", ("delete",))],
)
def test_a_destructive_verb_without_a_terminal_and_without_yes_does_nothing(novacron, state, verb):
    if state == "shut off":
        assert novacron("force-off", _plain(novacron, "running", skip=4)["id"], "--yes").exit_code == ExitCode.OK
    vm = _plain(novacron, state)
    result = novacron(*verb, vm["vm"]["name"])
    assert result.exit_code == ExitCode.REFUSED
    assert "--yes" in result.stderr
    assert "nothing was done" in result.stderr
    assert _state(novacron, vm) == state
    listed = json.loads(novacron("ops", "--json").stdout)
    assert (vm["id"], verb[0]) not in [(one["intent"].get("vm"), one["intent"]["kind"]) for one in listed]


def test_what_would_be_touched_is_shown_before_it_is_asked_for(novacron):
    vm = _plain(novacron, "running")
    result = novacron("force-off", vm["vm"]["name"])
    assert f"touches {'VM ' if 'touches VM' in result.stdout else ''}{vm['vm']['name']}" in result.stdout
    assert "undo: " in result.stdout


@pytest.mark.parametrize("typed", ["n\n", "\n", "wrong\n", ""])
def test_anything_but_a_clear_yes_does_nothing(novacron, at_a_terminal, typed):
    vm = _plain(novacron, "running")
    result = novacron("force-off", vm["id"], typed=typed)
    assert result.exit_code == ExitCode.REFUSED
    assert "nothing was done" in result.stderr
    assert _state(novacron, vm) == "running"


def test_a_stop_and_a_start_are_followed_to_their_end(novacron):
    vm = _plain(novacron, "running")
    stopped = novacron("force-off", vm["vm"]["name"], "--yes")
    assert stopped.exit_code == ExitCode.OK, stopped.output
    assert "done" in stopped.stdout
    assert _state(novacron, vm) == "shut off"
    started = novacron("start", vm["vm"]["name"], "--json", "--yes")
    assert started.exit_code == ExitCode.OK, started.output
    (operation,) = json.loads(started.stdout)
    assert operation["state"] == "done"
    assert operation["actor"]
    assert _state(novacron, vm) == "running"
    listed = json.loads(novacron("ops", "--json").stdout)
    assert operation["id"] in [one["id"] for one in listed]


def test_a_glob_acts_on_all_it_fits_and_on_nothing_else(novacron):
    chosen = [_plain(novacron, "running", skip=skip) for skip in (0, 1)]
    others = {vm["id"]: vm["vm"]["state"] for vm in _vms(novacron) if vm["id"] not in {one["id"] for one in chosen}}
    patterns = [f"{one['vm']['name'][:-1]}[{one['vm']['name'][-1]}]" for one in chosen]
    assert novacron("pause", *patterns, "--yes").exit_code == ExitCode.OK
    assert [_state(novacron, one) for one in chosen] == ["paused", "paused"]
    now = {vm["id"]: vm["vm"]["state"] for vm in _vms(novacron) if vm["id"] in others}
    assert now == others
    assert novacron("resume", *patterns, "--yes").exit_code == ExitCode.OK
    assert [_state(novacron, one) for one in chosen] == ["running", "running"]


def test_a_refusal_says_why_and_ends_with_its_code(novacron):
    vm = _plain(novacron, "running")
    result = novacron("start", vm["vm"]["name"], "--yes")
    assert result.exit_code == ExitCode.REFUSED
    assert vm["vm"]["name"] in result.stderr
    assert "try: " in result.stderr


def test_one_refused_among_several_is_told_and_the_others_are_done(novacron):
    running, other = _plain(novacron, "running"), _plain(novacron, "running", skip=1)
    assert novacron("pause", other["id"], "--yes").exit_code == ExitCode.OK
    result = novacron("resume", running["id"], other["id"], "--yes")
    assert result.exit_code == ExitCode.REFUSED
    assert running["vm"]["name"] in result.stderr
    assert _state(novacron, other) == "running"


def test_a_vm_nobody_has_is_not_found_and_nothing_is_done(novacron):
    result = novacron("force-off", "no-such-vm", "--yes")
    assert result.exit_code == ExitCode.NOT_FOUND


def test_create_and_delete_make_and_remove_a_vm(novacron):
    host = json.loads(novacron("hosts", "--json").stdout)[0]["name"]
    made = novacron("create", "fresh-1", "--on", host, "--memory", "256", "--pool", "local", "--disk", "64", "--yes")
    assert made.exit_code == ExitCode.OK, made.output
    assert [vm["vm"]["name"] for vm in _vms(novacron, "fresh-1")] == ["fresh-1"]
    gone = novacron("delete", "fresh-1", "--with-disks", "--yes")
    assert gone.exit_code == ExitCode.OK, gone.output
    assert _vms(novacron, "fresh-1") == []


@pytest.mark.parametrize(("words", "nics"), [((), 1), (("--network", ""), 0)])
def test_a_created_vm_has_the_nic_that_the_form_would_give_it(novacron, words, nics):
    host = json.loads(novacron("hosts", "--json").stdout)[0]
    made = novacron("create", "wired-1", "--on", host["name"], *words, "--yes")
    assert made.exit_code == ExitCode.OK, made.output
    (record,) = _vms(novacron, "wired-1")
    assert [nic["network"] for nic in record["vm"]["nics"]] == host["facts"]["networks"][:nics]
    assert novacron("delete", "wired-1", "--yes").exit_code == ExitCode.OK


def test_sizes_are_typed_with_units(novacron):
    host = json.loads(novacron("hosts", "--json").stdout)[0]["name"]
    made = novacron("create", "large-1", "--on", host, "--memory", "0.5GiB", "--pool", "local", "--disk", "2G", "--yes")
    assert made.exit_code == ExitCode.OK, made.output
    (record,) = _vms(novacron, "large-1")
    assert record["vm"]["memory_mib"] == 512
    assert [disk["capacity_mib"] for disk in record["vm"]["disks"]] == [2048]
    assert novacron("resize", "large-1", "--memory", "1G", "--yes").exit_code == ExitCode.OK
    assert _vms(novacron, "large-1")[0]["vm"]["memory_mib"] == 1024
    # The other modules count the VMs of the same fleet.
    assert novacron("delete", "large-1", "--with-disks", "--yes").exit_code == ExitCode.OK


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("resize", "x", "--memory", "2GB"), "type GiB"),
        (("resize", "x", "--memory", "0"), "at least 1M"),
        (("create", "x", "--on", "h", "--disk", "much"), "512M, 2G, 20GiB"),
        (("migrate", "x", "--to", "h", "--bandwidth", "-1"), "this is no size"),
    ],
)
def test_a_size_that_is_none_is_refused_with_what_to_type(novacron, words, said):
    result = novacron(*words)
    assert result.exit_code == ExitCode.USAGE
    assert said in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize("name", ["--help", "a/b", "", "\x1b[2J", "x" * 300])
def test_a_vm_is_not_created_under_a_name_that_attacks(novacron, name):
    host = json.loads(novacron("hosts", "--json").stdout)[0]["name"]
    result = novacron("create", "--on", host, "--yes", "--", name)
    assert result.exit_code == ExitCode.REFUSED, result.output
    assert "\x1b" not in result.output


def test_a_name_whose_bytes_are_no_text_is_an_error_not_a_crash(novacron):
    host = json.loads(novacron("hosts", "--json").stdout)[0]["name"]
    result = novacron("create", "bad-\udcff", "--on", host, "--yes")
    assert result.exit_code not in (ExitCode.OK, 2)
    assert "novacron: " in result.stderr


def test_creating_on_a_host_nobody_has_is_not_found(novacron):
    assert novacron("create", "fresh-2", "--on", "nowhere", "--yes").exit_code == ExitCode.NOT_FOUND


def test_a_migration_moves_the_vm_and_is_followed(novacron):
    vm, target = _on_shared_storage(novacron)
    result = novacron("migrate", vm["vm"]["name"], "--to", target, "--yes")
    assert result.exit_code == ExitCode.OK, result.output
    assert _vms(novacron, vm["id"])[0]["host"] == target


def test_an_operation_is_accepted_and_not_waited_for_and_can_be_cancelled(novacron):
    vm, target = _on_shared_storage(novacron)
    words = ("--to", target, "--yes", "--bandwidth", "1", "--no-wait", "--json")
    result = novacron("migrate", vm["id"], *words)
    assert result.exit_code == ExitCode.OK, result.output
    (operation,) = json.loads(result.stdout)
    assert operation["ended_at"] is None
    cancelled = novacron("cancel", operation["id"])
    assert "cancelled" in cancelled.stdout, cancelled.output
    assert cancelled.exit_code == ExitCode.OK
    again = novacron("cancel", operation["id"], "--json")
    assert (again.exit_code, json.loads(again.stdout)["refusal"]["code"]) == (ExitCode.REFUSED, "too late")
    after = _vms(novacron, vm["id"])[0]
    assert (after["host"], after["vm"]["state"]) == (vm["host"], "running")


def test_cancelling_an_operation_nobody_knows_is_not_found(novacron):
    assert novacron("cancel", "no-such-operation").exit_code == ExitCode.NOT_FOUND


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (OperationState.CANCELLED, ExitCode.OK),
        (OperationState.DONE, ExitCode.REFUSED),
        (OperationState.FAILED, ExitCode.FAILED),
        (OperationState.NEEDS_ATTENTION, ExitCode.OUTCOME_UNKNOWN),
        (OperationState.RUNNING, ExitCode.OUTCOME_UNKNOWN),
    ],
)
def test_cancelling_ends_well_only_when_it_was_cancelled(monkeypatch, bare_novacron, state, code):
    monkeypatch.setattr("novacron.cli.acting.run", lambda *_: an_operation(state=state))
    result = bare_novacron("--simulated", "cancel", "op-000001")
    assert result.exit_code == code
    assert ("was not cancelled" in result.stderr) == (state is OperationState.DONE)


def test_acknowledging_ends_well_and_says_of_what(monkeypatch, bare_novacron):
    said = an_operation(state=OperationState.NEEDS_ATTENTION, outcome="it is not known")
    monkeypatch.setattr("novacron.cli.acting.run", lambda *_: said)
    result = bare_novacron("--simulated", "acknowledge", "op-000001", "--note", "looked at it")
    assert result.exit_code == ExitCode.OK
    assert said.title in result.stdout


def test_acknowledging_takes_a_note_and_an_operation_that_there_is(novacron):
    assert novacron("acknowledge", "no-such-operation").exit_code == ExitCode.USAGE
    assert novacron("acknowledge", "no-such-operation", "--note", "x").exit_code == ExitCode.NOT_FOUND


def test_resizing_by_nothing_is_a_usage_error(novacron):
    result = novacron("resize", "x")
    assert result.exit_code == ExitCode.USAGE


def test_a_name_that_came_out_empty_acts_on_no_vm_of_its_host(novacron):
    vm = _plain(novacron, "running")
    result = novacron("force-off", f"@{vm['host']}", "--yes")
    assert result.exit_code == ExitCode.USAGE
    assert "no name before @" in result.stderr
    assert _state(novacron, vm) == "running"


def test_json_is_printed_whatever_becomes_of_it(novacron):
    vm = _plain(novacron, "running")
    refused = novacron("start", vm["id"], "--json")
    assert refused.exit_code == ExitCode.REFUSED
    assert [one["refusal"]["code"] for one in json.loads(refused.stdout)] == ["wrong state"]
    missing = novacron("start", "no-such-vm", "--json")
    assert (missing.exit_code, json.loads(missing.stdout)) == (ExitCode.NOT_FOUND, [])


def test_with_json_the_plan_and_the_question_are_on_stderr(novacron, at_a_terminal):
    vm = _plain(novacron, "running")
    result = novacron("force-off", vm["id"], "--json", typed="n\n")
    assert (result.exit_code, json.loads(result.stdout)) == (ExitCode.REFUSED, [])
    assert "undo: " in result.stderr
    assert "to go on" in result.stderr or "Go on?" in result.stderr


def test_a_clear_yes_is_acted_on(novacron, at_a_terminal):
    vm = _plain(novacron, "running")
    asked = novacron("stop", vm["id"], "--json", typed="n\n").stderr
    typed = "y\n" if "Go on?" in asked else f"{vm['vm']['name']}\n"
    result = novacron("stop", vm["id"], "--json", typed=typed)
    assert result.exit_code == ExitCode.OK, result.output
    assert [one["state"] for one in json.loads(result.stdout)] == ["done"]
    assert novacron("start", vm["id"], "--yes").exit_code == ExitCode.OK
