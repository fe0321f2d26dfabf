"""Two real backends on one PostgreSQL database: one runs the operations, the other shows them and takes over."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from novacron.model.errors import ExitCode
from tests.support.postgresql import PostgresServer, database_of

_PATIENCE_S = 120.0


class Backend:
    """One state folder, and commands of its user."""

    def __init__(self, folder: Path, fleet: Path) -> None:
        folder.mkdir()
        self._fleet = fleet
        self._env = {
            **os.environ,
            "NOVACRON_STATE_DIR": str(folder / "s"),
            "NOVACRON_RUNTIME_DIR": str(folder / "r"),
            "NOVACRON_CONFIG_DIR": str(folder / "c"),
        }

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "novacron.cli.main", "--fleet", str(self._fleet), *words],
            env=self._env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )

    def read(self, *words: str) -> Any:
        """Return what a command says as JSON."""
        done = self.run(*words, "--json")
        assert done.returncode == ExitCode.OK, done.stderr
        return json.loads(done.stdout)

    def runs_operations(self) -> bool:
        """Whether it is the one that does."""
        return self.read("status")["operations_run_by"] == ""

    def kill(self) -> None:
        """Kill it as the kernel does."""
        pid = int(self.read("status")["pid"])
        os.kill(pid, signal.SIGKILL)
        _eventually(lambda: not Path(f"/proc/{pid}").exists())


def _eventually(holds: Callable[[], object]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.1)


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    return postgres.new_database()


@pytest.fixture
def pair(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Backend, Backend]]:
    folder = tmp_path_factory.mktemp("p")
    fleet = folder / "fleet.toml"
    host = '[[host]]\nname = "kvm-fra-01"\nuri = "simulated://kvm-fra-01"\n'
    fleet.write_text(f'{host}\n[journal]\nurl = "{database}"\n')
    backends = Backend(folder / "1", fleet), Backend(folder / "2", fleet)
    yield backends
    for backend in backends:
        backend.run("detach", "--stop")


def test_one_runs_the_operations_and_the_other_shows_them_and_takes_over(
    pair: tuple[Backend, Backend], database: str, postgres: PostgresServer
) -> None:
    first, second = pair
    _eventually(lambda: [vm for vm in first.read("vms") if vm["vm"]["state"] == "running"])
    vm = next(str(vm["name"]) for vm in first.read("vms") if vm["vm"]["state"] == "running")
    assert database_of(database) in first.read("status")["journal_path"]
    done = first.run("pause", vm, "--yes")
    assert done.returncode == ExitCode.OK, done.stderr
    _eventually(lambda: second.read("vms"))
    assert not second.runs_operations()
    assert [one["state"] for one in second.read("ops")] == ["done"]
    refused = second.run("pause", vm, "--yes")
    assert refused.returncode == ExitCode.JOURNAL, (refused.returncode, refused.stderr)
    assert first.read("status")["pid"] != second.read("status")["pid"]
    assert second.read("status")["operations_run_by"] in refused.stderr
    assert "operations: run by" in second.run("status").stdout

    # Stopped, it gives the lease back.
    first.run("detach", "--stop")
    _eventually(second.runs_operations)
    done = second.run("pause", vm, "--yes")
    assert done.returncode == ExitCode.OK, done.stderr

    # Killed, it gives nothing back: its lease runs out.
    _eventually(lambda: first.read("vms"))
    assert not first.runs_operations()
    second.kill()
    _eventually(first.runs_operations)
    assert len(first.read("ops")) == 2
    _eventually(lambda: second.read("vms"))
    assert not second.runs_operations()
    epochs = postgres.sql("SELECT DISTINCT epoch FROM events ORDER BY epoch", database=database_of(database))
    assert len(epochs.splitlines()) == 2
