"""A fleet of the lab, watched as the backend watches it: the real engine and adapters, on a loop of their own.

Tests stay on their own thread, so that making a fault never holds up the loop that carries the connections.
"""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from novacron.adapters.libvirt.gateway import LibvirtGateway
from novacron.config.fleet_file import load
from novacron.engine.clock import SystemClock
from novacron.engine.service import BackendService
from novacron.engine.settings import EngineSettings
from novacron.lab.lab import Lab
from novacron.model.fleet import Fleet, FleetVm, Host
from novacron.model.host import HostSpec
from novacron.model.ids import HostId, VmId
from novacron.model.link import Link
from novacron_tui.present.column import CellContext
from novacron_tui.present.vms import state_cell
from tests.callers import ALICE
from tests.memory_journal import MemoryJournal

T = TypeVar("T")

SETTINGS = EngineSettings(
    read_deadline_s=10.0,
    connect_deadline_s=10.0,
    backoff_first_s=0.5,
    backoff_most_s=2.0,
    backoff_person_s=2.0,
)
"""The product's own, but for the pauses between attempts (nobody wants to wait a minute for each fault) and the
deadlines: a busy machine keeps no row waiting for so long, a host that hangs does."""
BY_EVENT = replace(SETTINGS, poll_interval_s=300.0)
"""Whatever is seen under these was not seen by polling."""
MARKED_WITHIN_S = SETTINGS.poll_interval_s + SETTINGS.read_deadline_s + 20.0
"""Interval and deadline as the product promises; the rest is for a busy machine."""
BACK_WITHIN_S = 90.0
_CALL_S = 60.0
_LOOK_S = 0.05
_TICK_S = 0.01


class Latency:
    """How late an event loop comes round, measured on that loop; and for comparison one that has nothing else to do.

    A machine that is busy holds up both.
    """

    def __init__(self) -> None:
        self._late_s: list[float] = []
        self._idle_late_s: list[float] = []

    async def measure(self) -> None:
        """Measure until cancelled."""
        ended = threading.Event()
        idle = threading.Thread(
            target=lambda: asyncio.run(_note_lateness(self._idle_late_s, ended)), name="idle loop", daemon=True
        )
        idle.start()
        try:
            await _note_lateness(self._late_s, ended)
        finally:
            ended.set()

    def forget(self) -> None:
        """Measure from now on."""
        self._late_s.clear()
        self._idle_late_s.clear()

    def require_small(self, hanging_s: float) -> None:
        """Check that nothing held the loop: not for as long as a call hangs, and hardly ever noticeably.

        One moment may be long on a busy machine, when hundreds of threads come back at once; a call on the loop
        itself would take the whole of its deadline, `hanging_s`.
        """
        worst_s, mostly_s = _worst_and_95th(self._late_s)
        _, idle_s = _worst_and_95th(self._idle_late_s)
        assert worst_s < 0.75 * hanging_s, f"the loop stood still for {worst_s:.2f} s"
        assert mostly_s < idle_s + 0.1, f"one round in twenty was {mostly_s:.2f} s late, of an idle loop {idle_s:.2f} s"


class WatchedFleet:
    """A service over these hosts, running in a thread until stopped."""

    def __init__(self, specs: Sequence[HostSpec], settings: EngineSettings = SETTINGS) -> None:
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="watched fleet", daemon=True)
        self._thread.start()
        self.latency = Latency()
        self._measuring = asyncio.run_coroutine_threadsafe(self.latency.measure(), self._loop)
        self.service = self._do(_make(specs, settings))
        self._do(self.service.start())

    @property
    def fleet(self) -> Fleet:
        """The current fleet."""
        return self._do(self.service.fleet(ALICE))

    def host(self, name: str) -> Host:
        """One row."""
        return self.fleet.hosts[HostId(name)]

    def read_at(self, name: str) -> datetime:
        """When a host was read last."""
        reading = self.host(name).reading
        assert reading is not None, name
        return reading.observed_at

    def age_s(self, name: str) -> float:
        """How old a host's reading is."""
        return (datetime.now(UTC) - self.read_at(name)).total_seconds()

    def state_of(self, vm: str) -> str:
        """What the VMs pane says of a VM's state."""
        return state_cell(self._row(vm), CellContext(now=datetime.now(UTC))).forms[0]

    def place_of(self, vm: str) -> tuple[str, str]:
        """A VM's name, and the host that its row names."""
        home = self._row(vm).home
        return home.vm.name, home.host.id

    def wait(self, name: str, holds: Callable[[Link], bool], *, timeout_s: float) -> Link:
        """Wait until a host's row shows what is wanted, and return it. All others stay on time meanwhile."""
        began = time.monotonic()
        while not holds(link := self.host(name).link):
            self.require_on_time(without=name)
            waited_s = time.monotonic() - began
            assert waited_s < timeout_s, f"after {waited_s:.1f} s {name} is still: {link}"
            time.sleep(_LOOK_S)
        return link

    def wait_up(self, name: str, timeout_s: float = BACK_WITHIN_S) -> None:
        """Wait until a host's row is current again, by itself."""
        self.wait(name, lambda link: link.is_up, timeout_s=timeout_s)

    def wait_all_up(self, timeout_s: float = BACK_WITHIN_S) -> None:
        """Wait until every row is current."""
        until = time.monotonic() + timeout_s
        while not all(host.is_current for host in self.fleet.hosts.values()):
            assert time.monotonic() < until, [(host.id, host.link) for host in self.fleet.hosts.values()]
            time.sleep(_LOOK_S)

    def require_on_time(self, *, without: str) -> None:
        """Check that the rows of all other hosts are up, and fresher than one that waited for a host that hangs."""
        on_time_s = self._settings.poll_interval_s + 0.8 * self._settings.connect_deadline_s
        for host in self.fleet.hosts.values():
            if host.id != without:
                assert host.link.is_up, (host.id, host.link)
                assert self.age_s(host.id) < on_time_s, host.id

    def set_hosts(self, specs: Sequence[HostSpec]) -> None:
        """Watch these instead, as when fleet.toml changed."""
        self._do(self.service.set_hosts(specs))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Have the service do something, and return what came of it."""
        return self._do(work)

    def stop(self) -> float:
        """End it; returns the seconds it took."""
        began = time.monotonic()
        self._do(self.service.stop())
        took_s = time.monotonic() - began
        self._measuring.cancel()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CALL_S)
        assert not self._thread.is_alive(), "something holds the loop"
        _drain(self._loop)
        return took_s

    def _row(self, vm: str) -> FleetVm:
        found = self.fleet.find_vm(VmId(vm))
        assert found is not None, "the VM has no row"
        return found

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=_CALL_S)


@contextmanager
def watching(specs: Sequence[HostSpec], settings: EngineSettings = SETTINGS) -> Iterator[WatchedFleet]:
    """Watch these hosts for as long as the block runs."""
    fleet = WatchedFleet(specs, settings)
    try:
        yield fleet
    finally:
        fleet.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class WayIn:
    """An operator's own ssh configuration for the lab: what it knows and where its names lead can be changed."""

    lab: Lab
    folder: Path

    @property
    def config(self) -> Path:
        """For `ssh -F`, and for ssh_config in fleet.toml."""
        return self.folder / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        """It need not exist."""
        return self.folder / "known" / "hosts"

    @property
    def fleet_toml(self) -> Path:
        """A fleet file over this way in."""
        return self.folder / "fleet.toml"

    def list_hosts(self, *names: str) -> None:
        """Write the fleet file."""
        entry = '[[host]]\nname = "{0}"\nssh = "{0}"\nssh_config = "{1}"\n'
        self.fleet_toml.write_text("".join(entry.format(name, self.config) for name in names))

    def lead(self, **names: str) -> None:
        """Let each name lead to a host of the lab: `lead(db="lab1")`."""
        blocks = []
        for name, host in names.items():
            block = self.lab.ssh_config.read_text().split(f"\nHost {host}\n")[1].split("\nHost ")[0]
            block = block.replace(f"HostName {host}", f"HostName {name}")
            block = block.replace(str(self.lab.layout.known_hosts), str(self.known_hosts))
            blocks.append(f"Host {name}\n{block.strip()}\n")
        self.config.write_text("\n".join(blocks))

    def know(self, name: str, *hosts: str) -> None:
        """Vouch for the keys of these hosts of the lab, and no others, under a name."""
        self.known_hosts.unlink(missing_ok=True)
        for host in hosts:
            self.vouch(name, host)

    def vouch(self, name: str, host: str) -> None:
        """Vouch for a host's key under a name too."""
        lines = [line.split(maxsplit=1) for line in self.lab.layout.known_hosts.read_text().splitlines()]
        (key,) = [key for names, key in lines if names.split(",")[0] == host]
        self.known_hosts.parent.mkdir(exist_ok=True)
        with self.known_hosts.open("a") as file:
            file.write(f"{name} {key}\n")

    def run(self, line: str) -> None:
        """Run a command that a remedy gave, as a person would paste it."""
        subprocess.run(["/bin/sh", "-c", line], capture_output=True, timeout=30, check=True)

    def novacron(self, *arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """Run the command line on this fleet file."""
        return novacron(self.fleet_toml, *arguments, typed=typed)

    def spec(self, name: str, *, ssh: str = "") -> HostSpec:
        """Return the fleet's entry for a name of this configuration."""
        return HostSpec(id=HostId(name), ssh=ssh or name, ssh_config=str(self.config))


def specs_of(lab: Lab, *names: str) -> tuple[HostSpec, ...]:
    """Return the lab's hosts, or some of them, as its fleet file names them."""
    return tuple(spec for spec in load(lab.fleet_toml).hosts if not names or spec.id in names)


def novacron(fleet_toml: Path, *arguments: str, typed: str = "", **env: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line on a fleet file."""
    command = [sys.executable, "-m", "novacron.cli.main", "--fleet", str(fleet_toml), *arguments]
    return subprocess.run(
        command, env={**os.environ, **env}, input=typed, capture_output=True, text=True, timeout=120, check=False
    )


async def _note_lateness(late_s: list[float], ended: threading.Event) -> None:
    while not ended.is_set():
        asked_at = time.monotonic()
        await asyncio.sleep(_TICK_S)
        late_s.append(time.monotonic() - asked_at - _TICK_S)


def _worst_and_95th(late_s: Sequence[float]) -> tuple[float, float]:
    in_order = sorted(late_s)
    assert in_order, "nothing was measured"
    return in_order[-1], in_order[int(len(in_order) * 0.95)]


async def _make(specs: Sequence[HostSpec], settings: EngineSettings) -> BackendService:
    clock = SystemClock()
    return BackendService(
        specs, LibvirtGateway(clock), MemoryJournal(), clock, fleet_source="the lab", settings=settings
    )


def _drain(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks))
    loop.close()
