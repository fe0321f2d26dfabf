"""Folders of their own for backends and commands, and fixtures that start and end them."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from novacron.config.options import FleetOptions
from novacron.config.paths import Paths
from novacron.runtime.lock import holder

COMMAND = [sys.executable, "-m", "novacron.cli.main"]
OPTIONS = FleetOptions(simulated=True, simulated_hosts=2, simulated_vms=3)
PATIENCE_S = 90.0


@dataclass(frozen=True, kw_only=True)
class BackendFolder:
    """Folders of its own, and the command run in them."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> Paths:
        """Where its simulated fleet's backend keeps things."""
        state = self.path / "s" / OPTIONS.instance
        return Paths(
            socket=self.path / "r" / OPTIONS.instance / "backend.sock",
            lock=state / "backend.lock",
            journal=state / "journal.sqlite",
            log=state / "backend.log",
        )

    def start(self, *words: str, fleet: list[str] | None = None) -> subprocess.Popen[str]:
        """Start the command and return at once."""
        return subprocess.Popen(
            [*COMMAND, *(OPTIONS.arguments() if fleet is None else fleet), *words],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def run_redirected(self, redirection: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command to its end with streams as a shell redirects them."""
        command = ["sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND, *OPTIONS.arguments(), *words]
        return subprocess.run(
            command,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def run(self, *words: str, fleet: list[str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        process = self.start(*words, fleet=fleet)
        out, err = process.communicate(timeout=PATIENCE_S)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def pid(self) -> int:
        """Return the process id of the backend that runs."""
        found = holder(self.paths.lock)
        assert found
        return found


@contextmanager
def fresh_backend_folder() -> Iterator[BackendFolder]:
    """Give folders in which no backend runs; one that was started is ended."""
    with tempfile.TemporaryDirectory(prefix="nc-") as made:
        folder = Path(made)
        variables = {f"NOVACRON_{name}_DIR": f"{made}/{name[0].lower()}" for name in ("RUNTIME", "STATE", "CONFIG")}
        yield BackendFolder(path=folder, environment=variables)
        for lock in folder.glob("s/*/backend.lock"):
            if pid := holder(lock):
                os.kill(pid, signal.SIGKILL)
                until(lambda lock=lock: holder(lock) is None)


def until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text()


def one_host(name: str) -> str:
    return f'[[host]]\nname = "{name}"\nuri = "simulated://kvm-fra-0{1 + (name == "b")}"\n'
