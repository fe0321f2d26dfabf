"""The simulated world: hosts that share storage and a network, and everything that may go wrong with them.

It lives outside of any backend: links come and go, several backends may be connected, and what was started
(a peer-to-peer migration, a guest's shutdown) goes on without them. All time is the Clock's.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from typing import Any, Protocol

from novacron.adapters.simulated.host import SimulatedHost
from novacron.adapters.simulated.host_faults import HostFaults
from novacron.adapters.simulated.machine import Machine, Verb, paused, require, resumed, started, stopped
from novacron.adapters.simulated.migration_outcome import MigrationOutcome
from novacron.adapters.simulated.stores import Store
from novacron.model.errors import NotFound, OperationError
from novacron.model.host import HostSpec
from novacron.model.ids import HostId, VmId
from novacron.model.link import LinkStatus
from novacron.model.vm import JobProgress, StateReason, VmState
from novacron.ports.clock import Clock

SHUTDOWN_TAKES_S = 2.0
"""How long a guest takes to obey its power button."""
_RESTART_TAKES_S = 5.0


class UnderWay(Protocol):
    """A migration, as whoever asks for it by its VM sees it."""

    def progress(self) -> JobProgress:
        """Return its figures now."""

    def guest_paused(self) -> None:
        """Let nothing more be dirtied."""

    def abort(self) -> None:
        """Stop it; the VM runs on at the source. Raises OperationError when it is past the point of return."""


class World:
    """All simulated hosts, and the switches that make them ill."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.hosts: dict[HostId, SimulatedHost] = {}
        self.migrations: dict[VmId, UnderWay] = {}
        """Those under way, by VM."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._parted: set[frozenset[HostId]] = set()
        self._outcomes: dict[VmId, MigrationOutcome] = {}

    @property
    def specs(self) -> tuple[HostSpec, ...]:
        """What a fleet file would say of the hosts."""
        return tuple(host.spec for host in self.hosts.values())

    def add_host(self, host: SimulatedHost) -> SimulatedHost:
        """Add a host and return it."""
        self.hosts[host.spec.id] = host
        return host

    def host(self, name: str) -> SimulatedHost:
        """Return the host of that name.

        Raises:
            NotFound: there is none.
        """
        found = self.hosts.get(HostId(name))
        if found is None:
            raise NotFound(name, "no simulated host has this name")
        return found

    def host_of(self, vm: VmId) -> SimulatedHost:
        """Return the host on which the VM runs, or else is defined.

        Raises:
            NotFound: none knows it.
        """
        known = [host for host in self.hosts.values() if vm in host.machines]
        if not known:
            raise NotFound(vm, "no simulated host knows this VM")
        return next((host for host in known if host.machines[vm].state is VmState.RUNNING), known[0])

    # What every hypervisor enforces when a process wants its disks.

    def require_disks(self, host: SimulatedHost, machine: Machine) -> None:
        """Check that every disk is there and that nobody else holds a lock on it.

        Raises:
            OperationError: with QEMU's words.
        """
        for disk in machine.disks:
            store = host.store_of(disk.source)
            if store is None or disk.source not in store.volumes:
                raise OperationError(
                    machine.name, f"Cannot access storage file '{disk.source}': No such file or directory"
                )
            if disk.readonly or disk.shareable:
                continue
            if self.lock_holder(store, disk.source, besides=(host, machine.id)) is not None:
                raise OperationError(
                    machine.name,
                    f"internal error: process exited while connecting to monitor: -blockdev {disk.source}: "
                    'Failed to get "write" lock. Is another process using the image?',
                    "find out where this VM runs before anything else",
                )

    def lock_holder(self, store: Store, path: str, *, besides: tuple[SimulatedHost, VmId]) -> SimulatedHost | None:
        """Return the host whose QEMU holds a lock on `path` that is seen elsewhere, or None."""
        if not store.locks:
            return None
        hosts: Iterable[SimulatedHost] = self.hosts.values() if store.shared else (besides[0],)
        for host in hosts:
            if all(pool.store is not store for pool in host.pools.values()):
                continue
            for machine in host.machines.values():
                if (
                    machine.holds_disks
                    and (host, machine.id) != besides
                    and any(disk.source == path and not disk.shareable for disk in machine.disks)
                    and host.store_of(path) is store
                ):
                    return host
        return None

    def start(self, host: SimulatedHost, vm: VmId) -> None:
        """Power on."""
        after = started(host.machine(vm), at=self.clock.monotonic())
        for nic in after.nics:
            if nic.network not in host.facts.networks:
                raise OperationError(
                    after.name,
                    f"Network not found: no network with matching name '{nic.network}'",
                    "start it",
                )
        self.require_disks(host, after)
        host.put(after, "started")

    def resume(self, host: SimulatedHost, vm: VmId) -> None:
        """Let a paused VM go on, if it can have its disks."""
        before = host.machine(vm)
        after = resumed(before)
        if after is not before:
            self.require_disks(host, before)
            host.put(after, "resumed")

    def press_power_button(self, host: SimulatedHost, vm: VmId) -> None:
        """Let the guest power off in its own time, if it listens."""
        if host.machine(vm).obeys_power_button:
            self.later(SHUTDOWN_TAKES_S, lambda: self._power_off(vm))

    def ask_to_restart(self, host: SimulatedHost, vm: VmId) -> None:
        """Let the guest restart, or power off in its own time where its definition makes that of it."""
        machine = host.machine(vm)
        require(machine, Verb.REBOOT)
        if machine.on_reboot == "restart":
            host.reboot(vm, at=self.clock.monotonic())
        else:
            self.press_power_button(host, vm)

    def put_to_sleep(self, vm: VmId) -> None:
        """Let its guest put itself to sleep (ACPI S3)."""
        host = self.host_of(vm)
        host.put(replace(host.machine(vm), state=VmState.SUSPENDED, reason=StateReason.NONE), "asleep")

    def _power_off(self, vm: VmId) -> None:
        # Wherever it is by now: the guest may have been migrated while it shut down.
        for host in self.hosts.values():
            machine = host.machines.get(vm)
            if machine is None or machine.state is not VmState.RUNNING:
                continue
            if machine.on_poweroff == "restart":
                host.reboot(vm, at=self.clock.monotonic())
            else:
                host.put(stopped(machine, StateReason.SHUTDOWN), "shut down")

    # What may be done to it from outside: the faults.

    def hang(self, host: str, *, effects_come_late: bool = False) -> None:
        """Freeze its libvirtd: it takes calls and never answers."""
        self._set_faults(host, HostFaults(hangs=True, effects_come_late=effects_come_late))

    def black_hole(self, host: str) -> None:
        """Let every packet to and from it vanish."""
        self._set_faults(host, HostFaults(black_holed=True))

    def slow(self, host: str, answers_after_s: float) -> None:
        """Let every answer take that long."""
        self._set_faults(host, HostFaults(answers_after_s=answers_after_s))

    def refuse(self, host: str, status: LinkStatus) -> None:
        """Refuse connections with this status; standing ones break."""
        self._set_faults(host, HostFaults(refuses=status))
        self.cut(host, f"refused: {status}")

    def heal(self, host: str) -> None:
        """Make it answer again."""
        self._set_faults(host, HostFaults())

    def cut(self, host: str, because: str = "connection reset by peer") -> None:
        """Break every standing connection to it; new ones work."""
        links = self.host(host).links
        for link in tuple(links):
            link.lose(because)
        links.clear()

    def kill_libvirtd(self, host: str, *, restart_after_s: float | None = _RESTART_TAKES_S) -> None:
        """Kill its libvirtd: connections break, VMs run on. It comes back, unless that is None."""
        self.refuse(host, LinkStatus.NO_LIBVIRT)
        if restart_after_s is not None:
            self.later(restart_after_s, lambda: self.heal(host))

    def part(self, one: str, other: str) -> None:
        """Let two hosts not reach each other; the backend reaches both."""
        self._parted.add(frozenset({HostId(one), HostId(other)}))

    def join(self, one: str, other: str) -> None:
        """Let them reach each other again."""
        self._parted.discard(frozenset({HostId(one), HostId(other)}))

    def reaches(self, one: SimulatedHost, other: SimulatedHost) -> bool:
        """Whether these two hosts reach each other."""
        return frozenset({one.spec.id, other.spec.id}) not in self._parted

    def crash_vm(self, vm: VmId) -> None:
        """Kill its QEMU."""
        host = self.host_of(vm)
        host.put(stopped(host.machine(vm), StateReason.CRASHED), "crashed")

    def fail_disk(self, vm: VmId) -> None:
        """Let a write of the guest fail: QEMU pauses it."""
        host = self.host_of(vm)
        host.put(paused(host.machine(vm), StateReason.IO_ERROR), "I/O error")

    def fill_pool(self, host: str, pool: str) -> None:
        """Leave no room in the pool (everywhere, when its store is shared)."""
        self.host(host).pool(pool).store.full = True

    def drain_pool(self, host: str, pool: str) -> None:
        """Give it its room again."""
        self.host(host).pool(pool).store.full = False

    def set_locks(self, host: str, pool: str, *, held: bool) -> None:
        """Say whether the pool's store lets one host see another's disk locks: without, two VMs may write."""
        self.host(host).pool(pool).store.locks = held

    def set_dirty_rate(self, vm: VmId, mib_s: float, *, working_set_mib: float | None = None) -> None:
        """Let the guest dirty its memory that fast, over that much of it (all of it unless told)."""
        host = self.host_of(vm)
        machine = host.machine(vm)
        size_mib = float(machine.memory_mib) if working_set_mib is None else working_set_mib
        host.machines[vm] = replace(machine, dirty_mib_s=mib_s, working_set_mib=size_mib)

    def end_next_migration(self, vm: VmId, outcome: MigrationOutcome) -> None:
        """Let the VM's next migration end so."""
        self._outcomes[vm] = outcome

    def take_outcome(self, vm: VmId) -> MigrationOutcome:
        """Return how the VM's next migration shall end, once."""
        return self._outcomes.pop(vm, MigrationOutcome.COMPLETES)

    # What goes on by itself.

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something after that time, whoever is connected then."""

        async def wait_and_act() -> None:
            await self.clock.sleep(seconds)
            act()

        self.spawn(wait_and_act())

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something that no connection owns."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _set_faults(self, name: str, faults: HostFaults) -> None:
        host = self.host(name)
        # Changed in place: standing links share it.
        host.faults.become(faults)
        for link in tuple(host.links):
            link.wake()
