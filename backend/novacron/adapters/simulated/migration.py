"""A live migration in the simulated world: both ends' states, phase by phase, and every way it may end.

The migration belongs to the world. A peer-to-peer one goes on when the backend is gone; a direct or relayed
one has carriers, the backend's links, and is over when one of them ends.
"""

import asyncio
from dataclasses import dataclass, replace

from novacron.adapters.simulated.course import Course
from novacron.adapters.simulated.ending import Ending
from novacron.adapters.simulated.host import SimulatedHost
from novacron.adapters.simulated.machine import Job, require_no_job, stopped
from novacron.adapters.simulated.storage import Store
from novacron.adapters.simulated.world import World
from novacron.model.errors import Conflict, NovaCronError, OperationError
from novacron.model.intent import MigrationMode
from novacron.model.vm import JobProgress, StateReason, VmDisk, VmState
from novacron.ports.hypervisor import MigrationRequest

_HANDSHAKE_S = 0.2
_PATIENCE_S = 0.5
_DEFAULT_DOWNTIME_MS = 300
_RELAYED_MIB_S = 80.0


@dataclass(slots=True, kw_only=True)
class _Abort:
    because: str = ""


class Migration:
    """One VM on its way from one host to another."""

    def __init__(
        self, world: World, source: SimulatedHost, destination: SimulatedHost, request: MigrationRequest
    ) -> None:
        self.source = source
        self.destination = destination
        self._world = world
        self._request = request
        self._machine = source.machine(request.vm)
        self._course = self._plot_course()
        self._began_at = world.clock.monotonic()
        self._abort = _Abort()
        self._stirred = asyncio.Event()
        self._past_return = False
        self._created: list[tuple[Store, str]] = []
        self._ending = world.take_ending(request.vm)

    def progress(self) -> JobProgress:
        """Return its figures now."""
        return self._course.at(self._elapsed_s())

    def abort(self, because: str = "operation aborted: migration out: canceled by client") -> None:
        """Stop it; the VM runs on at the source.

        Raises:
            OperationError: it is past the point of return.
        """
        if self._past_return:
            raise OperationError(self._machine.name, "Requested operation is not valid: no job is active on the domain")
        self._abort.because = self._abort.because or because
        self._stirred.set()

    def carrier_lost(self) -> None:
        """End what the backend carried: one of its links is gone."""
        if not self._past_return:
            self.abort("operation failed: migration out job: connection to the client lost")
        elif self._ending is Ending.COMPLETES:
            self._ending = Ending.RUNS_NOWHERE

    def check(self) -> None:
        """Check what both libvirtds check before anything changes.

        Raises:
            OperationError: one of them says no.
        """
        machine, there = self._machine, self.destination
        require_no_job(machine)
        if machine.state is not VmState.RUNNING:
            raise OperationError(machine.name, "Requested operation is not valid: domain is not running")
        known = there.machines.get(machine.id)
        if known is not None and known.is_active:
            raise Conflict(machine.name, f"domain is already active as '{known.name}' on {there.name}")
        there.require_name_free(machine.name, besides=machine.id)
        if self._ending is Ending.REFUSED:
            raise OperationError(machine.name, "unsupported configuration: refused by the destination")
        if self._request.mode is not MigrationMode.RELAYED and not self._world.reaches(self.source, there):
            raise OperationError(
                machine.name,
                f"unable to connect to server at '{there.name}:49152': No route to host",
                "use a relayed migration",
            )
        missing = [nic.network for nic in machine.nics if nic.network not in there.facts.networks]
        if missing:
            raise OperationError(machine.name, f"Network not found: no network with matching name '{missing[0]}'")
        self._check_disks()

    async def run(self) -> None:
        """Carry it out.

        Raises:
            NovaCronError: it failed, as its driver would be told.
        """
        try:
            self._prepare()
            await self._copy()
            await self._switch()
        except NovaCronError as error:
            self._roll_back(str(error.detail))
            raise

    def _prepare(self) -> None:
        machine = self._machine
        if self._request.copy_storage:
            for disk in self._disks_to_copy():
                self._create_copy(disk)
        self.source.put(replace(machine, job=Job.MIGRATING_OUT), "migration began")
        arriving = replace(
            machine,
            state=VmState.PAUSED,
            reason=StateReason.MIGRATING,
            job=Job.MIGRATING_IN,
            persistent=machine.id in self.destination.machines,
            started_at=self._began_at,
        )
        self.destination.put(arriving, "migration began")

    async def _copy(self) -> None:
        ends_at = self._course.ends_at()
        fault_at = None
        if self._ending in {Ending.FALLS_BACK, Ending.LOST}:
            fault_at = 0.5 * (ends_at if ends_at is not None else 10.0)
        while True:
            due = fault_at if fault_at is not None else ends_at
            await self._wait(None if due is None else max(0.0, due - self._elapsed_s()))
            self._require_alive()
            if due is not None and self._elapsed_s() >= due:
                break
        if fault_at is not None:
            self._fail_while_copying()
        # A frozen libvirtd copies on, but nobody there takes the next step.
        while self.source.condition.is_silent or self.destination.condition.is_silent:
            await self._wait(_PATIENCE_S)
            self._require_alive()

    async def _switch(self) -> None:
        self._past_return = True
        leaving = self.source.machine(self._machine.id)
        self.source.put(replace(leaving, state=VmState.PAUSED, reason=StateReason.MIGRATING), "paused to switch over")
        await self._world.clock.sleep(self._course.downtime_ms / 1000)
        self._finish()

    def _finish(self) -> None:
        ending = self._ending
        if ending is Ending.RUNS_TWICE and not self._nothing_locks():
            ending = Ending.STALE_SOURCE
        match ending:
            case Ending.RUNS_NOWHERE:
                self._leave_source_paused()
                self._drop_destination("migration lost")
                self._daemon_dies(self.source)
            case Ending.BOTH_PAUSED:
                self._leave_source_paused()
                self._daemon_dies(self.source)
            case Ending.STALE_SOURCE:
                self._run_at_destination()
                self._leave_source_paused()
                self._daemon_dies(self.destination)
            case Ending.SOURCE_CRASHED | Ending.SOURCE_OFF_BY_DAEMON:
                crashed = ending is Ending.SOURCE_CRASHED
                self._run_at_destination()
                self._leave_source_off(StateReason.CRASHED if crashed else StateReason.DAEMON)
                self._daemon_dies(self.source)
            case Ending.RUNS_TWICE:
                self._run_at_destination()
                self._run_on_at_source()
                self._daemon_dies(self.destination)
            case _:
                self._run_at_destination()
                self.source.remove(self._machine.id, "migrated away")
                if ending is Ending.ENDS_UNSEEN:
                    self._world.cut(self.source.name)

    # Steps.

    async def _wait(self, seconds: float | None) -> None:
        """Wait a while, but no longer than that (None: for ever) or until somebody stirs the migration."""
        stirred = asyncio.ensure_future(self._stirred.wait())
        patience_s = _PATIENCE_S if seconds is None else min(_PATIENCE_S, seconds)
        alarm = asyncio.ensure_future(self._world.clock.sleep(patience_s))
        try:
            await asyncio.wait({stirred, alarm}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stirred.cancel()
            alarm.cancel()

    def _require_alive(self) -> None:
        if self._abort.because:
            raise OperationError(self._machine.name, self._abort.because)
        here = self.source.machines.get(self._machine.id)
        there = self.destination.machines.get(self._machine.id)
        if here is None or here.job is not Job.MIGRATING_OUT:
            raise OperationError(self._machine.name, "operation failed: domain is not running")
        if there is None or there.job is not Job.MIGRATING_IN:
            raise OperationError(self._machine.name, "operation failed: the destination's QEMU ended")

    def _fail_while_copying(self) -> None:
        if self._ending is Ending.LOST:
            self.source.put(stopped(self.source.machine(self._machine.id), StateReason.CRASHED), "its QEMU died")
            raise OperationError(self._machine.name, "operation failed: domain is not running")
        self._daemon_dies(self.source)
        raise OperationError(self._machine.name, "operation failed: migration out job: unexpectedly failed")

    def _roll_back(self, detail: str) -> None:
        leaving = self.source.machines.get(self._machine.id)
        if leaving is not None and leaving.job is Job.MIGRATING_OUT:
            self._run_on_at_source()
        self._drop_destination(detail)
        for store, path in self._created:
            store.volumes.pop(path, None)

    def _run_at_destination(self) -> None:
        arriving = self.destination.machine(self._machine.id)
        self.destination.put(
            replace(arriving, state=VmState.RUNNING, reason=StateReason.MIGRATED, persistent=True, job=Job.NONE),
            "migrated here",
        )

    def _run_on_at_source(self) -> None:
        leaving = self.source.machine(self._machine.id)
        # A pause by the operator or an I/O error during the copy is the VM's own and stays.
        if leaving.state is VmState.RUNNING or leaving.reason is StateReason.MIGRATING:
            leaving = replace(leaving, state=VmState.RUNNING, reason=StateReason.MIGRATION_CANCELED)
        self.source.put(replace(leaving, job=Job.NONE), "migration ended")

    def _leave_source_paused(self) -> None:
        self.source.put(replace(self.source.machine(self._machine.id), job=Job.NONE), "left paused")

    def _leave_source_off(self, reason: StateReason) -> None:
        self.source.put(stopped(self.source.machine(self._machine.id), reason), "left shut off")

    def _drop_destination(self, detail: str) -> None:
        arriving = self.destination.machines.get(self._machine.id)
        if arriving is None or arriving.job is not Job.MIGRATING_IN:
            return
        self.destination.put(stopped(arriving, StateReason.FAILED), detail)

    def _daemon_dies(self, host: SimulatedHost) -> None:
        self._world.kill_libvirtd(host.name)

    # Facts.

    def _plot_course(self) -> Course:
        relayed = self._request.mode is MigrationMode.RELAYED
        rates: list[float] = [self.source.rate_mib_s, self.destination.rate_mib_s]
        if relayed:
            rates.append(_RELAYED_MIB_S)
        if self._request.bandwidth_mib_s:
            rates.append(float(self._request.bandwidth_mib_s))
        copied = self._disks_to_copy() if self._request.copy_storage else ()
        return Course(
            # Zero pages cost next to nothing on the line.
            memory_mib=max(32.0, 0.7 * self._machine.memory_mib),
            rate_mib_s=min(rates),
            dirty_mib_s=self._machine.dirty_mib_s,
            working_set_mib=self._machine.working_set_mib,
            downtime_ms=self._request.max_downtime_ms or _DEFAULT_DOWNTIME_MS,
            disk_mib=float(sum(disk.allocation_mib or 0 for disk in copied)),
            auto_converge=self._request.auto_converge,
        )

    def _elapsed_s(self) -> float:
        return max(0.0, self._world.clock.monotonic() - self._began_at - _HANDSHAKE_S)

    def _disks_to_copy(self) -> tuple[VmDisk, ...]:
        return tuple(disk for disk in self._machine.disks if not self._is_shared(disk))

    def _is_shared(self, disk: VmDisk) -> bool:
        here, there = self.source.store_of(disk.source), self.destination.store_of(disk.source)
        return here is not None and here is there

    def _nothing_locks(self) -> bool:
        stores = [self.source.store_of(disk.source) for disk in self._machine.disks]
        return all(store is None or not store.locks for store in stores)

    def _check_disks(self) -> None:
        for disk in self._disks_to_copy():
            if not self._request.copy_storage:
                raise OperationError(
                    self._machine.name,
                    "Unsafe migration: Migration without shared storage is unsafe",
                    "copy the storage along",
                )
            if self.destination.store_of(disk.source) is None:
                raise OperationError(
                    self._machine.name,
                    f"Storage pool not found: no storage pool with matching target path for '{disk.source}'",
                )

    def _create_copy(self, disk: VmDisk) -> None:
        store = self.destination.store_of(disk.source)
        if store is None or disk.source in store.volumes:
            return
        store.add(
            disk.source.rpartition("/")[2],
            capacity_mib=disk.capacity_mib or 0,
            allocation_mib=disk.allocation_mib or 0,
            owner=self._machine.id,
        )
        self._created.append((store, disk.source))
