"""Where the measurements are taken: a lab of their own, a warm backend, and virsh on the same hosts the same way."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from novacron.lab.lab import Lab
from tests.bench.recording import Recording

BUSY_VM = "bench-1"
"""The VM that is started and stopped under the console's eyes."""
_EVENT_S = 60.0


class BenchLab:
    """One lab, one folder for our own files. Everything is started the way a user starts it."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self._env = {
            **os.environ,
            "NOVACRON_RUNTIME_DIR": str(folder / "run"),
            "NOVACRON_STATE_DIR": str(folder / "state"),
            "NOVACRON_CONFIG_DIR": str(folder / "config"),
            "LC_ALL": "C.UTF-8",
        }
        # The command as installed: its start is part of what an operator waits for.
        self._novacron = (str(Path(sys.executable).with_name("novacron")), "--fleet", str(lab.fleet_toml))

    def novacron(self, *arguments: str) -> str:
        """Run a headless command."""
        done = subprocess.run(
            [*self._novacron, *arguments], env=self._env, capture_output=True, text=True, timeout=120, check=True
        )
        return done.stdout

    def define_again(self, host: str) -> None:
        """Define the busy VM as it is: libvirt tells of it, and nothing changes."""
        definition = self.lab.virsh(host, "dumpxml", "--inactive", BUSY_VM)
        self.lab.run(host, ["virsh", "-q", "define", "/dev/stdin"], stdin=definition)

    def backend_pid(self) -> int:
        """Return the backend's process."""
        return int(json.loads(self.novacron("status", "--json"))["pid"])

    @contextmanager
    def warm_backend(self) -> Iterator[None]:
        """A backend that has read every host."""
        deadline = time.monotonic() + 120
        while self.novacron("hosts").count(" up ") < len(self.lab.hosts):
            assert time.monotonic() < deadline, self.novacron("hosts")
        try:
            yield
        finally:
            self.novacron("detach", "--stop")

    @contextmanager
    def console(self) -> Iterator[Recording]:
        """The console, just started."""
        with _recorded(self._novacron, self._env) as recording:
            yield recording

    @contextmanager
    def virsh_list(self, hosts: int, *, at_once: bool = False) -> Iterator[Recording]:
        """`virsh -c qemu+ssh list` over the first hosts of the fleet, by the same ssh configuration."""
        wrapper = self.lab.layout.state / "ssh"
        lines = [
            f"virsh -c 'qemu+ssh://{host.name}/system?command={wrapper}' list --all" for host in self.lab.hosts[:hosts]
        ]
        script = " & ".join(lines) + " & wait" if at_once else " && ".join(lines)
        with _recorded(("sh", "-c", script), self._env) as recording:
            yield recording

    @contextmanager
    def event_log(self, host: str) -> Iterator["EventLog"]:
        """What libvirt on that host says happened, and when."""
        argv = ["virsh", "event", "--event", "lifecycle", "--loop", "--timestamp"]
        process = subprocess.Popen(self.lab.inside(host).enter(argv), stdout=subprocess.PIPE)
        try:
            yield EventLog(process)
        finally:
            process.terminate()
            process.wait(60)


class EventLog:
    """Reads the lines of `virsh event` as they come."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        self._output = process.stdout
        self._rest = b""

    def wait_until_it_listens(self, cause: Callable[[], object]) -> None:
        """Cause events until one is heard: virsh does not say when it has begun to listen."""
        deadline = time.monotonic() + _EVENT_S
        while not self._line(0.5):
            assert time.monotonic() < deadline, "virsh event hears nothing"
            cause()

    def instant_of(self, vm: str, what: str) -> float:
        """Wait for an event and return its time stamp (wall clock)."""
        deadline = time.monotonic() + _EVENT_S
        while time.monotonic() < deadline:
            line = self._line(0.5)
            if f"'{vm}'" in line and what in line:
                stamp = line.partition(": ")[0]
                return datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S.%f%z").timestamp()
        raise AssertionError(f"virsh event did not tell that {vm} was {what}")

    def _line(self, patience_s: float) -> str:
        """Return the next line; empty when none comes in that time."""
        while b"\n" not in self._rest:
            readable, _, _ = select.select([self._output], [], [], patience_s)
            if not readable:
                return ""
            data = os.read(self._output.fileno(), 65536)
            assert data, "virsh event has ended"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode(errors="replace")


@contextmanager
def _recorded(argv: Sequence[str], env: dict[str, str]) -> Iterator[Recording]:
    recording = Recording(argv, env=env)
    try:
        yield recording
    finally:
        recording.close()
