"""Steps that make a new VM. What an interrupted one has left is removed only if it is known to be ours and unused."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from novacron.engine.operations.context import AttentionNeeded, StepContext
from novacron.engine.operations.file_use import require_unused
from novacron.engine.operations.step import StepFailed, StepHandler
from novacron.model.errors import Busy
from novacron.model.operation import StepResult
from novacron.model.operations.creation import CreateDiskArgs, DefineArgs
from novacron.model.operations.step import StepArgs
from novacron.model.vm import VmReading

PATH = "path"
BEFORE = "before"
ABSENT = "absent"


class CreateDisk(StepHandler[CreateDiskArgs]):
    """Make the disk; its path is kept in the journal for the steps after."""

    async def prepare(self, context: StepContext) -> Mapping[str, str]:
        """See that there is no such volume yet: one that is there later has been made by this step."""
        path = await self._find(context)
        if path:
            msg = f"{path} is there already; nothing was done: look what it is; delete it, or choose another name"
            raise StepFailed(msg)
        return {BEFORE: ABSENT}

    async def act(self, context: StepContext) -> StepResult:
        """Make it; its path is in the result's values."""
        return await self._make(context, anew=False)

    async def settle(self, context: StepContext) -> StepResult:
        """Make it anew if it is ours and unused: a copy that was cut off looks like one that was finished."""
        was_absent = context.value_of(self.step_id, BEFORE) == ABSENT
        await context.patient_hypervisor(self.args.host)
        until = context.clock.monotonic() + context.settings.disk_deadline_s
        while True:
            path = await self._find(context)
            if path and not was_absent:
                raise AttentionNeeded(
                    f"it was interrupted, and whether {path} was made by it is not known; it was left as it is: "
                    "delete that volume if nothing needs it, then create the VM again"
                )
            try:
                is_there = bool(path) and await require_unused(context, self.args.host, path)
            except StepFailed as error:
                raise AttentionNeeded(f"it was interrupted, and it {error}: look whether its copy is whole") from error
            try:
                return await self._make(context, anew=is_there)
            except Busy as error:
                if context.clock.monotonic() >= until:
                    raise
                context.note(f"waiting: {error.detail}")
            await context.clock.sleep(context.settings.blind_most_s)

    async def _find(self, context: StepContext) -> str:
        hypervisor = context.hypervisor(self.args.host)
        return await hypervisor.storage.find_disk(self.args.disk, deadline_s=context.settings.look_deadline_s)

    async def _make(self, context: StepContext, *, anew: bool) -> StepResult:
        disk, deadline_s = self.args.disk, context.settings.disk_deadline_s
        path = await context.ask(
            self.args.host, lambda hv: hv.storage.create_disk(disk, anew=anew, deadline_s=deadline_s)
        )
        return StepResult(text=path, values={PATH: path})

    async def undo(self, context: StepContext) -> str:
        """Delete the disk this operation made, unless something uses it by now."""
        path = context.value_of(self.step_id, PATH)
        if not path:
            return ""
        if not await require_unused(context, self.args.host, path):
            return f"{path} was gone"
        deadline_s = context.settings.disk_deadline_s
        await context.ask(self.args.host, lambda hv: hv.storage.delete_disk(path, deadline_s=deadline_s))
        return f"deleted {path}"


class Define(StepHandler[DefineArgs]):
    """Define the VM on the disk made before."""

    async def act(self, context: StepContext) -> StepResult:
        """Define it and see it."""
        wanted, path = self.args.definition, context.value_of(self.args.disk_step, PATH)
        deadline_s = context.settings.call_deadline_s
        await context.ask(
            self.args.host, lambda hv: hv.definitions.define(replace(wanted, disk_path=path), deadline_s=deadline_s)
        )
        seen = (await context.patient_look(self.args.host, wanted.id)).vm
        if seen is None:
            msg = f"{self.args.host} accepted the definition but does not know it"
            raise StepFailed(msg)
        return StepResult(text=f"read from {self.args.host}: {seen.state}")

    async def settle(self, context: StepContext) -> StepResult:
        """Ask again: the same UUID defined by this intent is success."""
        await context.patient_hypervisor(self.args.host)
        return await self.act(context)

    async def undo(self, context: StepContext) -> str:
        """Remove the definition this operation made, as long as it is as it was made."""
        wanted = self.args.definition
        seen = (await context.patient_look(self.args.host, wanted.id)).vm
        if seen is None:
            return ""
        if seen.is_active:
            msg = f"{wanted.name} is {seen.state} already; nothing was taken back"
            raise StepFailed(msg)
        used = await self._use_since(context, seen)
        if used:
            msg = f"{wanted.name} {used} by now; nothing was taken back"
            raise StepFailed(msg)
        deadline_s = context.settings.call_deadline_s
        await context.ask(self.args.host, lambda hv: hv.definitions.undefine(wanted.id, deadline_s=deadline_s))
        return f"removed the definition of {wanted.name}"

    async def _use_since(self, context: StepContext, seen: VmReading) -> str:
        """Say what somebody has made of the VM since it was defined; empty when nothing."""
        if seen.name != self.args.definition.name:
            return f"is named {seen.name}"
        others = {disk.source for disk in seen.disks if disk.source} - {context.value_of(self.args.disk_step, PATH)}
        if others:
            return f"has {', '.join(sorted(others))}"
        deadline_s = context.settings.look_deadline_s
        kept = await context.hypervisor(self.args.host).reader.belongings(
            self.args.definition.id, deadline_s=deadline_s
        )
        return f"has {', '.join(kept.named)}" if kept.named else ""


STEPS: Final[Mapping[type[StepArgs], type[StepHandler[Any]]]] = {CreateDiskArgs: CreateDisk, DefineArgs: Define}
