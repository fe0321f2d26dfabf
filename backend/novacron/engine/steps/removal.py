"""Steps that delete. They roll forward: what is gone already is done, what is left is deleted after a restart."""

from collections.abc import Collection
from dataclasses import dataclass

from novacron.engine.steps.goal import Goal
from novacron.engine.steps.work import StepFailed, Work
from novacron.model.errors import LinkError, OperationError, OutcomeUnknown
from novacron.model.host import HostReading
from novacron.model.ids import HostId, VmId
from novacron.model.link import LinkStatus
from novacron.model.operations.creation import CreateVm
from novacron.model.operations.deletion import DELETE_DISK, DeleteVm
from novacron.model.operations.storage import DeleteVolume, SetPoolActive
from novacron.model.plan.disks import identity_text, refuse_unknown_users
from novacron.model.plan.file_users import depends_on, hosts_in_reach, is_gone, named_file, users_of
from novacron.model.storage import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Undefine:
    """Remove a definition; a VM that runs is never touched."""

    host: HostId
    vm: VmId
    again: bool = False
    """Whether one that is there after an interruption is removed: only where another host has it too."""

    async def act(self, work: Work) -> str:
        """Remove it and see that it is gone."""
        await self._require_off(work)
        return await self._goal(work).act(work)

    async def settle(self, work: Work) -> str:
        """See whether it is gone. If not, it may have been removed, and defined again by somebody who wants it."""
        await self._require_off(work)
        return await self._goal(work).settle(work)

    async def undo(self, work: Work) -> str:
        """A definition cannot be brought back."""
        return ""

    async def _require_off(self, work: Work) -> None:
        seen = (await work.patient_look(self.host, self.vm)).vm
        if seen is not None and seen.is_active:
            msg = f"it is {seen.state} on {self.host} now: somebody started it; nothing was deleted"
            raise StepFailed(msg)

    def _goal(self, work: Work) -> Goal:
        return Goal(
            host=self.host,
            vm=self.vm,
            wanted="gone",
            ask=lambda hv: hv.definitions.undefine(self.vm, deadline_s=work.settings.call_deadline_s),
            reached=lambda seen: seen is None,
            repeatable=self.again,
            remedy="nothing else was deleted; delete it again if it is to go",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDisk:
    """Delete one disk of a deleted VM."""

    intent: DeleteVm
    path: str

    async def act(self, work: Work) -> str:
        """Delete it, unless something needs it by now or another file is there, and see that it is gone."""
        expects = work.step(f"{DELETE_DISK}{self.path}").expects
        # The VM itself counts too: its definition is gone, unless somebody has defined it again.
        if not await require_unused(work, self.intent, self.path, expects):
            return await self._see(work)
        deadline_s = work.settings.disk_deadline_s
        # An answer that was lost is for the runner, which settles the step in a loop: calling `settle` here would nest.
        await work.ask(self.intent.host, lambda hv: hv.storage.delete_disk(self.path, deadline_s=deadline_s))
        return await self._see(work)

    async def settle(self, work: Work) -> str:
        """Delete it again: not being there is success."""
        return await self.act(work)

    async def undo(self, work: Work) -> str:
        """Deleted data cannot be brought back."""
        return ""

    async def _see(self, work: Work) -> str:
        hypervisor = await work.patient_hypervisor(self.intent.host)
        try:
            probes = await hypervisor.storage.probe_disks((self.path,), deadline_s=work.settings.look_deadline_s)
        except (OperationError, LinkError, OutcomeUnknown):
            return f"{self.intent.host} says {self.path} is deleted"
        if any(probe.visible for probe in probes):
            msg = f"{self.intent.host} says it deleted {self.path}, but it is still there; delete the volume"
            raise StepFailed(msg)
        return f"read from {self.intent.host}: {self.path} is gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVolumeStep:
    """Delete one volume of a pool."""

    intent: DeleteVolume

    async def act(self, work: Work) -> str:
        """Delete it, unless something needs it by now, and read the pool."""
        intent, deadline_s = self.intent, work.settings.disk_deadline_s
        if not await self._require_unused(work):
            return await self._see(work)
        await work.ask(
            intent.host, lambda hv: hv.storage.delete_volume(intent.pool, intent.volume, deadline_s=deadline_s)
        )
        return await self._see(work)

    async def settle(self, work: Work) -> str:
        """Delete it again: not being there is success."""
        if not await self._require_unused(work):
            return await self._see(work)
        hypervisor = await work.patient_hypervisor(self.intent.host)
        await hypervisor.storage.delete_volume(
            self.intent.pool, self.intent.volume, deadline_s=work.settings.disk_deadline_s
        )
        return await self._see(work)

    async def undo(self, work: Work) -> str:
        """Deleted data cannot be brought back."""
        return ""

    async def _require_unused(self, work: Work) -> bool:
        pool = await _read_pool(work, self.intent.host, self.intent.pool)
        volume = next((one for one in (pool.volumes if pool else ()) if one.name == self.intent.volume), None)
        if volume is None:
            return False
        return await _require_unused_as_read(work, self.intent, volume.path, work.step("delete-volume").expects)

    async def _see(self, work: Work) -> str:
        pool = await _read_pool(work, self.intent.host, self.intent.pool)
        if pool is not None and any(volume.name == self.intent.volume for volume in pool.volumes):
            msg = f"{self.intent.host} says it deleted {self.intent.volume}, but pool {pool.name} still has it"
            raise StepFailed(msg)
        return f"read from {self.intent.host}: gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPool:
    """Start or stop a pool."""

    intent: SetPoolActive

    async def act(self, work: Work) -> str:
        """Ask and read the pool."""
        intent, deadline_s = self.intent, work.settings.call_deadline_s
        await work.ask(
            intent.host, lambda hv: hv.storage.set_pool_active(intent.pool, intent.active, deadline_s=deadline_s)
        )
        return await self._see(work)

    async def settle(self, work: Work) -> str:
        """Read the pool, and ask again when it is not so: asking twice is asking once."""
        pool = await _read_pool(work, self.intent.host, self.intent.pool)
        if pool is None or pool.active is not self.intent.active:
            return await self.act(work)
        return await self._see(work)

    async def undo(self, work: Work) -> str:
        """Nothing is taken back by itself."""
        return ""

    async def _see(self, work: Work) -> str:
        pool = await _read_pool(work, self.intent.host, self.intent.pool)
        wanted = "active" if self.intent.active else "inactive"
        if pool is None or pool.active is not self.intent.active:
            msg = f"{self.intent.host} accepted it, but shows the pool {'missing' if pool is None else 'unchanged'}"
            raise StepFailed(msg)
        return f"read from {self.intent.host}: {wanted}"


async def require_unused(work: Work, intent: DeleteVm | DeleteVolume | CreateVm, path: str, expects: str = "") -> bool:
    """Look again at who needs the file. False: it is not there any more.

    Raises:
        StepFailed: something needs it, may need it, or another file has its name by now; it was kept.
    """
    await read_inventory(work, intent.host)
    return await _require_unused_as_read(work, intent, path, expects)


async def _require_unused_as_read(
    work: Work, intent: DeleteVm | DeleteVolume | CreateVm, path: str, expects: str
) -> bool:
    """Do so by the inventory of its own host that was just read, and by fresh ones of the others."""
    others = hosts_in_reach(work.fleet, work.fleet.hosts[intent.host], path) - {intent.host}
    await _await_first_word(work, others)
    await work.watchers.refresh(others, inventory=True)
    fleet, host = work.fleet, work.fleet.hosts[intent.host]
    file = named_file(host, path).file
    if is_gone(host, path):
        return False
    if expects and identity_text(file) != expects:
        msg = f"kept {path}: it was {expects} when it was confirmed, and is {identity_text(file)} now"
        raise StepFailed(msg)
    vouched = () if isinstance(intent, CreateVm) else intent.vouched
    users = users_of(fleet, host, path, vouched=vouched) or depends_on(fleet, host, path, vouched=vouched)
    if users:
        msg = f"kept {path}: {', '.join(users)} needs it by now"
        raise StepFailed(msg)
    unknown = refuse_unknown_users(fleet, host, path, vouched)
    if unknown is not None:
        msg = f"kept {path}: {unknown.reason}"
        raise StepFailed(msg)
    return True


async def _await_first_word(work: Work, hosts: Collection[HostId]) -> None:
    """Wait until each host was met, or could not be: right after a start none was asked yet, which is no answer."""
    settings = work.settings
    until = work.clock.monotonic() + settings.connect_deadline_s + settings.read_deadline_s
    while work.clock.monotonic() < until:
        links = [work.fleet.hosts[host].link for host in hosts if host in work.fleet.hosts]
        if not any(link.status is LinkStatus.CONNECTING and link.attempts == 0 for link in links):
            return
        await work.clock.sleep(settings.goal_interval_s)


async def _read_pool(work: Work, host: HostId, name: str) -> Pool | None:
    """Have the host's pools read again, and return the one asked for."""
    reading = await read_inventory(work, host)
    return next((pool for pool in reading.pools if pool.name == name), None)


async def read_inventory(work: Work, host: HostId) -> HostReading:
    """Return a reading with pools and definitions that was made after this call."""
    while True:
        await work.patient_hypervisor(host)
        await work.watchers.refresh([host], inventory=True)
        current = work.fleet.hosts[host]
        if current.is_current and current.reading is not None:
            return current.reading
        await work.clock.sleep(work.settings.blind_first_s)
