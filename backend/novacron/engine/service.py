"""The engine as its clients see it: ports.backend.Backend, in process."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import novacron
from novacron.engine.acknowledging import acknowledge
from novacron.engine.alerting import Alerting
from novacron.engine.batch_calls import BatchCalls, log_refusal
from novacron.engine.executor import EngineContext, Executor
from novacron.engine.failpoint_ledger import ledger_of
from novacron.engine.host_pollers import HostPollers
from novacron.engine.hub import Hub, HubMessage
from novacron.engine.journal_keeping import JournalKeeping
from novacron.engine.last_readings import LastReadings
from novacron.engine.lease import LeaseKeeper
from novacron.engine.log import log
from novacron.engine.poll_schedule import PollSchedule
from novacron.engine.poller import PollerContext
from novacron.engine.samples import Samples
from novacron.engine.settings import EngineSettings
from novacron.engine.store import FleetStore
from novacron.engine.supervisor import Supervisor
from novacron.engine.work.batches import Batches
from novacron.engine.work.submission import Submission
from novacron.model.alert.alert import Alert
from novacron.model.alert.conditions import BackendFaults
from novacron.model.caller import Caller
from novacron.model.errors import NotFound
from novacron.model.fleet import Fleet
from novacron.model.host import HostReading, HostSpec
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.operation import Operation
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron.model.sample import VmSample
from novacron.model.work.schedule import AT_ONCE, Schedule
from novacron.ports.backend import (
    AlertsChanged,
    BackendChange,
    BackendStatus,
    FleetChanged,
    OperationsChanged,
)
from novacron.ports.clock import Clock
from novacron.ports.hypervisor import HypervisorGateway, SerialLink
from novacron.ports.journal import Journal
from novacron.ports.readings import ReadingArchive


class BackendService(BatchCalls):
    """The backend: composes the engine's parts and owns their tasks. Start it before anything else is asked."""

    def __init__(
        self,
        hosts: Sequence[HostSpec],
        gateway: HypervisorGateway,
        journal: Journal,
        clock: Clock,
        *,
        fleet_source: str,
        settings: EngineSettings,
        journal_path: str = "",
        archive: ReadingArchive | None = None,
        rng: random.Random | None = None,
        holder: str = "",
    ) -> None:
        """`holder` is what this backend is called where several share a journal."""
        self._clock = clock
        self._settings = settings
        self._fleet_source = fleet_source
        self._journal_path = journal_path
        self._started_at = clock.now()
        self.fleet_error = ""
        """Why the fleet's source, as it is now, is not followed; empty when it is."""
        self._tasks: list[asyncio.Task[None]] = []
        self._last_readings = LastReadings(archive) if archive is not None else None
        self._lease = LeaseKeeper(journal, clock, settings, holder)
        # For jitter and identifiers only: nothing here is a secret.
        self._compose(hosts, gateway, journal, rng or random.Random())  # noqa: S311
        self._journal_keeping = JournalKeeping(journal, self._engine, self._lease, self._executor, self.batches)

    def _compose(
        self, hosts: Sequence[HostSpec], gateway: HypervisorGateway, journal: Journal, chance: random.Random
    ) -> None:
        """Make the parts, each after those it is given."""
        clock, settings = self._clock, self._settings
        self._supervisor = Supervisor(clock, settings)
        self._hub = Hub(clock, fleet_gap_s=settings.fleet_gap_s)
        self._store = FleetStore(hosts, clock, self._publish_fleet)
        self._ledger = ledger_of(
            journal,
            self._lease,
            lambda operations: self._hub.publish(OperationsChanged(operations=operations)),
            settings,
        )
        self._samples = Samples(window_s=settings.sample_window_s, interval_s=settings.sample_interval_s)
        self._poll_schedule = PollSchedule(clock, settings)
        self._pollers = HostPollers(hosts, self._poller_context(gateway, chance), self._supervisor)
        self._engine = EngineContext(
            store=self._store, pollers=self._pollers, ledger=self._ledger, clock=clock, settings=settings, rng=chance
        )
        self._executor = Executor(self._engine)
        self.batches = Batches(self._executor, self._ledger, clock, settings, chance)
        self._alerting = Alerting(
            self._store,
            self._ledger,
            clock,
            settings,
            lambda alerts: self._hub.publish(AlertsChanged(alerts=alerts)),
            self._faults,
            self._supervisor.ask,
        )

    def _poller_context(self, gateway: HypervisorGateway, chance: random.Random) -> PollerContext:
        return PollerContext(
            gateway=gateway,
            store=self._store,
            clock=self._clock,
            settings=self._settings,
            rng=chance,
            schedule=self._poll_schedule,
            on_reading=self._on_reading,
        )

    def _faults(self) -> BackendFaults:
        polling, tasks = self._poll_schedule.slowed, self._supervisor.faults
        return replace(self._journal_keeping.faults, fleet_file=self.fleet_error, polling=polling, tasks=tasks)

    async def start(self) -> None:
        """Open the journal, take up what was left unfinished, and begin to watch the hosts.

        Without the journal the hosts are watched all the same, and every operation is refused until it can be opened.
        """
        nothing: tuple[HubMessage, ...] = (
            FleetChanged(fleet=self._store.fleet),
            OperationsChanged(operations=()),
            AlertsChanged(alerts=()),
        )
        for message in nothing:
            self._hub.publish(message)
        if self._last_readings is not None:
            self._store.recall(await self._last_readings.load())
            self.keep("keeping what hosts said last", self._last_readings.run)
        await self._journal_keeping.take_up()
        self._pollers.start()
        self.keep("alerting", self._alerting.run)
        self.keep("writing what the journal lacks", self._journal_keeping.retry)
        self.keep("noting what waits", self._note_waiting)
        for name, run in self._journal_keeping.tasks.items():
            self.keep(name, run)

    def keep(self, name: str, run: Callable[[], Awaitable[None]]) -> "asyncio.Task[None]":
        """Run a task until the backend stops, again after each failure, which is logged and alerted."""
        task = self._supervisor.keep(name, run)
        self._tasks.append(task)
        return task

    async def drain(self) -> tuple[Operation, ...]:
        """Accept nothing more, and return what is left unfinished once it may be stopped; takes a bounded time."""
        return await self._executor.drain()

    async def stop(self) -> None:
        """Let go of everything at once. What is under way is in the journal, and goes on at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.batches.stop()
        await self._executor.stop()
        await self._pollers.stop()
        if self._last_readings is not None:
            await self._last_readings.stop()
        await self._ledger.close()

    async def set_hosts(self, specs: Sequence[HostSpec]) -> tuple[HostId, ...]:
        """Watch these hosts from now on.

        Returns those that are not among them and are watched all the same, because operations work on them: ask
        again when those have ended.
        """
        named = {spec.id for spec in specs}
        unfinished = (operation for operation in self._ledger.operations if not operation.has_ended)
        busy = {host for operation in unfinished for host in operation.intent.hosts}
        staying = [host.spec for host in self._store.fleet.hosts.values() if host.id in busy - named]
        await self._pollers.replace((*specs, *staying))
        self._executor.follow_limits()
        return tuple(spec.id for spec in staying)

    async def changes(self, caller: Caller) -> AsyncIterator[BackendChange]:
        """Yield full snapshots of fleet, operations and alerts first, then every change; never ends."""
        stream = self._hub.changes()
        try:
            async for message in stream:
                yield message
        finally:
            with suppress(RuntimeError):
                await stream.aclose()  # type: ignore[attr-defined]

    async def fleet(self, caller: Caller) -> Fleet:
        """Return the current fleet."""
        return self._store.fleet

    async def operations(self, caller: Caller) -> tuple[Operation, ...]:
        """Return recent operations, newest first."""
        return self._ledger.operations

    async def find_operation(self, caller: Caller, operation: OperationId) -> Operation:
        """Return one operation, from the journal when it is too old to be among the recent ones."""
        found = await self._ledger.get(operation)
        if found is None:
            raise NotFound(operation, "there is no operation with this id", "novacron ops lists the recent ones")
        return found

    async def alerts(self, caller: Caller) -> tuple[Alert, ...]:
        """Return the alerts that hold, then those cleared lately."""
        return self._alerting.alerts

    async def preview(self, caller: Caller, intent: Intent, *, schedule: Schedule = AT_ONCE) -> Plan | Refusal:
        """Say what it would do, after asking the hypervisors what only they know; changes nothing."""
        return await self._executor.preview(intent, schedule)

    async def submit(
        self,
        caller: Caller,
        intent: Intent,
        *,
        plan_digest: str,
        idempotency_key: str,
        schedule: Schedule = AT_ONCE,
    ) -> Operation | Refusal:
        """Accept the intent, or refuse it; returns once it is in the journal."""
        asked = Submission(
            intent=intent, plan_digest=plan_digest, key=idempotency_key, actor=caller.user, schedule=schedule
        )
        answer = await self._executor.submit(asked)
        log_refusal(answer, intent, caller)
        return answer

    async def cancel(self, caller: Caller, operation: OperationId) -> Operation | Refusal:
        """Ask a running operation to stop."""
        batch = await self.batches.cancel(operation, caller)
        return batch or await self._executor.cancel(operation, caller)

    async def acknowledge(self, caller: Caller, operation: OperationId, *, note: str) -> Operation | Refusal:
        """Write that a person has dealt with an operation that needs attention."""
        return await acknowledge(self._ledger, self._clock, operation, note=note, caller=caller)

    async def definition(self, caller: Caller, vm: VmId, host: HostId) -> str:
        """Return the VM's XML from that host."""
        log("definition asked for", vm=vm, host=host, caller=caller.user, by=caller.authentication)
        hypervisor = self._pollers.hypervisor(host)
        return await hypervisor.reader.definition(vm, deadline_s=self._settings.look_deadline_s)

    async def samples(self, caller: Caller, vm: VmId) -> tuple[VmSample, ...]:
        """Return its last minutes, oldest first."""
        return self._samples.of(vm)

    async def reconnect(self, caller: Caller, host: HostId) -> None:
        """Try that host again now instead of at its next turn."""
        self._pollers.poller(host).reconnect()

    async def open_serial(self, caller: Caller, vm: VmId, host: HostId, *, force: bool = False) -> SerialLink:
        """Open the VM's serial console."""
        log("serial console asked for", vm=vm, host=host, forced=force, caller=caller.user, by=caller.authentication)
        hypervisor = self._pollers.hypervisor(host)
        return await hypervisor.serial.open(vm, force=force, deadline_s=self._settings.look_deadline_s)

    async def status(self, caller: Caller) -> BackendStatus:
        """Return what the backend says of itself."""
        return BackendStatus(
            version=novacron.__version__,
            pid=os.getpid(),
            started_at=self._started_at,
            fleet_source=self._fleet_source,
            fleet_error=self.fleet_error,
            hosts=len(self._store.fleet.hosts),
            consoles=self._hub.readers,
            operations_running=self._executor.running,
            journal_path=self._journal_path,
            journal_error=self._ledger.error,
            operations_run_by=self._lease.other,
            polling_slowed=self._poll_schedule.slowed,
        )

    async def close(self) -> None:
        """Let go of the backend; in process there is nothing to let go of, and it goes on."""

    def _on_reading(self, reading: HostReading) -> None:
        self._samples.record(reading)
        self._executor.follow_reading(reading.host)
        if self._last_readings is not None:
            self._last_readings.note(reading)

    def _publish_fleet(self, fleet: Fleet, notable: bool) -> None:
        figures_gap_s = 0.0 if notable else len(fleet.vms) * self._settings.figures_gap_per_vm_s
        self._hub.publish(FleetChanged(fleet=fleet), figures_gap_s=figures_gap_s)

    async def _note_waiting(self) -> None:
        while True:
            await self._clock.sleep(self._settings.note_waiting_s)
            await self._executor.scheduler.note_waiting()
