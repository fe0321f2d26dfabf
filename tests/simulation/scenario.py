"""One simulated run: a random fleet, clients and faults from one seed, then quiet, then the account."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from novacron.engine.service import BackendService
from novacron.engine.settings import EngineSettings
from novacron.model.operation import Operation
from novacron.model.operations.definition import SetAutostart
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode
from novacron.ports.backend import OperationsChanged
from tests.callers import ALICE
from tests.memory_archive import MemoryArchive
from tests.simulation.clients import Backend, Client
from tests.simulation.clock import JumpingClock
from tests.simulation.faults import Faults
from tests.simulation.fleet import a_random_world
from tests.simulation.intents import IntentSource
from tests.simulation.journal import Disk, SimulatedJournal
from tests.simulation.network import FaultyGateway, FaultyNetwork
from tests.simulation.process import BackendDied, BackendProcess, make_task, outside
from tests.simulation.promises import Promises
from tests.simulation.trace import Trace

T = TypeVar("T")
SETTINGS = EngineSettings(
    poll_interval_s=5.0, alert_interval_s=10.0, reboot_off_s=20.0, backoff_most_s=10.0, backoff_person_s=10.0
)
_CLIENTS, _REQUESTS, _FAULTS = 3, 4, 5
_SETTLES_WITHIN_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one seed."""

    seed: int
    trace: tuple[str, ...]
    violations: tuple[str, ...]
    kinds: Counter[str]
    """Accepted operations by kind."""
    attributed: int
    deaths: int
    """How often the backend was killed."""


class Simulation:
    """The parts of one run."""

    def __init__(self, seed: int) -> None:
        def chance(what: str) -> Random:
            return Random(f"{seed} {what}")  # noqa: S311 - repeatable, not secret

        self.seed = seed
        self.settings = SETTINGS
        self.clock = JumpingClock()
        self.trace = Trace(self.clock)
        self.promises = Promises(self.trace)
        self.world = a_random_world(self.clock, chance("fleet"), self.trace)
        self.promises.doubled_before = frozenset(
            vm for host in self.world.hosts.values() for vm in host.machines if len(self.world.copies(vm)) > 1
        )
        self.disk = Disk(self.clock, chance("disk"), self.trace, self.promises.written)
        self.promises.watch(self.world, self.disk)
        self.network = FaultyNetwork(
            self.world, chance("network"), self.trace, self.promises.asked, self.promises.acted
        )
        self._chance = chance
        self._rng = chance("restarts")
        self._up = asyncio.Event()
        self._backend: Backend | None = None
        self._dead: list[BackendProcess] = []
        self._suspended: list[BackendProcess] = []
        self._archive = MemoryArchive()
        self._started = 0
        self._holder = "backend"
        self._restarts: set[asyncio.Task[None]] = set()
        self.intents = IntentSource(self.world, chance("intents"))
        self.clients = [
            Client(
                f"client-{number}",
                clock=self.clock,
                rng=chance(f"client {number}"),
                trace=self.trace,
                promises=self.promises,
                intents=self.intents,
                backend=self.backend,
            )
            for number in range(_CLIENTS)
        ]
        self.faults = Faults(
            clock=self.clock,
            rng=chance("faults"),
            trace=self.trace,
            world=self.world,
            disk=self.disk,
            network=self.network,
            process=self.process,
            freeze=self.freeze,
        )

    async def backend(self) -> Backend:
        """Return the backend that is up, waiting for one."""
        await self._up.wait()
        if self._backend is None:
            msg = "a backend is up, and is not there"
            raise AssertionError(msg)
        return self._backend

    async def run(self) -> Result:
        """Let everything happen, then account for it."""
        await self.clock.run(self.start())
        work = [asyncio.ensure_future(client.run(_REQUESTS)) for client in self.clients]
        work.append(asyncio.ensure_future(self.faults.run(_FAULTS)))
        await self.clock.run_until(lambda: all(task.done() for task in work), limit_s=_SETTLES_WITHIN_S)
        for task in work:
            task.result()
        return await self.finish()

    async def finish(self) -> Result:
        """Heal everything, let time pass until nothing is under way, and account for it."""
        self.trace.note("quiet: every fault is healed")
        self.faults.heal()
        with suppress(BackendDied):
            await self._settle()
        process = self.process()
        await self._leave(process)
        return Result(
            seed=self.seed,
            trace=tuple(self.trace.lines),
            violations=tuple(self.trace.violations),
            kinds=self.promises.kinds,
            attributed=self.promises.attributed,
            deaths=len(self._dead) - 1,
        )

    async def _settle(self) -> None:
        """Let time pass until nothing is under way, then look whether everything is as promised."""
        await self.clock.run_until(self._up.is_set, limit_s=_SETTLES_WITHIN_S)
        # A kill that is still to come comes while there is something to do.
        await self._until_all_ended()
        self.process().kill_after(10**9, of_operations=False)
        await self.clock.run_until(self._up.is_set, limit_s=_SETTLES_WITHIN_S)
        await self._until_all_ended()
        await self.clock.advance(40.0)
        await self.clock.run_until(self._up.is_set, limit_s=_SETTLES_WITHIN_S)
        self.promises.check_the_end()
        await self._probe()
        self.promises.check_the_end()

    async def _until_all_ended(self) -> None:
        try:
            await self.clock.run_until(
                lambda: self._up.is_set() and all(one.has_ended for one in self.disk.operations),
                limit_s=_SETTLES_WITHIN_S,
            )
        except AssertionError:
            self.trace.note("quiet: something has no end")

    async def _probe(self) -> None:
        """See that nothing is claimed any more: each VM, on each host, can be worked on again."""
        process, service = await self.backend()
        for name, host in self.world.hosts.items():
            for vm, machine in tuple(host.machines.items()):
                intent = SetAutostart(vm=vm, host=name, enabled=not machine.autostart)
                plan = await self.clock.run(process.call(service.preview(ALICE, intent)))
                if isinstance(plan, Refusal):
                    if plan.code is RefusalCode.LOCKED:
                        self.trace.violate(f"a claim is left: {plan.reason}")
                    continue
                await self._do(intent, plan)

    async def _do(self, intent: SetAutostart, plan: Plan) -> None:
        process, service = await self.backend()
        key = f"probe-{intent.vm}-{intent.host}"
        submitted = service.submit(ALICE, intent, plan_digest=plan.digest, idempotency_key=key)
        answer = await self.clock.run(process.call(submitted))
        if not isinstance(answer, Operation):
            self.trace.violate(f"a probe was refused: {answer.reason}")
            return
        await self.clock.run_until(lambda: self.disk.written.operations[answer.id].has_ended)
        await self.clock.advance(1.0)
        ended = self.disk.written.operations[answer.id]
        if ended.state != "done":
            self.trace.violate(f"a probe of {intent.vm} on {intent.host} came to: {ended.outcome}")

    async def _leave(self, process: BackendProcess) -> None:
        """Stop the last backend in good order: no task of it may be left, or have died unheard."""
        service = self._backend[1] if self._backend else None
        if service is not None:
            self._listener.cancel()
            await self.clock.run(process.call(service.stop()))
            for line in process.left():
                self.trace.violate(f"a task is left: {line}")
            for line in process.died_silently():
                self.trace.violate(f"a task died silently: {line}")
        process.is_dead = True
        self._dead.append(process)
        for one in self._dead:
            await one.release()
        for task in (*self._restarts, *self.world._tasks):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def process(self) -> BackendProcess:
        """Return the backend's process, dead or alive."""
        if self._backend is None:
            msg = "there never was a backend"
            raise AssertionError(msg)
        return self._backend[0]

    async def start(self) -> None:
        """Start a backend on the journal as it is on the disk."""
        process = BackendProcess(lambda: self._died(process, gateway))
        gateway = FaultyGateway(self.network, process)
        service = BackendService(
            self.world.specs,
            gateway,
            SimulatedJournal(self.disk),
            self.clock,
            fleet_source="simulation",
            settings=self.settings,
            rng=self._chance(f"backend {self._started}"),
            holder=self._holder,
            archive=self._archive,
        )
        self._started += 1
        self._backend = process, service
        self.trace.note("a backend starts")
        with suppress(BackendDied):
            await process.call(service.start())
            self._listener = process.run_in(self._listen(process, service))
            self._up.set()

    async def freeze(self, seconds: float) -> None:
        """Suspend the backend for that long; another one takes over, and the first is ended a while after it wakes."""
        process = self.process()
        if process.is_dead or not self._up.is_set():
            return
        process.freeze()
        self._up.clear()
        self._suspended.append(process)
        self._holder = f"backend {self._started}"
        await self.start()
        await self.clock.sleep(seconds)
        self.trace.note("fault ends: the suspended backend goes on")
        process.thaw()
        await self.clock.sleep(30)
        process.die()

    def _died(self, process: BackendProcess, gateway: FaultyGateway) -> None:
        self.trace.note("the backend is dead")
        gateway.close_all()
        self._dead.append(process)
        if process in self._suspended:
            return
        self._up.clear()
        task = outside(self._start_again())
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _start_again(self) -> None:
        await self.clock.sleep(self._rng.choice([0.1, 2.0, 20.0, 400.0]))
        await self.start()

    async def _listen(self, process: BackendProcess, service: BackendService) -> None:
        """Hear what a console hears: what has ended stays so."""
        ended: dict[str, str] = {}
        async for change in service.changes(ALICE):
            if not isinstance(change, OperationsChanged):
                continue
            for one in change.operations:
                # One that was suspended learns with its next look at the lease what became of its operations.
                if ended.get(one.id, one.state) != one.state and process not in self._suspended:
                    self.trace.violate(f"{one.id} was shown as {ended[one.id]}, then as {one.state}")
                if one.has_ended:
                    ended[one.id] = one.state


def run(seed: int) -> Result:
    """Run one seed on an event loop of its own."""

    async def simulate() -> Result:
        return await Simulation(seed).run()

    with _quiet():
        return on_a_loop(simulate)


@contextmanager
def _quiet() -> Iterator[None]:
    """Log nothing meanwhile: what goes wrong in a simulation is meant to, and is in its trace."""
    logger = logging.getLogger("novacron")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def on_a_loop(simulate: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a simulation on an event loop of its own, which ends with it: nothing waits for tasks on a fake clock."""
    loop = asyncio.new_event_loop()
    loop.set_task_factory(make_task)
    try:
        return loop.run_until_complete(simulate())
    finally:
        loop.close()
