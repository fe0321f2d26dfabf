"""Moves simulated VMs away, and judges whether one could come (ports.hypervisor.VmMigrator)."""

import asyncio

from novacron.adapters.simulated.definition import from_xml
from novacron.adapters.simulated.host_role import HostRole
from novacron.adapters.simulated.machine import Job
from novacron.adapters.simulated.migration import Migration
from novacron.model.errors import DeadlineExceeded, LinkLost, OperationError, OutcomeUnknown
from novacron.model.ids import VmId
from novacron.model.migration import GuestFit, MigrationMode
from novacron.model.vm import JobProgress
from novacron.ports.hypervisor import Hypervisor, MigrationRequest


class Migrator(HostRole):
    """Migration, as source and as destination."""

    async def preflight(self, definition: str, *, deadline_s: float) -> GuestFit:
        """Judge, as a destination, whether this host could run that definition."""
        return await self.link.call("preflight", lambda: self._preflight(definition), deadline_s=deadline_s)

    async def start(self, request: MigrationRequest, destination: Hypervisor, *, deadline_s: float) -> None:
        """Move a running VM and return when the source says it ended."""
        began_at = self.world.clock.monotonic()
        task, migration = await self.link.call(
            "migrate", lambda: self._begin(request, destination), deadline_s=deadline_s, effects=True
        )
        while not task.done():
            left_s = deadline_s - (self.world.clock.monotonic() - began_at)
            if self.link.is_closed:
                raise self._lost(request)
            if left_s <= 0:
                # What the backend does not carry goes on without it.
                if request.mode is not MigrationMode.PEER_TO_PEER:
                    migration.carrier_lost()
                raise DeadlineExceeded(self.host.name, f"migrate did not end within {deadline_s:g} s")
            await self._until_done_or(task, left_s)
        await self._hear_of_it(request, deadline_s)
        task.result()

    async def job(self, vm: VmId, *, deadline_s: float) -> JobProgress | None:
        """Return the figures of its migration away from here, or None."""
        return await self.link.call("job", lambda: self._job(vm), deadline_s=deadline_s)

    async def abort(self, vm: VmId, *, deadline_s: float) -> None:
        """Stop its migration away from here."""

        def abort() -> None:
            machine = self.host.machine(vm)
            migration = self.world.migrations.get(vm)
            if machine.job is Job.NONE or migration is None:
                raise OperationError(machine.name, "Requested operation is not valid: no job is active on the domain")
            migration.abort()

        await self.link.call("abort job", abort, deadline_s=deadline_s, effects=True)

    def _begin(self, request: MigrationRequest, destination: Hypervisor) -> tuple[asyncio.Task[None], Migration]:
        far = destination.migration
        if not isinstance(far, Migrator):
            raise OperationError(self.host.name, "a simulated host migrates to simulated hosts only")
        migration = Migration(self.world, self.host, far.host, request)
        migration.check()
        self.world.migrations[request.vm] = migration
        task = self.world.spawn(migration.run())
        task.add_done_callback(lambda _: self.world.migrations.pop(request.vm, None))
        # A failure that nobody waits for any more is known from both hosts' states.
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        if request.mode is not MigrationMode.PEER_TO_PEER:
            for carrier in (self.link, far.link):
                carrier.on_closed(migration.carrier_lost)
        return task, migration

    async def _until_done_or(self, task: asyncio.Task[None], seconds: float) -> None:
        task.add_done_callback(self._wake)
        try:
            await self.link.nap(seconds)
        finally:
            task.remove_done_callback(self._wake)

    def _wake(self, _: object) -> None:
        self.link.wake()

    async def _hear_of_it(self, request: MigrationRequest, deadline_s: float) -> None:
        try:
            await self.link.until_answered("migrate", deadline_s=deadline_s)
        except LinkLost as error:
            raise self._lost(request) from error

    def _lost(self, request: MigrationRequest) -> OutcomeUnknown:
        return OutcomeUnknown(
            request.vm,
            f"the connection to {self.host.name} broke during the migration: {self.link.closed_because}",
            "both hosts have to be read",
        )

    def _job(self, vm: VmId) -> JobProgress | None:
        machine = self.host.machine(vm)
        migration = self.world.migrations.get(vm)
        if machine.job is not Job.MIGRATING_OUT or migration is None:
            return None
        return migration.progress()

    def _preflight(self, definition: str) -> GuestFit:
        guest = from_xml(definition)
        host = self.host
        files = tuple(path for path in (guest.kernel, guest.initrd) if path)
        return GuestFit(
            cpu_compatible=guest.cpu in host.cpu_models,
            cpu_detail="" if guest.cpu in host.cpu_models else f"{host.facts.cpu_model} cannot run {guest.cpu}",
            domain_type_supported=guest.domain_type in host.facts.domain_types,
            missing_networks=tuple(
                sorted({nic.network for nic in guest.nics if nic.network not in host.facts.networks})
            ),
            memory_free_mib=host.memory_free_mib,
            name_taken=any(other.name == guest.name and other.id != guest.id for other in host.machines.values()),
            machine_supported=guest.machine_type in host.machine_types,
            machine=guest.machine_type,
            kernel_visible=all(path in host.kernels for path in files) if files else None,
        )
