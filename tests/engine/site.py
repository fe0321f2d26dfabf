"""A small simulated site with the real engine on it, in virtual time: what every engine test runs on.

Three hosts that share one store. `kill` ends the backend as SIGKILL would: nothing is written any more, the world
goes on; `start` brings up a new one on the same journal.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

from novacron.adapters.simulated.gateway import SimulatedGateway
from novacron.adapters.simulated.host import SimulatedHost
from novacron.adapters.simulated.machine import Machine
from novacron.adapters.simulated.population import a_shared_store, add_stores
from novacron.adapters.simulated.world import World
from novacron.engine.service import BackendService
from novacron.engine.settings import EngineSettings
from novacron.model.alert.alert import Alert
from novacron.model.caller import Caller
from novacron.model.fleet import Fleet
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.operation import Operation
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MigrateVm
from novacron.model.refusal import Refusal
from novacron.model.vm import VmDisk, VmNic, VmState
from novacron.model.work.limits import DEFAULT_LIMITS, Limits
from novacron.ports.hypervisor import HypervisorGateway
from novacron.ports.journal import Journal
from tests.builders import an_id
from tests.callers import ALICE
from tests.fake_clock import FakeClock
from tests.memory_archive import MemoryArchive
from tests.memory_journal import MemoryJournal

A, B, C = HostId("kvm-a"), HostId("kvm-b"), HostId("kvm-c")
SETTINGS = EngineSettings()


@dataclass(slots=True, kw_only=True)
class Site:
    """The world, the backend on it, and short ways to use both."""

    clock: FakeClock
    world: World
    journal: Journal
    settings: EngineSettings = SETTINGS
    only: tuple[HostId, ...] = ()
    """The hosts that a backend is told of; all when empty."""
    limits: Limits = DEFAULT_LIMITS
    """How many operations of a kind each host takes at once."""
    service: BackendService = field(init=False)
    gateway: HypervisorGateway | None = None
    holder: str = ""
    """What a backend is called where several share a journal."""
    archive: MemoryArchive = field(default_factory=MemoryArchive)
    _keys: "count[int]" = field(default_factory=count)
    _up: bool = False

    async def start(self) -> None:
        """Bring up a backend and let it read every host."""
        self.service = BackendService(
            [replace(spec, limits=self.limits) for spec in self.world.specs if not self.only or spec.id in self.only],
            self.gateway or SimulatedGateway(self.world),
            self.journal,
            self.clock,
            fleet_source="test",
            settings=self.settings,
            archive=self.archive,
            holder=self.holder,
        )
        await self.clock.run(self.service.start())
        self._up = True
        await self.clock.advance(0.5)

    async def kill(self) -> None:
        """End the backend without a word."""
        if self._up:
            self._up = False
            await self.clock.run(self.service.stop())

    def add(
        self,
        name: str = "web-1",
        *,
        host: HostId = A,
        state: VmState = VmState.RUNNING,
        pool: str = "shared",
        change: Callable[[Machine], Machine] = lambda machine: machine,
    ) -> VmId:
        """Put a VM with one disk on a host, behind the backend's back."""
        home = self.world.host(host)
        identity = an_id(name)
        path = home.pools[pool].store.add(f"{name}.qcow2", capacity_mib=10240, allocation_mib=100, owner=identity)
        machine = Machine(
            id=identity,
            name=name,
            state=state,
            vcpus=2,
            vcpus_max=4,
            memory_mib=2048,
            memory_max_mib=2048,
            disks=(VmDisk(target="vda", source=path, format="qcow2", capacity_mib=10240, allocation_mib=100),),
            nics=(VmNic(mac="52:54:00:00:00:01", network="default"),),
            started_at=self.clock.monotonic(),
        )
        home.machines[identity] = change(machine)
        return identity

    def alter(self, vm: VmId, host: HostId = A, **changes: object) -> None:
        """Change a VM on a host, behind the backend's back."""
        home = self.world.host(host)
        home.machines[vm] = replace(home.machines[vm], **changes)

    def state(self, vm: VmId, host: HostId = A) -> VmState | None:
        """Return its true state on a host; None when that host does not know it."""
        machine = self.world.host(host).machines.get(vm)
        return machine.state if machine else None

    def running_on(self, vm: VmId) -> list[HostId]:
        """Return every host on which it truly runs."""
        return [host for host in self.world.hosts if self.state(vm, host) is VmState.RUNNING]

    async def fleet(self) -> Fleet:
        """Return the fleet as the backend sees it."""
        return await self.service.fleet(ALICE)

    async def submit(self, intent: Intent, *, key: str = "", caller: Caller = ALICE) -> Operation | Refusal:
        """Preview and submit; a preview that refuses is submitted all the same, as a script might."""
        digest = await self.digest(intent)
        work = self.service.submit(caller, intent, plan_digest=digest, idempotency_key=key or f"key-{next(self._keys)}")
        return await self.clock.run(work)

    async def digest(self, intent: Intent) -> str:
        """Return the digest of the plan that a preview shows now; empty when it shows a refusal."""
        answer = await self.clock.run(self.service.preview(ALICE, intent))
        return "" if isinstance(answer, Refusal) else answer.digest

    async def accepted(self, intent: Intent) -> OperationId:
        """Submit and insist that it is accepted."""
        answer = await self.submit(intent)
        assert isinstance(answer, Operation), answer
        return answer.id

    async def refused(self, intent: Intent) -> Refusal:
        """Submit and insist that it is refused."""
        answer = await self.submit(intent)
        assert isinstance(answer, Refusal), answer
        return answer

    async def operation(self, operation: OperationId) -> Operation:
        """Return an operation in its current state."""
        found = [one for one in await self.service.operations(ALICE) if one.id == operation]
        assert found, operation
        return found[0]

    async def ended(self, operation: OperationId, *, limit_s: float = 600) -> Operation:
        """Let time pass until an operation has ended."""

        def over() -> bool:
            return all(one.has_ended for one in self.service._ledger.operations if one.id == operation)

        await self.clock.run_until(over, limit_s=limit_s)
        return await self.operation(operation)

    async def do(self, intent: Intent) -> Operation:
        """Submit and wait for the end."""
        return await self.ended(await self.accepted(intent))

    async def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts that hold."""
        return tuple(alert for alert in await self.service.alerts(ALICE) if alert.cleared_at is None)


def a_site(
    *, journal: Journal | None = None, settings: EngineSettings = SETTINGS, clock: FakeClock | None = None
) -> Site:
    """Return a site of three hosts without VMs; nothing watches it yet."""
    clock = clock or FakeClock()
    world = World(clock)
    shared = a_shared_store()
    for name in (A, B, C):
        host = SimulatedHost(name, clock=clock)
        add_stores(host, shared)
        world.add_host(host)
    return Site(clock=clock, world=world, journal=journal or MemoryJournal(), settings=settings)


def migrate(vm: VmId, *, copy_storage: bool = False, to: HostId = B) -> MigrateVm:
    """Return the intent to move a VM from the first host."""
    return MigrateVm(vm=vm, host=A, destination=to, copy_storage=copy_storage)
