"""Moving a running VM away from this host."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from novacron.adapters.libvirt.channel import Channel, Connection
from novacron.adapters.libvirt.control_interface import busy_for_s
from novacron.adapters.libvirt.host_role import Domain, HostRole
from novacron.adapters.libvirt.preflight import Preflight
from novacron.adapters.libvirt.relay import new_paths, relay
from novacron.model.errors import NovaCronError, OperationError, OutcomeUnknown
from novacron.model.ids import VmId
from novacron.model.migration import GuestFit, MigrationMode
from novacron.model.vm import JobProgress
from novacron.ports.hypervisor import Hypervisor, MigrationRequest

_MIB = 1024 * 1024
_CHANNEL_DEADLINE_S = 10.0
_TUNE_DEADLINE_S = 5.0
_TUNE_TRIES = 20
_TUNE_GAP_S = 0.25


class Migrator(HostRole):
    """ports.hypervisor.VmMigrator."""

    async def preflight(self, definition: str, *, deadline_s: float) -> GuestFit:
        """Judge, as a destination, whether this host could run that definition."""
        return await Preflight(self.spec, self.access, self.channel, self.clock).judge(
            definition, deadline_s=deadline_s
        )

    async def start(self, request: MigrationRequest, destination: Hypervisor, *, deadline_s: float) -> None:
        """Move it. Source: virDomainMigrateToURI3 (peer-to-peer), virDomainMigrate3 (direct and relayed)."""
        far = destination.migration
        if not isinstance(far, Migrator):
            raise OperationError(self.spec.id, f"{destination.spec.id} is not a libvirt host", "choose another")
        # A connection of its own: this call lasts, and no other call's deadline may end it.
        channel = await self.access.open_channel(deadline_s=_CHANNEL_DEADLINE_S)
        tuning = asyncio.ensure_future(self._set_max_downtime(request))
        try:
            if request.mode is MigrationMode.PEER_TO_PEER:
                await self._peer_to_peer(channel, request, far, deadline_s)
            elif request.mode is MigrationMode.DIRECT:
                await self._managed(channel, request, far, self._address_of(far), deadline_s)
            else:
                await self._relayed(channel, request, far, deadline_s)
        finally:
            tuning.cancel()
            channel.abort()

    async def job(self, vm: VmId, *, deadline_s: float) -> JobProgress | None:
        """Return the job's figures. Source: virDomainGetJobStats."""
        return await self.query_vm("asking how far it is", vm, _job, deadline_s=deadline_s)

    async def abort(self, vm: VmId, *, deadline_s: float) -> None:
        """Stop the job. Source: virDomainAbortJob."""
        await self.change_vm("stopping its job", vm, self._abort_job, deadline_s=deadline_s)

    def _abort_job(self, domain: Domain) -> None:
        held_s = busy_for_s(domain)
        if held_s is not None:
            raise OperationError(
                self.spec.id, f"its QEMU has been held by another call for {held_s:.0f} s", "it is asked again"
            )
        domain.abortJob()

    async def _peer_to_peer(
        self, channel: Channel, request: MigrationRequest, destination: "Migrator", deadline_s: float
    ) -> None:
        target = destination.spec.peer_uri
        parameters, flags = self._parameters(request) | self._address_of(destination), self._flags(request)
        flags |= self.libvirt.VIR_MIGRATE_PEER2PEER

        def move(connection: Connection) -> None:
            domain = connection.lookupByUUIDString(request.vm)
            domain.migrateToURI3(target, parameters, flags | self._persistence(domain))

        await self._move(channel, move, request, destination, deadline_s)

    async def _managed(
        self,
        channel: Channel,
        request: MigrationRequest,
        destination: "Migrator",
        address: dict[str, str],
        deadline_s: float,
    ) -> None:
        far = await destination.access.open_channel(deadline_s=_CHANNEL_DEADLINE_S)
        parameters, flags = self._parameters(request) | address, self._flags(request)

        def move(connection: Connection) -> None:
            domain = connection.lookupByUUIDString(request.vm)
            domain.migrate3(far.connection, parameters, flags | self._persistence(domain))

        try:
            await self._move(channel, move, request, destination, deadline_s, far)
        finally:
            far.abort()

    async def _move(
        self,
        channel: Channel,
        move: Callable[[Connection], None],
        request: MigrationRequest,
        destination: "Migrator",
        deadline_s: float,
        far: Channel | None = None,
    ) -> None:
        """Have it moved. libvirt tells of a broken connection in the same words, be it ours or one between hosts."""
        try:
            await channel.call("migrating it", move, deadline_s=deadline_s, effects=True, beside=far)
        except OutcomeUnknown as error:
            if channel.is_closed or (far is not None and far.is_closed):
                raise
            here, there = self.spec.id, destination.spec.id
            relayed = request.mode is MigrationMode.RELAYED
            raise OperationError(
                here,
                f"its way to {there} broke: {error.__cause__ or error.detail}",
                "try again" if relayed else f"let {here} and {there} reach each other, or migrate relayed",
            ) from error

    async def _relayed(
        self, channel: Channel, request: MigrationRequest, destination: "Migrator", deadline_s: float
    ) -> None:
        memory, disks = new_paths()
        address = {self.libvirt.VIR_MIGRATE_PARAM_URI: f"unix://{memory}"}
        paths: tuple[str, ...] = (memory,)
        if request.copy_storage:
            address[self.libvirt.VIR_MIGRATE_PARAM_DISKS_URI] = f"unix://{disks}"
            paths = (memory, disks)
        async with relay(self.access, destination.access, paths):
            await self._managed(channel, request, destination, address, deadline_s)

    def _address_of(self, destination: "Migrator") -> dict[str, str]:
        address = destination.spec.migration_address
        return {self.libvirt.VIR_MIGRATE_PARAM_URI: f"tcp://{address}"} if address else {}

    def _parameters(self, request: MigrationRequest) -> dict[str, Any]:
        if not request.bandwidth_mib_s:
            return {}
        return {self.libvirt.VIR_MIGRATE_PARAM_BANDWIDTH: request.bandwidth_mib_s}

    def _flags(self, request: MigrationRequest) -> int:
        """Never UNSAFE: what libvirt calls unsafe is."""
        libvirt = self.libvirt
        flags = int(libvirt.VIR_MIGRATE_LIVE)
        if request.copy_storage:
            flags |= libvirt.VIR_MIGRATE_NON_SHARED_DISK
        if request.auto_converge:
            flags |= libvirt.VIR_MIGRATE_AUTO_CONVERGE
        return flags

    def _persistence(self, domain: Any) -> int:  # noqa: ANN401 - libvirt.virDomain
        """A persistent VM stays one: defined there, forgotten here. A transient one must not become persistent."""
        if not domain.isPersistent():
            return 0
        return int(self.libvirt.VIR_MIGRATE_PERSIST_DEST | self.libvirt.VIR_MIGRATE_UNDEFINE_SOURCE)

    async def _set_max_downtime(self, request: MigrationRequest) -> None:
        """Set the longest pause as soon as the job takes it; QEMU refuses before the migration runs."""
        if request.max_downtime_ms is None:
            return
        milliseconds = request.max_downtime_ms
        for _ in range(_TUNE_TRIES):
            with suppress(NovaCronError):
                await self.change_vm(
                    "setting its longest pause",
                    request.vm,
                    lambda domain: domain.migrateSetMaxDowntime(milliseconds, 0),
                    deadline_s=_TUNE_DEADLINE_S,
                )
                return
            await self.clock.sleep(_TUNE_GAP_S)


def _job(domain: Domain) -> JobProgress | None:
    held_s = busy_for_s(domain)
    if held_s is not None:
        return JobProgress(elapsed_s=held_s)
    stats = domain.jobStats(0)
    return _progress(stats) if stats.get("type", 0) else None


def _progress(stats: dict[str, Any]) -> JobProgress:
    page = int(stats.get("memory_page_size", 4096))
    return JobProgress(
        elapsed_s=float(stats.get("time_elapsed", 0)) / 1000,
        memory_total_mib=_mib(stats.get("memory_total")),
        memory_remaining_mib=_mib(stats.get("memory_remaining")),
        rate_mib_s=_mib(stats.get("memory_bps")),
        dirty_rate_mib_s=_mib(stats["memory_dirty_rate"] * page) if "memory_dirty_rate" in stats else None,
        iteration=stats.get("memory_iteration"),
        disk_total_mib=_mib(stats.get("disk_total")),
        disk_remaining_mib=_mib(stats.get("disk_remaining")),
        downtime_ms=stats.get("downtime"),
    )


def _mib(size: int | None) -> float | None:
    return None if size is None else size / _MIB
