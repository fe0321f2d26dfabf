"""The simulated world with somebody who sees every change of it, and hosts that lose power.

Its own tasks belong to no backend: they go on when one is killed.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from novacron.adapters.simulated.host import SimulatedHost
from novacron.adapters.simulated.machine import Machine, stopped
from novacron.adapters.simulated.stores import Store
from novacron.adapters.simulated.world import World
from novacron.model.errors import NovaCronError
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.vm import StateReason, VmState
from tests.simulation.clock import JumpingClock
from tests.simulation.ordered_set import OrderedSet
from tests.simulation.process import outside
from tests.simulation.trace import Trace


class ObservedHost(SimulatedHost):
    """A simulated host that tells of every change of a VM."""

    on_change: Callable[["ObservedHost", VmId, str], None]

    def __init__(self, name: str, *, clock: JumpingClock) -> None:
        super().__init__(name, clock=clock)
        self.links = OrderedSet()  # type: ignore[assignment]

    def put(self, machine: Machine, detail: str) -> None:
        """Let the VM stand as given."""
        if self.machines.get(machine.id) == machine:
            return
        super().put(machine, detail)
        self.on_change(self, machine.id, detail)

    def remove(self, vm: VmId, detail: str) -> None:
        """Forget the VM."""
        is_known = vm in self.machines
        super().remove(vm, detail)
        if is_known:
            self.on_change(self, vm, detail)


class ObservedWorld(World):
    """Watches over what no backend may ever do: two running copies, lost VMs, deleted disks."""

    def __init__(self, clock: JumpingClock, trace: Trace) -> None:
        super().__init__(clock)
        self.trace = trace
        self.cause: OperationId | None = None
        """The operation for which a host does something just now; None: it happens by itself."""
        self.changes = 0
        self.on_change: Callable[[], None] = lambda: None
        self.may_remove: Callable[[OperationId, VmId], bool] = lambda _operation, _vm: True
        self._doubled_by_boot: set[VmId] = set()
        self._context = contextvars.copy_context()
        self._volumes: dict[str, tuple[Store, frozenset[str]]] = {}

    def add(self, host: ObservedHost) -> None:
        """Add a host that tells of its changes."""
        host.on_change = self._changed
        self.add_host(host)

    def spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run something that no backend owns, though one may have asked for it."""
        task = outside(work, self._context.copy())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def power_off(self, name: str) -> None:
        """Take a host's power away: its guests are gone, nothing answers, connections are not told."""
        host = self.host(name)
        self.black_hole(name)
        host.faults.postponed.clear()
        for machine in tuple(host.machines.values()):
            if machine.is_active:
                host.put(stopped(machine, StateReason.CRASHED), "its host lost power")

    def power_on(self, name: str) -> None:
        """Boot a host again; its guests that start with it start."""
        self.cut(name, "the host was rebooted")
        self.heal(name)
        host = self.host(name)
        for machine in tuple(host.machines.values()):
            if machine.autostart and not machine.is_active:
                with suppress(NovaCronError):
                    self.start(host, machine.id)

    def copies(self, vm: VmId) -> list[tuple[HostId, Machine]]:
        """Return the VM as every host has it."""
        return [(name, host.machines[vm]) for name, host in self.hosts.items() if vm in host.machines]

    def where_it_runs(self, vm: VmId) -> list[HostId]:
        """Return every host on which its guest executes."""
        return [name for name, machine in self.copies(vm) if machine.state is VmState.RUNNING]

    def remember_volumes(self) -> None:
        """Take the volumes as they are for those that are watched from now on."""
        for store in self._stores():
            self._volumes[store.label] = (store, frozenset(store.volumes))

    def check_volumes(self, operation: OperationId | None) -> None:
        """See which volumes are gone since the last call, and that no VM needs one of them."""
        for store, before in tuple(self._volumes.values()):
            for path in sorted(before - frozenset(store.volumes)):
                self.changes += 1
                self.trace.note(f"volume {path} is gone, by {operation}")
                for user in self._users(store, path):
                    self.trace.violate(f"{operation} deleted {path}, a disk of {user}")
        self.remember_volumes()

    def _users(self, store: Store, path: str) -> list[str]:
        users = [
            f"{machine.name} on {host.name}"
            for host in self.hosts.values()
            for machine in host.machines.values()
            for disk in machine.disks
            if disk.source == path and any(pool.store is store for pool in host.pools.values())
        ]
        backed = (stored.volume for stored in store.volumes.values())
        return users + [volume.name for volume in backed if volume.backing_path == path]

    def _stores(self) -> list[Store]:
        found = {pool.store.label: pool.store for host in self.hosts.values() for pool in host.pools.values()}
        return list(found.values())

    def _changed(self, host: ObservedHost, vm: VmId, detail: str) -> None:
        self.changes += 1
        machine = host.machines.get(vm)
        stands = f"{machine.state} ({machine.reason}) {machine.job}" if machine else "not there"
        self.trace.note(f"{host.name}: VM {vm[:8]} is {stands}: {detail}")
        # What libvirt starts by itself when its host boots, no backend has had a say in.
        is_autostart = self.cause is None and detail == "started"
        if len(self.where_it_runs(vm)) > 1 and not is_autostart and vm not in self._doubled_by_boot:
            self.trace.violate(f"VM {vm} runs on {', '.join(self.where_it_runs(vm))} at once")
        if is_autostart and len(self.where_it_runs(vm)) > 1:
            self._doubled_by_boot.add(vm)
        if not self.copies(vm) and (self.cause is None or not self.may_remove(self.cause, vm)):
            self.trace.violate(f"VM {vm} is lost: {detail} on {host.name}, by {self.cause or 'nobody'}")
        self.on_change()
