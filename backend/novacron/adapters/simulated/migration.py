"""A live migration in the simulated world: both ends' states, phase by phase, and every way it may end.

The migration belongs to the world. A peer-to-peer one goes on when the backend is gone; a direct or relayed
one has carriers, the backend's links, and is over when one of them ends.
"""

import asyncio
from dataclasses import dataclass, replace

from novacron.adapters.simulated.host import SimulatedHost
from novacron.adapters.simulated.machine import Job, stopped
from novacron.adapters.simulated.migration_outcome import MigrationOutcome
from novacron.adapters.simulated.migration_path import MigrationPath
from novacron.adapters.simulated.world import World
from novacron.model.errors import NovaCronError, OperationError
from novacron.model.vm import JobProgress, StateReason, VmState
from novacron.ports.hypervisor import MigrationRequest

_HANDSHAKE_S = 0.2
_PATIENCE_S = 0.5
_TICK_S = 0.001
"""Nothing here is more exact; without it a wait of 1e-16 s would be lost to rounding, again and again."""


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
        self._path = MigrationPath(world, source, destination, request)
        self._precopy = self._path.precopy()
        self._began_at = world.clock.monotonic()
        self._abort = _Abort()
        self._stirred = asyncio.Event()
        self._past_return = False
        self._outcome = world.take_outcome(request.vm)

    def progress(self) -> JobProgress:
        """Return its figures now."""
        return self._precopy.at(self._elapsed_s())

    def abort(self, because: str = "operation aborted: migration out: canceled by client") -> None:
        """Stop it; the VM runs on at the source.

        Raises:
            OperationError: it is past the point of return.
        """
        if self._past_return:
            raise OperationError(self._machine.name, "Requested operation is not valid: no job is active on the domain")
        self._abort.because = self._abort.because or because
        self._stirred.set()

    def guest_paused(self) -> None:
        """Let nothing more be dirtied: what is left is sent once."""
        self._precopy = replace(self._precopy, dirty_mib_s=0.0)

    def carrier_lost(self) -> None:
        """End what the backend carried: one of its links is gone."""
        if not self._past_return:
            self.abort("operation failed: migration out job: connection to the client lost")
        elif self._outcome is MigrationOutcome.COMPLETES:
            self._outcome = MigrationOutcome.RUNS_NOWHERE

    def check(self) -> None:
        """Check what both libvirtds check before anything changes.

        Raises:
            OperationError: one of them says no.
        """
        self._path.check()
        if self._outcome is MigrationOutcome.REFUSED:
            raise OperationError(self._machine.name, "unsupported configuration: refused by the destination")

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
        self._path.make_copies()
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
        ends_at = self._precopy.ends_at()
        fault_at = None
        if self._outcome in {MigrationOutcome.FALLS_BACK, MigrationOutcome.LOST}:
            fault_at = 0.5 * (ends_at if ends_at is not None else 10.0)
        while True:
            due = fault_at if fault_at is not None else self._precopy.ends_at()
            await self._wait(None if due is None else max(_TICK_S, due - self._elapsed_s()))
            self._require_alive()
            if due is not None and self._elapsed_s() >= due - _TICK_S:
                break
        if fault_at is not None:
            self._fail_while_copying()
        # A frozen libvirtd copies on, but nobody there takes the next step.
        while self.source.faults.is_silent or self.destination.faults.is_silent:
            await self._wait(_PATIENCE_S)
            self._require_alive()

    async def _switch(self) -> None:
        self._past_return = True
        leaving = self.source.machine(self._machine.id)
        self.source.put(replace(leaving, state=VmState.PAUSED, reason=StateReason.MIGRATING), "paused to switch over")
        await self._world.clock.sleep(self._precopy.downtime_ms / 1000)
        self._finish()

    def _finish(self) -> None:
        outcome = self._outcome
        if outcome is MigrationOutcome.RUNS_TWICE and not self._path.nothing_locks():
            outcome = MigrationOutcome.STALE_SOURCE
        match outcome:
            case MigrationOutcome.RUNS_NOWHERE:
                self._leave_source_paused()
                self._drop_destination("migration lost")
                self._daemon_dies(self.source)
            case MigrationOutcome.BOTH_PAUSED:
                self._leave_source_paused()
                self._daemon_dies(self.source)
            case MigrationOutcome.STALE_SOURCE:
                self._run_at_destination()
                self._leave_source_paused()
                self._destination_dies()
            case MigrationOutcome.SOURCE_CRASHED | MigrationOutcome.SOURCE_OFF_BY_DAEMON:
                crashed = outcome is MigrationOutcome.SOURCE_CRASHED
                self._run_at_destination()
                self._leave_source_off(StateReason.CRASHED if crashed else StateReason.DAEMON)
                self._daemon_dies(self.source)
            case MigrationOutcome.RUNS_TWICE:
                self._run_at_destination()
                self._run_on_at_source()
                self._destination_dies()
            case _:
                self._run_at_destination()
                self.source.remove(self._machine.id, "migrated away")
                if outcome is MigrationOutcome.ENDS_UNSEEN:
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
        if self._outcome is MigrationOutcome.LOST:
            self.source.put(stopped(self.source.machine(self._machine.id), StateReason.CRASHED), "its QEMU died")
            raise OperationError(self._machine.name, "operation failed: domain is not running")
        self._daemon_dies(self.source)
        raise OperationError(self._machine.name, "operation failed: migration out job: unexpectedly failed")

    def _roll_back(self, detail: str) -> None:
        leaving = self.source.machines.get(self._machine.id)
        if leaving is not None and leaving.job is Job.MIGRATING_OUT:
            self._run_on_at_source()
        self._drop_destination(detail)
        self._path.drop_copies()

    def _run_at_destination(self) -> None:
        self._path.keep_copies()
        arriving = self.destination.machine(self._machine.id)
        self.destination.put(
            replace(arriving, state=VmState.RUNNING, reason=StateReason.MIGRATED, persistent=True, job=Job.NONE),
            "migrated here",
        )

    def _run_on_at_source(self) -> None:
        leaving = self.source.machine(self._machine.id)
        # An I/O error during the copy is the VM's own and stays; a pause for the migration's sake ends with it.
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

    def _destination_dies(self) -> None:
        self._daemon_dies(self.destination)
        # What its driver hears is an error, although the VM runs there: only a look at both hosts tells.
        raise OperationError(self._machine.name, "operation failed: destination libvirtd closed the connection")

    def _daemon_dies(self, host: SimulatedHost) -> None:
        self._world.kill_libvirtd(host.name)

    def _elapsed_s(self) -> float:
        return max(0.0, self._world.clock.monotonic() - self._began_at - _HANDSHAKE_S)
