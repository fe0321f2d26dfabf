"""The step that changes a VM's size. What a running guest cannot take now is in its definition for the next start."""

from dataclasses import dataclass

from novacron.engine.steps.work import StepFailed, Work
from novacron.model.errors import OperationError
from novacron.model.operations.resizing import ResizeVm
from novacron.model.vm import VmReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize:
    """Set vCPUs and memory in the stored definition, then in the process, and read both back."""

    intent: ResizeVm

    async def act(self, work: Work) -> str:
        """Ask, and read what shows.

        Raises:
            LinkError: the host cannot be asked; nothing was done.
        """
        intent = self.intent
        before = await work.hypervisor(intent.host).reader.look(intent.vm, deadline_s=work.settings.look_deadline_s)
        return await self._resize(work, before)

    async def settle(self, work: Work) -> str:
        """Ask again: setting a size twice is setting it once."""
        return await self._resize(work, (await work.patient_look(self.intent.host, self.intent.vm)).vm)

    async def undo(self, work: Work) -> str:
        """Nothing is taken back by itself."""
        return ""

    async def _resize(self, work: Work, before: VmReading | None) -> str:
        if before is None:
            raise self._unknown()
        if before.persistent and not self._is_stored(before):
            await self._store(work)
        refused = await self._change_process(work, before) if before.is_active else _Refused()
        return await self._read_back(work, refused)

    async def _store(self, work: Work) -> None:
        intent, deadline_s = self.intent, work.settings.call_deadline_s
        try:
            await work.ask(
                intent.host,
                lambda hv: hv.definitions.resize_stored(
                    intent.vm, intent.vcpus, intent.memory_mib, deadline_s=deadline_s
                ),
            )
        except OperationError as error:
            seen = (await work.patient_look(intent.host, intent.vm)).vm
            if seen is not None and self._is_stored(seen):
                return
            stands = f"; it stands at {_stored_text(seen)}" if seen is not None else ""
            remedy = f"; {error.remedy}" if error.remedy else ""
            raise StepFailed(f"{intent.host} said: {error.detail}{stands}{remedy}") from error

    async def _change_process(self, work: Work, before: VmReading) -> "_Refused":
        """Change each figure of its own: what one may not be keeps nobody from the other."""
        vcpus, memory_mib = self.intent.vcpus, self.intent.memory_mib
        return _Refused(
            vcpus="" if vcpus in (None, before.vcpus) else await self._change_figure(work, vcpus, None),
            memory="" if memory_mib in (None, before.memory_mib) else await self._change_figure(work, None, memory_mib),
        )

    async def _change_figure(self, work: Work, vcpus: int | None, memory_mib: int | None) -> str:
        intent, deadline_s = self.intent, work.settings.call_deadline_s
        try:
            await work.ask(
                intent.host, lambda hv: hv.definitions.resize_live(intent.vm, vcpus, memory_mib, deadline_s=deadline_s)
            )
        except OperationError as error:
            return error.detail
        return ""

    async def _read_back(self, work: Work, refused: "_Refused") -> str:
        """Give the guest a moment to take what was not refused: balloons deflate in their own time."""
        until = work.clock.monotonic() + work.settings.lost_patience_s
        while True:
            seen = (await work.patient_look(self.intent.host, self.intent.vm)).vm
            if seen is None:
                raise self._unknown()
            if seen.persistent and not self._is_stored(seen):
                raise StepFailed(
                    f"{self.intent.host} accepted it, but it stands at {_stored_text(seen)}; did somebody else "
                    "change it? look at it, then resize it again if that is still wanted"
                )
            if not seen.is_active or self._is_live(seen):
                return self._reached(seen)
            if self._is_taken(seen, refused) or work.clock.monotonic() >= until:
                return self._reached_partly(seen, refused)
            await work.clock.sleep(work.settings.goal_interval_s)

    def _reached(self, seen: VmReading) -> str:
        if not seen.is_active:
            return f"read from its definition on {self.intent.host}: {_stored_text(seen)}"
        lasts = "now and at its next start" if seen.persistent else "until it is powered off: it is transient"
        return f"read from {self.intent.host}: {_live_text(seen)}, {lasts}"

    def _reached_partly(self, seen: VmReading, refused: "_Refused") -> str:
        said = "; ".join(reason for reason in (refused.vcpus, refused.memory) if reason)
        why = f"{self.intent.host} said: {said}" if said else "its guest did not take it in time"
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
        has_vcpus = bool(refused.vcpus) or self.intent.vcpus in (None, seen.vcpus)
        return has_vcpus and (bool(refused.memory) or self.intent.memory_mib in (None, seen.memory_mib))

    def _is_wanted(self, vcpus: int, memory_mib: int) -> bool:
        return self.intent.vcpus in (None, vcpus) and self.intent.memory_mib in (None, memory_mib)

    def _unknown(self) -> StepFailed:
        return StepFailed(f"{self.intent.host} no longer knows it")


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
