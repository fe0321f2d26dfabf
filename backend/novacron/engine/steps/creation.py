"""Steps that make a new VM. Each is asked for by the VM's own UUID, so asking twice makes one."""

from dataclasses import dataclass

from novacron.engine.steps.work import StepFailed, Work
from novacron.model.errors import Busy
from novacron.model.intent import CreateVm
from novacron.model.plan.creation import CREATE_DISK


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDisk:
    """Make the disk; its path is kept in the journal for the steps after."""

    intent: CreateVm

    async def act(self, work: Work) -> str:
        """Make it; returns its path."""
        return await self._make(work, anew=False)

    async def settle(self, work: Work) -> str:
        """Make it anew: a copy that was cut off looks like one that was finished, and nothing uses it yet."""
        await work.patient_hypervisor(self.intent.host)
        until = work.clock.monotonic() + work.settings.disk_deadline_s
        while True:
            try:
                return await self._make(work, anew=True)
            except Busy as error:
                if work.clock.monotonic() >= until:
                    raise
                work.note(f"waiting: {error.detail}")
            await work.clock.sleep(work.settings.blind_most_s)

    async def _make(self, work: Work, *, anew: bool) -> str:
        deadline_s = work.settings.disk_deadline_s
        return await work.ask(
            self.intent.host, lambda hv: hv.create_disk(self.intent, anew=anew, deadline_s=deadline_s)
        )

    async def undo(self, work: Work) -> str:
        """Delete the disk this operation made."""
        path = work.detail_of(CREATE_DISK)
        if not path:
            return ""
        await work.patient_hypervisor(self.intent.host)
        deadline_s = work.settings.disk_deadline_s
        await work.ask(self.intent.host, lambda hv: hv.delete_disk(path, deadline_s=deadline_s))
        return f"deleted {path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Define:
    """Define the VM on the disk made before."""

    intent: CreateVm

    async def act(self, work: Work) -> str:
        """Define it and see it."""
        intent, path = self.intent, work.detail_of(CREATE_DISK)
        deadline_s = work.settings.call_deadline_s
        await work.ask(intent.host, lambda hv: hv.define(intent, path, deadline_s=deadline_s))
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
        """Remove the definition this operation made."""
        intent = self.intent
        seen = (await work.patient_look(intent.host, intent.vm)).vm
        if seen is None:
            return ""
        if seen.is_active:
            msg = f"{intent.name} is {seen.state} already; nothing was taken back"
            raise StepFailed(msg)
        deadline_s = work.settings.call_deadline_s
        await work.ask(intent.host, lambda hv: hv.undefine(intent.vm, deadline_s=deadline_s))
        return f"removed the definition of {intent.name}"
