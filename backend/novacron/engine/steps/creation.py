"""Steps that make a new VM. What an interrupted one has left is removed only if it is known to be ours and unused."""

from dataclasses import dataclass

from novacron.engine.steps.removal import require_unused
from novacron.engine.steps.work import AttentionNeeded, StepFailed, Work
from novacron.model.errors import Busy
from novacron.model.operations.creation import CREATE_DISK, CreateVm, definition_of, disk_of
from novacron.model.vm import VmReading

_NOT_THERE = "no volume of that name before"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDisk:
    """Make the disk; its path is kept in the journal for the steps after."""

    intent: CreateVm

    async def prepare(self, work: Work) -> str:
        """See that there is no such volume yet: one that is there later has been made by this step."""
        path = await self._find(work)
        if path:
            msg = f"{path} is there already; nothing was done: look what it is; delete it, or choose another name"
            raise StepFailed(msg)
        return _NOT_THERE

    async def act(self, work: Work) -> str:
        """Make it; returns its path."""
        return await self._make(work, anew=False)

    async def settle(self, work: Work) -> str:
        """Make it anew if it is ours and unused: a copy that was cut off looks like one that was finished."""
        was_absent = work.detail_of(CREATE_DISK) == _NOT_THERE
        await work.patient_hypervisor(self.intent.host)
        until = work.clock.monotonic() + work.settings.disk_deadline_s
        while True:
            path = await self._find(work)
            if path and not was_absent:
                raise AttentionNeeded(
                    f"it was interrupted, and whether {path} was made by it is not known; it was left as it is: "
                    "delete that volume if nothing needs it, then create the VM again"
                )
            try:
                is_there = bool(path) and await require_unused(work, self.intent, path)
            except StepFailed as error:
                raise AttentionNeeded(f"it was interrupted, and it {error}: look whether its copy is whole") from error
            try:
                return await self._make(work, anew=is_there)
            except Busy as error:
                if work.clock.monotonic() >= until:
                    raise
                work.note(f"waiting: {error.detail}")
            await work.clock.sleep(work.settings.blind_most_s)

    async def _find(self, work: Work) -> str:
        hypervisor = work.hypervisor(self.intent.host)
        return await hypervisor.storage.find_disk(disk_of(self.intent), deadline_s=work.settings.look_deadline_s)

    async def _make(self, work: Work, *, anew: bool) -> str:
        deadline_s = work.settings.disk_deadline_s
        return await work.ask(
            self.intent.host, lambda hv: hv.storage.create_disk(disk_of(self.intent), anew=anew, deadline_s=deadline_s)
        )

    async def undo(self, work: Work) -> str:
        """Delete the disk this operation made, unless something uses it by now."""
        path = work.detail_of(CREATE_DISK)
        if not path:
            return ""
        if not await require_unused(work, self.intent, path):
            return f"{path} was gone"
        deadline_s = work.settings.disk_deadline_s
        await work.ask(self.intent.host, lambda hv: hv.storage.delete_disk(path, deadline_s=deadline_s))
        return f"deleted {path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Define:
    """Define the VM on the disk made before."""

    intent: CreateVm

    async def act(self, work: Work) -> str:
        """Define it and see it."""
        intent, path = self.intent, work.detail_of(CREATE_DISK)
        deadline_s = work.settings.call_deadline_s
        await work.ask(
            intent.host, lambda hv: hv.definitions.define(definition_of(intent, path), deadline_s=deadline_s)
        )
        seen = (await work.patient_look(intent.host, intent.vm)).vm
        if seen is None:
            msg = f"{intent.host} accepted the definition but does not know it"
            raise StepFailed(msg)
        return f"read from {intent.host}: {seen.state}"

    async def settle(self, work: Work) -> str:
        """Ask again: the same UUID defined by this intent is success."""
        await work.patient_hypervisor(self.intent.host)
        return await self.act(work)

    async def undo(self, work: Work) -> str:
        """Remove the definition this operation made, as long as it is as it was made."""
        intent = self.intent
        seen = (await work.patient_look(intent.host, intent.vm)).vm
        if seen is None:
            return ""
        if seen.is_active:
            msg = f"{intent.name} is {seen.state} already; nothing was taken back"
            raise StepFailed(msg)
        used = await self._use_since(work, seen)
        if used:
            msg = f"{intent.name} {used} by now; nothing was taken back"
            raise StepFailed(msg)
        deadline_s = work.settings.call_deadline_s
        await work.ask(intent.host, lambda hv: hv.definitions.undefine(intent.vm, deadline_s=deadline_s))
        return f"removed the definition of {intent.name}"

    async def _use_since(self, work: Work, seen: VmReading) -> str:
        """Say what somebody has made of the VM since it was defined; empty when nothing."""
        if seen.name != self.intent.name:
            return f"is named {seen.name}"
        others = {disk.source for disk in seen.disks if disk.source} - {work.detail_of(CREATE_DISK)}
        if others:
            return f"has {', '.join(sorted(others))}"
        deadline_s = work.settings.look_deadline_s
        kept = await work.hypervisor(self.intent.host).reader.belongings(self.intent.vm, deadline_s=deadline_s)
        return f"has {', '.join(kept.named)}" if kept.named else ""
