"""What goes on in a simulated fleet by itself: guests start, stop, move and fail, at a rate that is told.

Of the changes a second, nine of ten are figures that move (see SimulatedHost.figures_period_s), and one is something
that happens to a VM. What an operation has under way is left alone.
"""

from dataclasses import replace
from random import Random
from typing import Final

from novacron.adapters.simulated.host import SimulatedHost
from novacron.adapters.simulated.machine import Job, Machine
from novacron.adapters.simulated.stores import Store
from novacron.adapters.simulated.world import World
from novacron.model.errors import NovaCronError
from novacron.model.ids import VmId
from novacron.model.vm import StateReason, VmState

_HAPPENS_OF_CHANGES: Final = 0.1
_MIGRATION_TAKES_S: Final = 3.0
_STOPS, _CRASHES, _DISK_FAILS, _RESTARTS, _LINK_BREAKS = 0.16, 0.18, 0.20, 0.40, 0.402
"""Upper ends of what is drawn for a VM that runs; what is above is a migration. One that does not run is started, so
that about six of seven run in the long run, as in the fleet at first."""


class Churn:
    """Lets things happen in a world once it has begun."""

    def __init__(self, world: World, *, percent: float, seed: int = 1) -> None:
        """`percent` of the VMs change each second."""
        self._world = world
        self._rng = Random(seed)  # noqa: S311 - plausible, not secret
        self._hosts = tuple(world.hosts.values())
        vms = sum(len(host.machines) for host in self._hosts)
        self._a_second = vms * percent / 100 * _HAPPENS_OF_CHANGES
        self._began = False
        self._reaching: dict[int, list[SimulatedHost]] = {}
        for host in self._hosts:
            for pool in host.pools.values():
                self._reaching.setdefault(id(pool.store), []).append(host)

    def begin(self) -> None:
        """Let things happen from now on; nothing when they do already. In a running event loop."""
        if not self._began and self._a_second > 0:
            self._began = True
            self._world.spawn(self._go_on())

    async def _go_on(self) -> None:
        due = 0.0
        while True:
            await self._world.clock.sleep(1.0)
            due += self._a_second
            while due >= 1:
                due -= 1
                self.happen()

    def happen(self) -> None:
        """Let one thing happen to one VM."""
        host = self._rng.choice(self._hosts)
        if not host.machines:
            return
        machine = host.machines[self._rng.choice(tuple(host.machines))]
        if machine.job is not Job.NONE or machine.id in self._world.migrations:
            return
        try:
            self._change(host, machine)
        except NovaCronError:
            return  # It could not be, as in life: its disk is missing, or another host's.

    def _change(self, host: SimulatedHost, machine: Machine) -> None:
        world, drawn = self._world, self._rng.random()
        if not machine.is_active:
            world.start(host, machine.id)
        elif machine.state is not VmState.RUNNING:
            world.resume(host, machine.id)
        elif drawn < _STOPS:
            world.press_power_button(host, machine.id)
        elif drawn < _CRASHES:
            world.crash_vm(machine.id)
        elif drawn < _DISK_FAILS:
            world.fail_disk(machine.id)
        elif drawn < _RESTARTS:
            world.ask_to_restart(host, machine.id)
        elif drawn < _LINK_BREAKS:
            world.cut(host.name)
        else:
            self._migrate(host, machine)

    def _migrate(self, host: SimulatedHost, machine: Machine) -> None:
        """Let somebody else move it to a host that reaches its disks and has the room."""
        stores = [host.store_of(disk.source) for disk in machine.disks]
        store: Store | None = stores[0] if stores and all(one is stores[0] for one in stores) else None
        there = [one for one in self._reaching.get(id(store), ()) if one is not host] if store else []
        if not there:
            return
        destination = self._rng.choice(there)
        if destination.memory_free_mib < machine.memory_max_mib or machine.id in destination.machines:
            return
        host.put(replace(machine, job=Job.MIGRATING_OUT), "migrates")
        self._world.later(_MIGRATION_TAKES_S, lambda: self._arrive(host, destination, machine.id))

    def _arrive(self, host: SimulatedHost, destination: SimulatedHost, vm: VmId) -> None:
        machine = host.machines.get(vm)
        if machine is None or machine.job is not Job.MIGRATING_OUT or vm in self._world.migrations:
            return
        here = replace(machine, job=Job.NONE)
        if machine.state is not VmState.RUNNING or vm in destination.machines:
            host.put(here, "migration failed")
            return
        host.remove(vm, "migrated")
        destination.put(replace(here, reason=StateReason.MIGRATED), "migrated")
