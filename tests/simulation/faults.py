"""What goes wrong while clients work: one random fault after another, each healed after a while."""

from collections.abc import Awaitable, Callable
from random import Random

from novacron.adapters.simulated.migration_outcome import MigrationOutcome
from novacron.model.vm import VmState
from tests.simulation.clock import JumpingClock
from tests.simulation.fleet import HOSTS
from tests.simulation.journal import Disk
from tests.simulation.network import FaultyNetwork
from tests.simulation.observed_world import ObservedWorld
from tests.simulation.process import BackendProcess
from tests.simulation.trace import Trace

_ENDINGS = tuple(ending for ending in MigrationOutcome if ending is not MigrationOutcome.RUNS_TWICE)
"""How a migration may end. Running twice needs disks without locks, on which none is begun."""


class Faults:
    """Makes the world, the network, the journal and the backend ill, in turn."""

    def __init__(
        self,
        *,
        clock: JumpingClock,
        rng: Random,
        trace: Trace,
        world: ObservedWorld,
        disk: Disk,
        network: FaultyNetwork,
        process: Callable[[], BackendProcess],
        freeze: Callable[[float], Awaitable[None]],
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._trace = trace
        self._world = world
        self._disk = disk
        self._network = network
        self._process = process
        self._freeze = freeze
        self._dead_hosts: set[str] = set()

    async def run(self, number: int) -> None:
        """Let that many faults happen."""
        kinds: tuple[Callable[[], Awaitable[None]], ...] = (
            *(self._kill,) * 6,
            self._full_disk,
            self._lost_commits,
            self._slow_disk,
            self._journal_away,
            *(self._troubled_network,) * 2,
            self._dead_host,
            self._flapping_link,
            self._restarted_libvirtd,
            self._hanging_libvirtd,
            self._slow_host,
            self._suspended_backend,
            self._jump,
            self._ill_migrations,
            self._crash,
        )
        for _ in range(number):
            await self._clock.sleep(self._rng.random() * 8)
            await self._rng.choice(kinds)()

    def heal(self) -> None:
        """End every fault that may still hold."""
        self._disk.full, self._disk.away, self._disk.loses, self._disk.slow_s = False, False, 0.0, 0.02
        self._network.trouble = 0.0
        for host in HOSTS:
            if host in self._dead_hosts:
                self._world.power_on(host)
            self._world.heal(host)
        self._dead_hosts.clear()

    async def _kill(self) -> None:
        of_operations = self._rng.random() < 0.8
        steps = self._rng.randint(1, 30 if of_operations else 400)
        self._trace.note(f"fault: the backend will be killed in {steps} steps")
        self._process().kill_after(steps, of_operations=of_operations)

    async def _suspended_backend(self) -> None:
        seconds = self._rng.choice([5.0, 20.0, 60.0])
        self._trace.note(f"fault: the machine of the backend is suspended for {seconds:g} s, and another takes over")
        await self._freeze(seconds)

    async def _full_disk(self) -> None:
        self._trace.note("fault: the journal's disk is full")
        self._disk.full = True
        await self._clock.sleep(self._rng.choice([1.0, 10.0, 40.0]))
        self._disk.full = False
        self._trace.note("fault ends: the journal's disk has room")

    async def _lost_commits(self) -> None:
        self._trace.note("fault: answers to commits are lost")
        self._disk.loses = self._rng.choice([0.2, 1.0])
        await self._clock.sleep(self._rng.choice([1.0, 10.0]))
        self._disk.loses = 0.0
        self._trace.note("fault ends: commits are answered")

    async def _journal_away(self) -> None:
        self._trace.note("fault: the journal does not answer")
        self._disk.away = True
        await self._clock.sleep(self._rng.choice([0.1, 3.0, 20.0]))
        self._disk.away = False
        self._trace.note("fault ends: the journal answers")

    async def _slow_disk(self) -> None:
        self._disk.slow_s = self._rng.choice([0.1, 2.0])
        self._trace.note(f"fault: a commit takes {self._disk.slow_s} s")

    async def _troubled_network(self) -> None:
        self._network.trouble = self._rng.choice([0.1, 0.5])
        self._trace.note(f"fault: the network is in trouble: {self._network.trouble}")
        await self._clock.sleep(self._rng.choice([10.0, 40.0]))
        self._network.trouble = 0.0
        self._trace.note("fault ends: the network is well")

    async def _dead_host(self) -> None:
        host = self._rng.choice(HOSTS)
        self._trace.note(f"fault: {host} loses power")
        self._dead_hosts.add(host)
        self._world.power_off(host)
        await self._clock.sleep(self._rng.choice([5.0, 60.0]))
        self._dead_hosts.discard(host)
        self._trace.note(f"fault ends: {host} boots")
        self._world.power_on(host)

    async def _flapping_link(self) -> None:
        host = self._rng.choice(HOSTS)
        for _ in range(self._rng.randint(1, 6)):
            self._trace.note(f"fault: the connections to {host} break")
            self._world.cut(host)
            await self._clock.sleep(self._rng.random() * 3)

    async def _restarted_libvirtd(self) -> None:
        host = self._rng.choice(HOSTS)
        self._trace.note(f"fault: the libvirtd of {host} is killed, and started again")
        self._world.kill_libvirtd(host)
        await self._clock.sleep(6)

    async def _hanging_libvirtd(self) -> None:
        host = self._rng.choice(HOSTS)
        self._trace.note(f"fault: the libvirtd of {host} hangs")
        self._world.hang(host, effects_come_late=True)
        await self._clock.sleep(self._rng.choice([3.0, 20.0, 60.0]))
        self._trace.note(f"fault ends: the libvirtd of {host} goes on")
        self._world.heal(host)

    async def _slow_host(self) -> None:
        host = self._rng.choice(HOSTS)
        self._trace.note(f"fault: {host} is slow")
        self._world.slow(host, self._rng.choice([0.5, 3.0]))
        await self._clock.sleep(20)
        self._world.heal(host)

    async def _jump(self) -> None:
        seconds = self._rng.choice([-3600.0, -5.0, 5.0, 3600.0])
        self._trace.note(f"fault: the wall clock jumps by {seconds:g} s")
        self._clock.jump(seconds)

    async def _ill_migrations(self) -> None:
        for host in self._world.hosts.values():
            for vm in host.machines:
                self._world.end_next_migration(vm, self._rng.choice(_ENDINGS))
        self._trace.note("fault: the next migrations end badly")

    async def _crash(self) -> None:
        running = [
            vm
            for host in self._world.hosts.values()
            for vm, one in host.machines.items()
            if one.state is VmState.RUNNING
        ]
        if running:
            self._world.crash_vm(self._rng.choice(running))
