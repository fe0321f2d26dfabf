"""Commands as scripts and people use them, on a backend of their own: what they say, and what they end with."""

import json
import os
import signal

import pytest

from novacron.model.errors import ExitCode
from tests.support.backend_folder import COMMAND, OPTIONS, PATIENCE_S, one_host, until
from tests.terminal import Terminal


def test_a_command_that_waits_outlives_its_backend_and_says_how_it_ended(backend_folder):
    hosts = [host["name"] for host in json.loads(backend_folder.run("hosts", "--json").stdout)]
    vms = json.loads(backend_folder.run("vms", "--json").stdout)
    vm = next(vm for vm in vms if vm["vm"]["state"] == "running" and "shared" in str(vm["vm"]["disks"]))
    target = next(host for host in hosts if host != vm["host"])
    waiting = backend_folder.start("migrate", vm["id"], "--to", target, "--bandwidth", "1", "--yes", "--json")
    until(lambda: "running" in backend_folder.run("ops").stdout)
    pid = backend_folder.pid()
    os.kill(pid, signal.SIGKILL)
    out, err = waiting.communicate(timeout=PATIENCE_S)
    (operation,) = json.loads(out)
    # Its simulated world died with the first backend: what matters is that the second one settled it.
    assert operation["ended_at"] is not None, err
    assert "waiting for one" in err
    assert backend_folder.pid() != pid


@pytest.mark.parametrize(("key", "code"), [("ctrl+c", ExitCode.INTERRUPTED), ("\x04", ExitCode.REFUSED)])
def test_a_question_is_left_by_one_key_and_nothing_is_done(orphaned, key, code):
    vms = json.loads(orphaned.run("vms", "--json").stdout)
    vm = next(vm for vm in vms if vm["vm"]["state"] == "running")
    command = [*COMMAND, *OPTIONS.arguments(), "force-off", vm["id"]]
    terminal = Terminal(command, env={**os.environ, **orphaned.environment}, columns=120)
    try:
        terminal.wait_for("Go on?")
        terminal.press(key)
        assert terminal.wait() == code
        assert "nothing was done" in terminal.text
        assert "what was accepted" not in terminal.text
    finally:
        terminal.close()
    now = json.loads(orphaned.run("vms", vm["id"], "--json").stdout)
    assert now[0]["vm"]["state"] == "running"


def test_lists_say_that_a_host_is_missing_and_a_plain_name_is_not_acted_on_unseen(backend_folder):
    path = backend_folder.path / "fleet.toml"
    path.write_text(one_host("a") + '[[host]]\nname = "bad"\nuri = "simulated://nowhere"\n')
    fleet = ["--fleet", str(path)]
    for verb in ("vms", "pools", "volumes"):
        listed = backend_folder.run(verb, "--json", fleet=fleet)
        assert (listed.returncode, len(json.loads(listed.stdout)) > 1) == (ExitCode.UNREACHABLE, True)
        assert "those of bad are not among these" in listed.stderr
        assert backend_folder.run(verb, "--partial-ok", fleet=fleet).returncode == ExitCode.OK
    alerts = backend_folder.run("alerts", fleet=fleet)
    assert "bad" in alerts.stdout + alerts.stderr
    assert (alerts.returncode == ExitCode.UNREACHABLE) == ("bad" not in alerts.stdout)
    assert backend_folder.run("alerts", "--partial-ok", fleet=fleet).returncode == ExitCode.OK
    known = json.loads(backend_folder.run("vms", "*@a", "--json", fleet=fleet).stdout)
    vm = next(vm for vm in known if vm["vm"]["state"] == "running")
    refused = backend_folder.run("pause", vm["name"], "--yes", "--json", fleet=fleet)
    assert (refused.returncode, json.loads(refused.stdout)) == (ExitCode.UNREACHABLE, [])
    assert "bad may have a VM of this name too" in refused.stderr
    assert backend_folder.run("pause", f"{vm['name']}@a", "--yes", fleet=fleet).returncode == ExitCode.OK
    assert backend_folder.run("resume", vm["id"].upper(), "--yes", fleet=fleet).returncode == ExitCode.OK


@pytest.mark.parametrize(
    ("redirection", "told"),
    [("2>&-", ""), ("2>/dev/full", ""), (">&-", ""), ("<&- >&- 2>&-", ""), (">/dev/full", "cannot be written")],
)
def test_what_was_done_counts_also_when_it_cannot_be_told(orphaned, redirection, told):
    vms = json.loads(orphaned.run("vms", "--json").stdout)
    vm = next(vm for vm in vms if vm["vm"]["state"] == "running")
    for verb, state in (("pause", "paused"), ("resume", "running")):
        done = orphaned.run_redirected(redirection, verb, vm["id"], "--yes", "--json")
        assert done.returncode == ExitCode.OK, done.stderr
        assert told in done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        assert json.loads(orphaned.run("vms", vm["id"], "--json").stdout)[0]["vm"]["state"] == state


@pytest.mark.parametrize("redirection", ["<&-", "2>&-", "2>/dev/full", ">/dev/full"])
def test_without_streams_a_question_is_answered_by_no(orphaned, redirection):
    vms = json.loads(orphaned.run("vms", "--json").stdout)
    vm = next(vm for vm in vms if vm["vm"]["state"] == "running")
    refused = orphaned.run_redirected(redirection, "force-off", vm["id"], "--json")
    assert refused.returncode == ExitCode.REFUSED, refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr
