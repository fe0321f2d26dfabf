"""Fifteen of sixty hosts fall ill under a backend process, seen by a client over its socket, all of it in real time.

What is exact, and what each kind of illness looks like, is proved in virtual time (engine/test_sick_hosts.py). Here it
is shown that nothing between the clock and the client's end of the socket takes the sick hosts' time from the others.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from novacron.api.client import RemoteBackend
from novacron.engine.settings import EngineSettings
from novacron.model.fleet import Fleet, Host
from novacron.model.ids import HostId
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.power import PauseVm
from novacron.model.vm import VmState
from novacron.ports.backend import FleetChanged
from tests.callers import ALICE
from tests.runtime.sick_backend import HOSTS, sick_names

_SETTINGS = EngineSettings()
_MARKED_WITHIN_S = _SETTINGS.poll_interval_s + _SETTINGS.read_deadline_s + _SETTINGS.overrun_s
_BACK_WITHIN_S = _SETTINGS.backoff_most_s + _SETTINGS.connect_deadline_s + _SETTINGS.read_deadline_s
_MARGIN_S = 60.0
"""For a machine that has much else to do."""
_ALL_IN_TURN_S = 15 * _SETTINGS.read_deadline_s


@dataclass(kw_only=True)
class _Watched:
    """The backend's pictures, as they come over the stream."""

    backend: RemoteBackend
    process: asyncio.subprocess.Process
    fleet: Fleet = field(default_factory=Fleet)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)
    gaps_s: dict[HostId, float] = field(default_factory=dict)
    """The longest time that a host's readings lay apart, since `forget`."""

    async def follow(self) -> None:
        """Take every picture until cancelled."""
        async for change in self.backend.changes(ALICE):
            if isinstance(change, FleetChanged):
                async with self.came:
                    self._measure(change.fleet)
                    self.fleet = change.fleet
                    self.came.notify_all()

    def forget(self) -> None:
        """Measure from now on."""
        self.gaps_s.clear()

    def _measure(self, newer: Fleet) -> None:
        for host in newer.hosts.values():
            before = self.fleet.hosts.get(host.id)
            if before is not None and before.reading is not None and host.reading is not None:
                gap_s = (host.reading.observed_at - before.reading.observed_at).total_seconds()
                self.gaps_s[host.id] = max(gap_s, self.gaps_s.get(host.id, 0.0))

    async def until(self, holds: Callable[[], bool], within_s: float) -> float:
        """Wait for a picture of which something holds; return how long it took."""
        began = time.monotonic()
        async with asyncio.timeout(within_s), self.came:
            await self.came.wait_for(holds)
        return time.monotonic() - began

    async def order(self, word: str) -> None:
        """Tell the world's hosts what to suffer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{word}\n".encode())
        assert await self.process.stdout.readline() == b"done\n"

    def up(self) -> set[HostId]:
        """Return the hosts whose rows are current."""
        return {host.id for host in self.fleet.hosts.values() if host.is_current}

    def sick(self) -> set[HostId]:
        """Return the hosts that fall ill when ordered."""
        return {HostId(name) for name in sick_names([str(name) for name in self.fleet.hosts])}


@asynccontextmanager
async def _watched(socket: Path) -> AsyncIterator[_Watched]:
    pipe = asyncio.subprocess.PIPE
    argv = (sys.executable, "-m", "tests.runtime.sick_backend", str(socket))
    process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    assert process.stdin is not None
    watched = _Watched(backend=RemoteBackend(socket), process=process)
    try:
        assert await process.stdout.readline() == b"serving\n"
        following = asyncio.create_task(watched.follow())
        yield watched
        following.cancel()
        await watched.backend.close()
        process.stdin.close()
        async with asyncio.timeout(_MARGIN_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await process.stdout.read()  # To its end, at which the pipe is closed.


async def _pause_one(watched: _Watched, hosts: Collection[HostId]) -> Operation:
    """Pause a running VM on one of these hosts; return the operation once it ended."""
    host, vm = next((host, vm) for host in watched.fleet.hosts.values() if host.id in hosts for vm in _running(host))
    plan = await watched.backend.preview(ALICE, PauseVm(vm=vm, host=host.id))
    operation = await watched.backend.submit(
        ALICE, plan.intent, plan_digest=plan.digest, idempotency_key="while-they-are-ill"
    )
    async with asyncio.timeout(_MARGIN_S):
        while True:
            (found,) = [one for one in await watched.backend.operations(ALICE) if one.id == operation.id]
            if found.has_ended:
                return found
            await asyncio.sleep(0.1)


def _running(host: Host) -> list:
    return [vm.id for vm in host.reading.vms if vm.state is VmState.RUNNING] if host.reading else []


async def test_fifteen_of_sixty_fall_ill_and_only_their_rows_show_it(socket_path: Path) -> None:
    async with _watched(socket_path) as watched:
        await watched.until(lambda: len(watched.up()) == HOSTS, _MARGIN_S)
        sick = watched.sick()
        well = watched.up() - sick
        watched.forget()
        await asyncio.sleep(2 * _SETTINGS.poll_interval_s)  # what this machine needs when nobody is ill
        ordinary_s = max(watched.gaps_s.values())
        await watched.order("ill")
        watched.forget()
        took_s = await watched.until(lambda: watched.up() <= well, _MARKED_WITHIN_S + _MARGIN_S)
        assert took_s < _ALL_IN_TURN_S, "they were waited for one after the other"
        assert watched.up() == well, "somebody healthy was marked"
        done = await _pause_one(watched, well)
        assert done.state is OperationState.DONE
        # One that waited for a sick host would have been read a whole deadline later than usual.
        late = {host: gap_s for host, gap_s in watched.gaps_s.items() if host in well}
        assert max(late.values()) < ordinary_s + _SETTINGS.read_deadline_s, late
        assert watched.up() == well
        await watched.order("well")
        await watched.until(lambda: len(watched.up()) == HOSTS, _BACK_WITHIN_S + _MARGIN_S)
