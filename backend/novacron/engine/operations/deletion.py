"""Steps that delete. They roll forward: what is gone already is done, what is left is deleted after a restart."""

from collections.abc import Mapping
from typing import Any, Final

from novacron.engine.operations.context import StepContext
from novacron.engine.operations.file_use import require_unused
from novacron.engine.operations.goal import Goal
from novacron.engine.operations.step import StepFailed, StepHandler
from novacron.model.errors import LinkError, OperationError, OutcomeUnknown
from novacron.model.ids import HostId, VmId
from novacron.model.operation import StepResult
from novacron.model.operations.deletion import DeleteDiskArgs, UndefineArgs
from novacron.model.operations.step import StepArgs


class Undefine(StepHandler[UndefineArgs]):
    """Remove a definition; a VM that runs is never touched."""

    async def act(self, context: StepContext) -> StepResult:
        """Remove it and see that it is gone."""
        await require_off(context, self.args.host, self.args.vm)
        return await removal_goal(self.args.host, self.args.vm, context).act(context)

    async def settle(self, context: StepContext) -> StepResult:
        """See whether it is gone. If not, it may have been removed, and defined again by somebody who wants it."""
        await require_off(context, self.args.host, self.args.vm)
        return await removal_goal(self.args.host, self.args.vm, context).settle(context)


class DeleteDisk(StepHandler[DeleteDiskArgs]):
    """Delete one disk of a deleted VM."""

    async def act(self, context: StepContext) -> StepResult:
        """Delete it, unless something needs it by now or another file is there, and see that it is gone."""
        args = self.args
        # The VM itself counts too: its definition is gone, unless somebody has defined it again.
        if not await require_unused(context, args.host, args.path, expects=args.expects, vouched=args.vouched):
            return await self._see(context)
        deadline_s = context.settings.disk_deadline_s
        # An answer that was lost is for the runner, which settles the step in a loop: calling `settle` here would nest.
        await context.ask(self.args.host, lambda hv: hv.storage.delete_disk(self.args.path, deadline_s=deadline_s))
        return await self._see(context)

    async def settle(self, context: StepContext) -> StepResult:
        """Delete it again: not being there is success."""
        return await self.act(context)

    async def _see(self, context: StepContext) -> StepResult:
        hypervisor = await context.patient_hypervisor(self.args.host)
        try:
            probes = await hypervisor.storage.probe_disks(
                (self.args.path,), deadline_s=context.settings.look_deadline_s
            )
        except (OperationError, LinkError, OutcomeUnknown):
            return StepResult(text=f"{self.args.host} says {self.args.path} is deleted")
        if any(probe.visible for probe in probes):
            msg = f"{self.args.host} says it deleted {self.args.path}, but it is still there; delete the volume"
            raise StepFailed(msg)
        return StepResult(text=f"read from {self.args.host}: {self.args.path} is gone")


async def require_off(context: StepContext, host: HostId, vm: VmId) -> None:
    """Check that the VM does not run there.

    Raises:
        StepFailed: somebody started it.
    """
    seen = (await context.patient_look(host, vm)).vm
    if seen is not None and seen.is_active:
        msg = f"it is {seen.state} on {host} now: somebody started it; nothing was deleted"
        raise StepFailed(msg)


def removal_goal(host: HostId, vm: VmId, context: StepContext, *, again: bool = False) -> Goal:
    """Return the goal that the host knows the VM no more.

    With `again` one that is there after an interruption is removed: only where another host has it too.
    """
    return Goal(
        host=host,
        vm=vm,
        wanted="gone",
        ask=lambda hv: hv.definitions.undefine(vm, deadline_s=context.settings.call_deadline_s),
        reached=lambda seen: seen is None,
        repeatable=again,
        remedy="nothing else was deleted; delete it again if it is to go",
    )


STEPS: Final[Mapping[type[StepArgs], type[StepHandler[Any]]]] = {UndefineArgs: Undefine, DeleteDiskArgs: DeleteDisk}
