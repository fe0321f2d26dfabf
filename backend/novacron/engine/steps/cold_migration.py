"""Steps that move a shut-off VM: its definition goes, its disks stay where both hosts see them."""

from dataclasses import dataclass

from novacron.engine.steps.removal import Undefine
from novacron.engine.steps.work import StepFailed, Work
from novacron.model.operations.migration import MigrateVm


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineThere:
    """Define the VM at its destination, as the source has it."""

    intent: MigrateVm

    async def act(self, work: Work) -> str:
        """Define it there, unless it runs anywhere by now, and see it."""
        intent, settings = self.intent, work.settings
        for host in (intent.host, intent.destination):
            seen = (await work.patient_look(host, intent.vm)).vm
            if seen is not None and seen.is_active:
                msg = f"it is {seen.state} on {host} now: somebody started it; nothing was moved"
                raise StepFailed(msg)
        definition = await work.hypervisor(intent.host).reader.definition(
            intent.vm, with_secrets=True, deadline_s=settings.look_deadline_s
        )
        await work.ask(
            intent.destination, lambda hv: hv.definitions.define_xml(definition, deadline_s=settings.call_deadline_s)
        )
        seen = (await work.patient_look(intent.destination, intent.vm)).vm
        if seen is None:
            msg = f"{intent.destination} accepted the definition but does not know it; it is still on {intent.host}"
            raise StepFailed(msg)
        return f"read from {intent.destination}: {seen.state}"

    async def settle(self, work: Work) -> str:
        """Define it again: the same UUID is defined once."""
        await work.patient_hypervisor(self.intent.host)
        await work.patient_hypervisor(self.intent.destination)
        return await self.act(work)

    async def undo(self, work: Work) -> str:
        """Not cancelled half-way."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndefineHere:
    """Remove the definition at the source, once the destination is seen to have it."""

    intent: MigrateVm

    async def act(self, work: Work) -> str:
        """See it there, then remove it here."""
        await self._require_there(work)
        await self._removal().act(work)
        return f"it is on {self.intent.destination}, shut off"

    async def settle(self, work: Work) -> str:
        """See it there, and remove it here if it still is."""
        await self._require_there(work)
        await self._removal().settle(work)
        return f"it is on {self.intent.destination}, shut off"

    async def undo(self, work: Work) -> str:
        """Not cancelled half-way."""
        return ""

    async def _require_there(self, work: Work) -> None:
        there = (await work.patient_look(self.intent.destination, self.intent.vm)).vm
        if there is None:
            msg = f"{self.intent.destination} does not know it any more; it stays defined on {self.intent.host}"
            raise StepFailed(msg)

    def _removal(self) -> Undefine:
        return Undefine(host=self.intent.host, vm=self.intent.vm, again=True)
