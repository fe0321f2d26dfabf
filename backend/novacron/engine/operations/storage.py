"""Steps on storage: a pool is started or stopped, a volume deleted."""

from collections.abc import Mapping
from typing import Any, Final

from novacron.engine.operations.context import StepContext
from novacron.engine.operations.file_use import read_pool, require_unused_as_read
from novacron.engine.operations.step import StepFailed, StepHandler
from novacron.model.operation import StepResult
from novacron.model.operations.step import StepArgs
from novacron.model.operations.storage import DeleteVolumeArgs, SwitchPoolArgs


class DeleteVolume(StepHandler[DeleteVolumeArgs]):
    """Delete one volume of a pool."""

    async def act(self, context: StepContext) -> StepResult:
        """Delete it, unless something needs it by now, and read the pool."""
        args, deadline_s = self.args, context.settings.disk_deadline_s
        if not await self._require_unused(context):
            return await self._see(context)
        await context.ask(args.host, lambda hv: hv.storage.delete_volume(args.pool, args.volume, deadline_s=deadline_s))
        return await self._see(context)

    async def settle(self, context: StepContext) -> StepResult:
        """Delete it again: not being there is success."""
        if not await self._require_unused(context):
            return await self._see(context)
        hypervisor = await context.patient_hypervisor(self.args.host)
        await hypervisor.storage.delete_volume(
            self.args.pool, self.args.volume, deadline_s=context.settings.disk_deadline_s
        )
        return await self._see(context)

    async def _require_unused(self, context: StepContext) -> bool:
        pool = await read_pool(context, self.args.host, self.args.pool)
        volume = next((one for one in (pool.volumes if pool else ()) if one.name == self.args.volume), None)
        if volume is None:
            return False
        args = self.args
        return await require_unused_as_read(context, args.host, volume.path, expects=args.expects, vouched=args.vouched)

    async def _see(self, context: StepContext) -> StepResult:
        pool = await read_pool(context, self.args.host, self.args.pool)
        if pool is not None and any(volume.name == self.args.volume for volume in pool.volumes):
            msg = f"{self.args.host} says it deleted {self.args.volume}, but pool {pool.name} still has it"
            raise StepFailed(msg)
        return StepResult(text=f"read from {self.args.host}: gone")


class SwitchPool(StepHandler[SwitchPoolArgs]):
    """Start or stop a pool."""

    async def act(self, context: StepContext) -> StepResult:
        """Ask and read the pool."""
        args, deadline_s = self.args, context.settings.call_deadline_s
        await context.ask(
            args.host, lambda hv: hv.storage.set_pool_active(args.pool, args.active, deadline_s=deadline_s)
        )
        return await self._see(context)

    async def settle(self, context: StepContext) -> StepResult:
        """Read the pool, and ask again when it is not so: asking twice is asking once."""
        pool = await read_pool(context, self.args.host, self.args.pool)
        if pool is None or pool.active is not self.args.active:
            return await self.act(context)
        return await self._see(context)

    async def _see(self, context: StepContext) -> StepResult:
        pool = await read_pool(context, self.args.host, self.args.pool)
        wanted = "active" if self.args.active else "inactive"
        if pool is None or pool.active is not self.args.active:
            msg = f"{self.args.host} accepted it, but shows the pool {'missing' if pool is None else 'unchanged'}"
            raise StepFailed(msg)
        return StepResult(text=f"read from {self.args.host}: {wanted}")


STEPS: Final[Mapping[type[StepArgs], type[StepHandler[Any]]]] = {
    SwitchPoolArgs: SwitchPool,
    DeleteVolumeArgs: DeleteVolume,
}
