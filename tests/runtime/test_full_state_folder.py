"""The disk of the state folder is full: the fleet is shown, operations are refused until there is room."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from novacron.config.options import FleetOptions
from novacron.model.errors import ExitCode
from tests.small_folder import SmallFolder

_PATIENCE_S = 120.0
_FLEET = FleetOptions(simulated=True, simulated_hosts=2, simulated_vms=3)
_COMMAND = (sys.executable, "-m", "novacron.cli.main", *_FLEET.arguments())


class SmallDisk:
    """A state folder on a small file system, and commands run there."""

    def __init__(self, folder: Path, size: str) -> None:
        self._small = SmallFolder(folder / "s", size)
        self._env = {
            **os.environ,
            "NOVACRON_STATE_DIR": str(folder / "s"),
            "NOVACRON_RUNTIME_DIR": str(folder / "r"),
            "NOVACRON_CONFIG_DIR": str(folder / "c"),
        }

    @property
    def seen(self) -> Path:
        """The state folder, as it can be reached from outside of the namespace."""
        return self._small.seen

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a novacron command to its end."""
        argv = [*self._small.enter, *_COMMAND, *words]
        return subprocess.run(
            argv,
            env=self._env,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )

    def read(self, *words: str) -> "list[dict[str, object]]":
        """Return what a command says as JSON."""
        done = self.run(*words, "--json")
        assert done.returncode == ExitCode.OK, done.stderr
        return json.loads(done.stdout)

    def journal_error(self) -> str:
        """Return what `novacron status` says of the journal."""
        return json.loads(self.run("status", "--json").stdout)["journal_error"]

    def fill(self) -> None:
        """Leave not one byte."""
        self._small.fill()

    def relieve(self) -> None:
        """Give the room back."""
        self._small.relieve()

    def close(self) -> None:
        """End the backend, if there is one, and let the file system go."""
        if self._small.is_kept:
            stopped = self.run("detach", "--stop")
            assert stopped.returncode == ExitCode.OK or "none runs" in stopped.stderr, stopped.stderr
        self._small.close()


@contextmanager
def _small_disk(size: str) -> Iterator[SmallDisk]:
    with tempfile.TemporaryDirectory(prefix="nc-", dir="/tmp") as folder:
        disk = SmallDisk(Path(folder), size)
        try:
            yield disk
        finally:
            disk.close()


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    """A state folder of one megabyte."""
    with _small_disk("size=1m") as made:
        yield made


def _eventually(holds: Callable[[], object]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.1)


def _a_running_vm(disk: SmallDisk) -> str:
    return next(str(vm["name"]) for vm in disk.read("vms") if vm["vm"]["state"] == "running")


def _require_clear_refusal(refused: "subprocess.CompletedProcess[str]", disk: SmallDisk) -> None:
    assert refused.returncode == ExitCode.JOURNAL, (refused.returncode, refused.stdout, refused.stderr)
    assert "its disk is full" in refused.stderr
    assert "free some room" in refused.stderr
    assert "journal.sqlite" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_backend_starts_on_a_full_disk_shows_the_fleet_and_takes_operations_once_there_is_room(
    disk: SmallDisk,
) -> None:
    disk.fill()
    assert len(disk.read("hosts")) == 2
    vm = _a_running_vm(disk)
    _require_clear_refusal(disk.run("pause", vm, "--yes"), disk)
    assert next(one for one in disk.read("vms") if one["name"] == vm)["vm"]["state"] == "running"
    assert "its disk is full" in disk.journal_error()
    _eventually(lambda: "journal failed" in disk.run("alerts").stdout)
    disk.run("detach", "--stop")
    assert disk.run("status").returncode == ExitCode.BACKEND, "one that could write no note of itself is ended too"
    assert len(disk.read("hosts")) == 2
    disk.relieve()
    _eventually(lambda: disk.journal_error() == "")
    done = disk.run("pause", vm, "--yes")
    assert done.returncode == ExitCode.OK, done.stderr
    assert [one["state"] for one in disk.read("ops")] == ["done"]


def test_a_disk_that_fills_under_a_running_backend_refuses_operations_and_loses_none(disk: SmallDisk) -> None:
    vm = _a_running_vm(disk)
    assert disk.run("pause", vm, "--yes").returncode == ExitCode.OK
    disk.fill()
    _require_clear_refusal(disk.run("resume", vm, "--yes"), disk)
    assert len(disk.read("hosts")) == 2
    assert next(one for one in disk.read("vms") if one["name"] == vm)["vm"]["state"] == "paused"
    disk.relieve()
    _eventually(lambda: disk.run("resume", vm, "--yes").returncode == ExitCode.OK)
    assert disk.read("ops")[0]["state"] == "done"
    # What the journal says after a kill, not what the backend remembers.
    pid = json.loads(disk.run("status", "--json").stdout)["pid"]
    os.kill(pid, signal.SIGKILL)
    _eventually(lambda: not Path(f"/proc/{pid}").exists())
    known = {str(one["title"]).split()[0]: one["state"] for one in disk.read("ops")}
    assert known["pause"] == known["resume"] == "done"


def test_a_disk_without_room_for_one_more_file_is_told_on_the_terminal() -> None:
    with _small_disk("size=1m,nr_inodes=2") as disk:
        (disk.seen / "the last one").touch()
        refused = disk.run("hosts")
        assert refused.returncode == ExitCode.CONFIG, (refused.returncode, refused.stderr)
        assert "No space left on device" in refused.stderr
        assert "Traceback" not in refused.stderr
