"""The backend's life: started by the first command, alone in its fleet, survivor of whoever started it."""

import json
import os
import signal
import socket
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from novacron.config.options import FleetOptions
from novacron.config.paths import Paths
from novacron.model.errors import BackendError, ExitCode
from novacron.runtime import attaching, daemon, ensure_backend, is_answering, lock
from novacron.runtime.lock import held
from tests.run_as import NOBODY, as_nobody
from tests.support.backend_folder import OPTIONS, PATIENCE_S, is_there, one_host, until


def test_the_first_command_starts_a_backend_that_stays_until_it_is_stopped(backend_folder):
    first = backend_folder.run("hosts", "--json")
    assert (first.returncode, first.stderr, len(json.loads(first.stdout))) == (ExitCode.OK, "", 2)
    pid = backend_folder.pid()
    stopped = backend_folder.run("detach", "--stop")
    assert stopped.returncode == ExitCode.OK, stopped.stderr
    assert str(pid) in stopped.stdout
    until(lambda: not is_there(pid))
    assert not backend_folder.paths.socket.exists()
    assert backend_folder.run("status").returncode == ExitCode.BACKEND


def test_a_backend_that_is_told_to_end_lets_a_migration_end_that_it_carries(backend_folder):
    vms = json.loads(backend_folder.run("vms", "--json").stdout)
    hosts = {host["name"] for host in json.loads(backend_folder.run("hosts", "--json").stdout)}
    for vm in vms:
        (there,) = hosts - {vm["host"]}
        words = ("migrate", f"{vm['name']}@{vm['host']}", "--to", there, "--mode", "direct", "--bandwidth", "1000")
        if backend_folder.run(*words, "--yes", "--no-wait").returncode == ExitCode.OK:
            break
    (before,) = json.loads(backend_folder.run("ops", "--json").stdout)
    assert before["ended_at"] is None
    assert backend_folder.run("detach", "--stop").returncode == ExitCode.OK
    (after,) = json.loads(backend_folder.run("ops", "--json").stdout)
    assert (after["id"], after["state"]) == (before["id"], "done")


def test_a_running_backend_follows_its_fleet_file(backend_folder):
    path = backend_folder.path / "fleet.toml"
    fleet = ["--fleet", str(path)]

    def hosts() -> list[str]:
        return [host["name"] for host in json.loads(backend_folder.run("hosts", "--json", fleet=fleet).stdout)]

    def status() -> dict[str, object]:
        return json.loads(backend_folder.run("status", "--json", fleet=fleet).stdout)

    path.write_text(one_host("a"))
    assert hosts() == ["a"]
    pid = status()["pid"]
    path.write_text(one_host("a") + one_host("b"))
    until(lambda: hosts() == ["a", "b"])
    path.write_text(one_host("b") + "[[host]]\n")
    until(lambda: "host[2]" in str(status()["fleet_error"]))
    assert hosts() == ["a", "b"]
    path.write_text(one_host("b"))
    until(lambda: hosts() == ["b"])
    assert (status()["pid"], status()["fleet_error"]) == (pid, "")


def test_a_backend_outlives_whoever_started_it_and_is_nobodys_child(orphaned):
    pid = orphaned.pid()
    os.kill(pid, signal.SIGHUP)
    status = json.loads(orphaned.run("status", "--json").stdout)
    assert (status["pid"], status["hosts"]) == (pid, 2)
    assert os.getsid(pid) != os.getsid(0)
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")


def test_a_command_of_another_session_finds_the_backend_where_it_listens(orphaned):
    elsewhere = {**orphaned.environment, "NOVACRON_RUNTIME_DIR": str(orphaned.path / "other")}
    other = replace(orphaned, environment=elsewhere)
    for verb in ("status", "hosts"):
        found = other.run(verb, "--json")
        assert (found.returncode, found.stderr) == (ExitCode.OK, "")
    second = other.run("daemon")
    assert second.returncode == ExitCode.BACKEND
    assert f"runs already (process {orphaned.pid()})" in second.stderr


def test_a_backend_that_does_not_answer_is_named_with_where_it_should_and_how_to_end_it(backend_folder, monkeypatch):
    monkeypatch.setattr(lock, "_PATIENCE_S", 0.0)
    path = backend_folder.path / "lock"
    with (
        held(path, backend_folder.paths.socket, lambda: False),
        pytest.raises(BackendError) as caught,
        held(path, backend_folder.path / "another", lambda: False),
    ):
        pass
    assert str(os.getpid()) in str(caught.value)
    assert str(backend_folder.paths.socket) in str(caught.value)
    assert "detach --stop" in caught.value.remedy


def test_what_a_backend_keeps_is_its_owners_alone(orphaned):
    paths = orphaned.paths
    for folder in (paths.socket.parent, paths.lock.parent):
        assert folder.stat().st_mode & 0o777 == 0o700
    for file in (paths.socket, paths.lock, paths.journal, paths.log):
        assert file.stat().st_mode & 0o077 == 0


def test_a_second_backend_is_refused_and_the_first_one_named(orphaned):
    second = orphaned.run("daemon")
    assert second.returncode == ExitCode.BACKEND
    assert f"process {orphaned.pid()}" in second.stderr
    assert is_answering(orphaned.paths.socket)


def test_a_listener_of_another_user_is_nobody_to_attach_to(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="nc-") as folder, socket.socket(socket.AF_UNIX) as listener:
        path = Path(folder) / "s"
        listener.bind(str(path))
        listener.listen()
        assert is_answering(path)
        path.parent.chmod(0o777)
        assert not is_answering(path)
        path.parent.chmod(0o700)
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert not is_answering(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize(("verb", "code"), [("hosts", ExitCode.CONFIG), ("status", ExitCode.BACKEND)])
def test_a_backend_that_another_user_put_in_our_place_is_not_attached_to(backend_folder, verb, code):
    theirs = backend_folder.paths.socket
    theirs.parent.mkdir(parents=True)
    backend_folder.path.chmod(0o755)
    for folder in (theirs.parent.parent, theirs.parent):
        folder.chmod(0o755)
        os.chown(folder, NOBODY, NOBODY)
    with as_nobody(), socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(theirs))
        listener.listen()
        theirs.chmod(0o666)
        os.seteuid(0)
        refused = backend_folder.run(verb)
        os.seteuid(NOBODY)
    assert refused.returncode == code, refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_backend_is_started_again_when_the_one_that_kept_it_out_has_ended(backend_folder, monkeypatch):
    for name, value in backend_folder.environment.items():
        monkeypatch.setenv(name, value)
    backend_folder.paths.lock.parent.mkdir(parents=True)
    ending = ExitStack()
    ending.enter_context(held(backend_folder.paths.lock, backend_folder.paths.socket, lambda: False))
    starts: list[FleetOptions] = []

    def started(options: FleetOptions, _: Paths) -> BackendError | None:
        starts.append(options)
        ending.close()
        return BackendError("backend", "one of this fleet runs already") if len(starts) == 1 else None

    monkeypatch.setattr(attaching, "_started", started)
    assert ensure_backend(OPTIONS) == backend_folder.paths.socket
    assert len(starts) == 2


def test_a_backend_that_failed_by_itself_is_not_started_again(backend_folder, monkeypatch):
    for name, value in backend_folder.environment.items():
        monkeypatch.setenv(name, value)
    starts: list[FleetOptions] = []

    def started(options: FleetOptions, _: Paths) -> BackendError:
        starts.append(options)
        return BackendError("backend", "it has no room")

    monkeypatch.setattr(attaching, "_started", started)
    with pytest.raises(BackendError, match="no room"):
        ensure_backend(OPTIONS)
    assert len(starts) == 1


def test_a_starting_backend_waits_for_longer_than_an_ending_one_may_take():
    assert lock._PATIENCE_S > daemon._PARTING_S


def test_consoles_that_start_in_the_same_instant_share_one_backend(backend_folder):
    together = [backend_folder.start("hosts", "--json") for _ in range(3)]
    together += [backend_folder.start("vms", "--json") for _ in range(2)]
    ends = [process.communicate(timeout=PATIENCE_S) for process in together]
    assert [process.returncode for process in together] == [ExitCode.OK] * 5, ends
    assert len(json.loads(ends[-1][0])) == 6
    assert json.loads(backend_folder.run("status", "--json").stdout)["pid"] == backend_folder.pid()


def test_after_a_kill_the_next_command_starts_a_backend_that_knows_what_was_done(backend_folder):
    name = json.loads(backend_folder.run("vms", "--json").stdout)[0]["vm"]["name"]
    done = backend_folder.run("pause", name, "--yes", "--json")
    assert done.returncode == ExitCode.OK, done.stderr
    (operation,) = json.loads(done.stdout)
    pid = backend_folder.pid()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not is_there(pid))
    assert backend_folder.paths.socket.exists()
    known = json.loads(backend_folder.run("ops", "--json").stdout)
    assert [(one["id"], one["state"]) for one in known] == [(operation["id"], "done")]
    assert backend_folder.pid() != pid


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_backend_in_the_foreground_ends_on_a_signal_and_leaves_no_socket(backend_folder, sign):
    backend = backend_folder.start("daemon")
    until(lambda: is_answering(backend_folder.paths.socket))
    backend.send_signal(sign)
    out, err = backend.communicate(timeout=PATIENCE_S)
    assert (backend.returncode, out, err) == (ExitCode.OK, "", "")
    assert not backend_folder.paths.socket.exists()


@pytest.mark.parametrize("verb", ["daemon", "hosts"])
def test_a_broken_fleet_file_is_told_on_the_terminal(backend_folder, verb):
    path = backend_folder.path / "fleet.toml"
    path.write_text("[[host]\n")
    refused = backend_folder.run(verb, fleet=["--fleet", str(path)])
    assert refused.returncode == ExitCode.CONFIG
    assert str(path) in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not list(backend_folder.path.glob("r/*/backend.sock"))


@pytest.mark.parametrize("which", ["STATE", "RUNTIME"])
def test_a_folder_that_cannot_be_made_is_told_on_the_terminal(backend_folder, which):
    (backend_folder.path / "file").write_text("")
    backend_folder.environment[f"NOVACRON_{which}_DIR"] = str(backend_folder.path / "file" / "x")
    refused = backend_folder.run("hosts")
    assert refused.returncode == ExitCode.CONFIG
    assert f"NOVACRON_{which}_DIR" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_without_a_journal_the_fleet_is_shown_operations_are_refused_and_it_is_left_alone(backend_folder):
    journal = backend_folder.paths.journal
    journal.parent.mkdir(parents=True)
    journal.write_text("a diary\n" * 100)
    assert len(json.loads(backend_folder.run("hosts", "--json").stdout)) == 2
    vms = json.loads(backend_folder.run("vms", "--json").stdout)
    running = next(vm["name"] for vm in vms if vm["vm"]["state"] == "running")
    refused = backend_folder.run("force-off", running, "--yes")
    assert refused.returncode == ExitCode.JOURNAL
    assert str(journal) in refused.stderr
    assert "Traceback" not in refused.stderr
    assert journal.read_text() == "a diary\n" * 100
    assert str(journal) in json.loads(backend_folder.run("status", "--json").stdout)["journal_error"]
    until(lambda: "journal failed" in backend_folder.run("alerts").stdout)
    journal.rename(journal.with_suffix(".away"))
    until(lambda: json.loads(backend_folder.run("status", "--json").stdout)["journal_error"] == "")
    assert backend_folder.run("force-off", running, "--yes").returncode == ExitCode.OK
