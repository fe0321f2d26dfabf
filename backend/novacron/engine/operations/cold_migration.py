"""Steps that move a shut-off VM: its definition goes, its disks stay where both hosts see them."""

from novacron.engine.operations.context import StepContext
from novacron.engine.operations.deletion import removal_goal, require_off
from novacron.engine.operations.step import StepFailed, StepHandler
from novacron.model.operation import StepResult
from novacron.model.operations.migration import CopyDefinitionArgs, DropDefinitionArgs


class CopyDefinition(StepHandler[CopyDefinitionArgs]):
    """Define the VM at its destination, as the source has it."""

    async def act(self, context: StepContext) -> StepResult:
        """Define it there, unless it runs anywhere by now, and see it."""
        args, settings = self.args, context.settings
        for host in (args.host, args.destination):
            seen = (await context.patient_look(host, args.vm)).vm
            if seen is not None and seen.is_active:
                msg = f"it is {seen.state} on {host} now: somebody started it; nothing was moved"
                raise StepFailed(msg)
        definition = await context.hypervisor(args.host).reader.definition(
            args.vm, with_secrets=True, deadline_s=settings.look_deadline_s
        )
        await context.ask(
            args.destination, lambda hv: hv.definitions.define_xml(definition, deadline_s=settings.call_deadline_s)
        )
        seen = (await context.patient_look(args.destination, args.vm)).vm
        if seen is None:
            msg = f"{args.destination} accepted the definition but does not know it; it is still on {args.host}"
            raise StepFailed(msg)
        return StepResult(text=f"read from {args.destination}: {seen.state}")

    async def settle(self, context: StepContext) -> StepResult:
        """Define it again: the same UUID is defined once."""
        await context.patient_hypervisor(self.args.host)
        await context.patient_hypervisor(self.args.destination)
        return await self.act(context)


class DropDefinition(StepHandler[DropDefinitionArgs]):
    """Remove the definition at the source, once the destination is seen to have it."""

    async def act(self, context: StepContext) -> StepResult:
        """See it there, then remove it here."""
        await self._require_there(context)
        await require_off(context, self.args.host, self.args.vm)
        await removal_goal(self.args.host, self.args.vm, context, again=True).act(context)
        return StepResult(text=f"it is on {self.args.destination}, shut off")

    async def settle(self, context: StepContext) -> StepResult:
        """See it there, and remove it here if it still is."""
        await self._require_there(context)
        await require_off(context, self.args.host, self.args.vm)
        await removal_goal(self.args.host, self.args.vm, context, again=True).settle(context)
        return StepResult(text=f"it is on {self.args.destination}, shut off")

    async def _require_there(self, context: StepContext) -> None:
        there = (await context.patient_look(self.args.destination, self.args.vm)).vm
        if there is None:
            msg = f"{self.args.destination} does not know it any more; it stays defined on {self.args.host}"
            raise StepFailed(msg)
