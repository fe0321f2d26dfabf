"""Reads a simulated host (ports.hypervisor.HostReader)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from novacron.adapters.simulated.definition import to_xml
from novacron.adapters.simulated.files import with_files
from novacron.adapters.simulated.host import SimulatedHost
from novacron.adapters.simulated.host_role import HostRole
from novacron.adapters.simulated.link import HostLink
from novacron.adapters.simulated.world import World
from novacron.model.host import HostFacts, HostReading, HostSpec
from novacron.model.ids import VmId
from novacron.model.migration import Belongings
from novacron.model.storage import Pool
from novacron.model.vm import VmReading
from novacron.ports.hypervisor import HostEvent


class Reader(HostRole):
    """Bulk readings, single looks, definitions and events."""

    def __init__(self, world: World, host: SimulatedHost, link: HostLink, spec: HostSpec) -> None:
        super().__init__(world, host, link, spec)
        self._pools: tuple[Pool, ...] = ()
        self._inventory_at: datetime | None = None

    async def read(self, *, inventory: bool, deadline_s: float) -> HostReading:
        """Read everything; pools and volumes only with `inventory`, or when they were never read."""
        return await self.link.call("read", lambda: self._read(inventory), deadline_s=deadline_s)

    async def facts(self, *, deadline_s: float) -> HostFacts:
        """Read what the host says of itself."""
        return await self.link.call("facts", lambda: self.host.facts, deadline_s=deadline_s)

    async def look(self, vm: VmId, *, deadline_s: float) -> VmReading | None:
        """Read one VM afresh."""
        return await self.link.call("look", lambda: self._look(vm), deadline_s=deadline_s)

    async def look_all(self, vms: Sequence[VmId], *, deadline_s: float) -> Mapping[VmId, VmReading]:
        """Read several VMs afresh."""
        seen = await self.link.call("look", lambda: [self._look(vm) for vm in vms], deadline_s=deadline_s)
        return {one.id: one for one in seen if one is not None}

    async def definition(self, vm: VmId, *, with_secrets: bool = False, deadline_s: float) -> str:
        """Return its XML; there is no secret in it."""
        return await self.link.call("definition", lambda: to_xml(self.host.machine(vm)), deadline_s=deadline_s)

    async def belongings(self, vm: VmId, *, deadline_s: float) -> Belongings:
        """Tell how many snapshots it has: all that a simulated VM has beside its definition and its disks."""
        machine = await self.link.call("belongings", lambda: self.host.machine(vm), deadline_s=deadline_s)
        return Belongings(snapshots=machine.snapshots)

    def watch(self, on_event: Callable[[HostEvent], None]) -> None:
        """Call `on_event` on the event loop for every change."""
        self.link.listen(on_event)

    def _read(self, inventory: bool) -> HostReading:
        now = self.world.clock.now()
        if inventory or self._inventory_at is None:
            self._pools = tuple(with_files(self.host, pool.reading()) for pool in self.host.pools.values())
            self._inventory_at = now
        vms = self.host.readings()
        return HostReading(
            host=self.spec.id,
            observed_at=now,
            facts=self.host.facts,
            load=self.host.load(vms),
            vms=vms,
            pools=self._pools,
            inventory_at=self._inventory_at,
        )

    def _look(self, vm: VmId) -> VmReading | None:
        machine = self.host.machines.get(vm)
        return None if machine is None else self.host.reading_of(machine)
