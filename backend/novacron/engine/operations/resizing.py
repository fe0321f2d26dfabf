"""The step that changes a VM's size. What a running guest cannot take now is in its definition for the next start."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from novacron.engine.operations.context import StepContext
from novacron.engine.operations.step import StepFailed, StepHandler
from novacron.model.errors import OperationError
from novacron.model.operation import StepResult
from novacron.model.operations.resizing import ResizeArgs
from novacron.model.operations.step import StepArgs
from novacron.model.vm import VmReading


class Resize(StepHandler[ResizeArgs]):
    """Set vCPUs and memory in the stored definition, then in the process, and read both back."""

    async def act(self, context: StepContext) -> StepResult:
        """Ask, and read what shows.

        Raises:
            LinkError: the host cannot be asked; nothing was done.
        """
        args = self.args
        before = await context.hypervisor(args.host).reader.look(args.vm, deadline_s=context.settings.look_deadline_s)
        return await self._resize(context, before)

    async def settle(self, context: StepContext) -> StepResult:
        """Ask again: setting a size twice is setting it once."""
        return await self._resize(context, (await context.patient_look(self.args.host, self.args.vm)).vm)

    async def _resize(self, context: StepContext, before: VmReading | None) -> StepResult:
        if before is None:
            raise self._unknown()
        if before.persistent and not self._is_stored(before):
            await self._store(context)
        refused = await self._change_process(context, before) if before.is_active else _Refused()
        return await self._read_back(context, refused)

    async def _store(self, context: StepContext) -> None:
        args, deadline_s = self.args, context.settings.call_deadline_s
        try:
            await context.ask(
                args.host,
                lambda hv: hv.definitions.resize_stored(args.vm, args.vcpus, args.memory_mib, deadline_s=deadline_s),
            )
        except OperationError as error:
            seen = (await context.patient_look(args.host, args.vm)).vm
            if seen is not None and self._is_stored(seen):
                return
            stands = f"; it stands at {_stored_text(seen)}" if seen is not None else ""
            remedy = f"; {error.remedy}" if error.remedy else ""
            raise StepFailed(f"{args.host} said: {error.detail}{stands}{remedy}") from error

    async def _change_process(self, context: StepContext, before: VmReading) -> "_Refused":
        """Change each figure of its own: what one may not be keeps nobody from the other."""
        vcpus, memory_mib = self.args.vcpus, self.args.memory_mib
        return _Refused(
            vcpus="" if vcpus in (None, before.vcpus) else await self._change_figure(context, vcpus, None),
            memory=""
            if memory_mib in (None, before.memory_mib)
            else await self._change_figure(context, None, memory_mib),
        )

    async def _change_figure(self, context: StepContext, vcpus: int | None, memory_mib: int | None) -> str:
        args, deadline_s = self.args, context.settings.call_deadline_s
        try:
            await context.ask(
                args.host, lambda hv: hv.definitions.resize_live(args.vm, vcpus, memory_mib, deadline_s=deadline_s)
            )
        except OperationError as error:
            return error.detail
        return ""

    async def _read_back(self, context: StepContext, refused: "_Refused") -> StepResult:
        """Give the guest a moment to take what was not refused: balloons deflate in their own time."""
        until = context.clock.monotonic() + context.settings.lost_patience_s
        while True:
            seen = (await context.patient_look(self.args.host, self.args.vm)).vm
            if seen is None:
                raise self._unknown()
            if seen.persistent and not self._is_stored(seen):
                raise StepFailed(
                    f"{self.args.host} accepted it, but it stands at {_stored_text(seen)}; did somebody else "
                    "change it? look at it, then resize it again if that is still wanted"
                )
            if not seen.is_active or self._is_live(seen):
                return StepResult(text=self._reached(seen))
            if self._is_taken(seen, refused) or context.clock.monotonic() >= until:
                return StepResult(text=self._reached_partly(seen, refused))
            await context.clock.sleep(context.settings.goal_interval_s)

    def _reached(self, seen: VmReading) -> str:
        if not seen.is_active:
            return f"read from its definition on {self.args.host}: {_stored_text(seen)}"
        lasts = "now and at its next start" if seen.persistent else "until it is powered off: it is transient"
        return f"read from {self.args.host}: {_live_text(seen)}, {lasts}"

    def _reached_partly(self, seen: VmReading, refused: "_Refused") -> str:
        said = "; ".join(reason for reason in (refused.vcpus, refused.memory) if reason)
        why = f"{self.args.host} said: {said}" if said else "its guest did not take it in time"
        if not seen.persistent:
            raise StepFailed(f"it has {_live_text(seen)}; {why}")
        return f"it runs on with {_live_text(seen)}, and has {_stored_text(seen)} from its next start on; {why}"

    def _is_stored(self, seen: VmReading) -> bool:
        stored = seen.sizing.at_next_start
        return stored is not None and self._is_wanted(stored.vcpus, stored.memory_mib)

    def _is_live(self, seen: VmReading) -> bool:
        return self._is_wanted(seen.vcpus, seen.memory_mib)

    def _is_taken(self, seen: VmReading, refused: "_Refused") -> bool:
        """Whether it has all that was not refused."""
        has_vcpus = bool(refused.vcpus) or self.args.vcpus in (None, seen.vcpus)
        return has_vcpus and (bool(refused.memory) or self.args.memory_mib in (None, seen.memory_mib))

    def _is_wanted(self, vcpus: int, memory_mib: int) -> bool:
        return self.args.vcpus in (None, vcpus) and self.args.memory_mib in (None, memory_mib)

    def _unknown(self) -> StepFailed:
        return StepFailed(f"{self.args.host} no longer knows it")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refused:
    """Why the host did not change a figure of the process; empty where it did, or was not asked to."""

    vcpus: str = ""
    memory: str = ""


def _live_text(vm: VmReading) -> str:
    return f"{vm.vcpus} vCPUs and {vm.memory_mib} MiB"


def _stored_text(vm: VmReading) -> str:
    stored = vm.sizing.at_next_start
    return _live_text(vm) if stored is None else f"{stored.vcpus} vCPUs and {stored.memory_mib} MiB"


STEPS: Final[Mapping[type[StepArgs], type[StepHandler[Any]]]] = {ResizeArgs: Resize}
