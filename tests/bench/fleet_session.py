"""A backend of a simulated fleet in a process of its own, as `novacron daemon` runs it, and consoles on it."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.bench.api_load import ask
from tests.bench.recording import Recording

_READ_WITHIN_S = 180.0
COMMAND: tuple[str, ...] = (sys.executable, "-m", "novacron.cli.main")


class FleetSession:
    """One backend and the folders it is in; a fleet of `hosts` with `vms` on each."""

    def __init__(self, folder: Path, *, hosts: int, vms: int, churn: float | None) -> None:
        self.hosts, self.vms = hosts, vms
        self._env = {
            **os.environ,
            "NOVACRON_RUNTIME_DIR": str(folder / "r"),
            "NOVACRON_STATE_DIR": str(folder / "s"),
            "NOVACRON_CONFIG_DIR": str(folder / "c"),
            "LC_ALL": "C.UTF-8",
        }
        self._folder = folder
        options = ("--simulated", "--simulated-size", f"{hosts}x{vms}")
        self._argv = (*COMMAND, *options, *(() if churn is None else ("--simulated-churn", f"{churn:g}")))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def size(self) -> int:
        """How many VMs there are."""
        return self.hosts * self.vms

    @property
    def last_host(self) -> str:
        """The host that a stream names last."""
        return list(self._host_names())[-1]

    @property
    def socket(self) -> Path:
        """Where its API listens."""
        (found,) = (self._folder / "r").glob("*/backend.sock")
        return found

    @property
    def backend(self) -> psutil.Process:
        """The backend's process."""
        assert self._process is not None
        return psutil.Process(self._process.pid)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the backend until the block ends; it has read every host when the block begins."""
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen([*self._argv, "daemon"], env=self._env, stdout=log, stderr=log)
        try:
            self._wait_until_read()
            yield
        finally:
            self._process.terminate()
            self._process.wait(60)

    @contextmanager
    def console(self) -> Iterator[Recording]:
        """The console on it, just started."""
        recording = Recording(self._argv, env=self._env)
        try:
            yield recording
        finally:
            recording.close()

    def _wait_until_read(self) -> None:
        """Ask for one host after the other until each is up: the list of all is megabytes."""
        deadline = time.monotonic() + _READ_WITHIN_S
        for name in self._host_names():
            while not self._is_up(name):
                assert time.monotonic() < deadline, f"{name} is not up after {_READ_WITHIN_S:g} s"
                time.sleep(0.1)

    def _host_names(self) -> Iterator[str]:
        in_site = self.hosts // 2
        for site in ("fra", "ams"):
            yield from (f"kvm-{site}-{number + 1:0{max(2, len(str(in_site)))}d}" for number in range(in_site))

    def _is_up(self, host: str) -> bool:
        try:
            answers = asyncio.run(ask(self.socket, f"/v1/hosts/{host}", connections=1, each=1))
        except ValueError:  # it does not listen yet
            return False
        return b'"status":"up"' in answers.last_body


@contextmanager
def on_a_terminal(argv: Sequence[str]) -> Iterator[Recording]:
    """Another program on a terminal of the same size."""
    recording = Recording(argv, env={**os.environ, "LC_ALL": "C.UTF-8"})
    try:
        yield recording
    finally:
        recording.close()
