"""Steps that change what a VM's definition says."""

from dataclasses import dataclass

from novacron.engine.steps.goal import Goal
from novacron.engine.steps.work import StepFailed, Work
from novacron.model.intent import MigrateVm, RenameVm, ResizeVm, SetAutostart
from novacron.model.vm import VmReading


def rename(intent: RenameVm, deadline_s: float) -> Goal:
    """Return the step that gives a VM another name."""
    return Goal(
        host=intent.host,
        vm=intent.vm,
        wanted=f"named {intent.new_name}",
        ask=lambda hv: hv.rename(intent.vm, intent.new_name, deadline_s=deadline_s),
        reached=lambda seen: seen is not None and seen.name == intent.new_name,
    )


def set_autostart(intent: SetAutostart, deadline_s: float) -> Goal:
    """Return the step that has a VM start with its host, or not."""
    return Goal(
        host=intent.host,
        vm=intent.vm,
        wanted="started with its host" if intent.enabled else "not started with its host",
        ask=lambda hv: hv.set_autostart(intent.vm, intent.enabled, deadline_s=deadline_s),
        reached=lambda seen: seen is not None and seen.autostart is intent.enabled,
        repeatable=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAutostart:
    """Have a VM that moved start with its new host. Says nothing: where it is now is the operation's outcome."""

    intent: MigrateVm

    async def act(self, work: Work) -> str:
        """Set it, and see it."""
        await self._goal(work).act(work)
        return ""

    async def settle(self, work: Work) -> str:
        """Set it again: it does no harm."""
        await self._goal(work).settle(work)
        return ""

    async def undo(self, work: Work) -> str:
        """A move is taken back by another move only."""
        return ""

    def _goal(self, work: Work) -> Goal:
        wanted = SetAutostart(vm=self.intent.vm, host=self.intent.destination, enabled=True)
        return set_autostart(wanted, work.settings.call_deadline_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize:
    """Set vCPUs and memory. What a running guest cannot take now is in its definition for the next start."""

    intent: ResizeVm

    async def act(self, work: Work) -> str:
        """Ask, and read what shows."""
        goal = self._goal(work)
        before = await goal.hypervisor_look(work)
        if before is not None and before.is_active:
            await work.ask(self.intent.host, goal.ask)
            return await self._read_live(work)
        return await goal.act(work)

    async def settle(self, work: Work) -> str:
        """Ask again: setting a size twice is setting it once."""
        seen = (await work.patient_look(self.intent.host, self.intent.vm)).vm
        if seen is None or not seen.is_active:
            return await self._goal(work).settle(work)
        await work.ask(self.intent.host, self._goal(work).ask)
        return await self._read_live(work)

    async def undo(self, work: Work) -> str:
        """Nothing is taken back by itself."""
        return ""

    async def _read_live(self, work: Work) -> str:
        """Give the guest a moment to take it: balloons deflate in their own time."""
        until = work.clock.monotonic() + work.settings.lost_patience_s
        while True:
            seen = (await work.patient_look(self.intent.host, self.intent.vm)).vm
            if seen is None:
                msg = f"{self.intent.host} no longer knows it"
                raise StepFailed(msg)
            if self._reached(seen):
                return f"read from {self.intent.host}: {seen.vcpus} vCPUs, {seen.memory_mib} MiB"
            if work.clock.monotonic() >= until:
                return (
                    f"it runs on with {seen.vcpus} vCPUs and {seen.memory_mib} MiB; "
                    "what is missing takes effect at its next start"
                )
            await work.clock.sleep(work.settings.goal_interval_s)

    def _goal(self, work: Work) -> Goal:
        intent = self.intent
        return Goal(
            host=intent.host,
            vm=intent.vm,
            wanted="of the new size",
            ask=lambda hv: hv.resize(
                intent.vm, intent.vcpus, intent.memory_mib, deadline_s=work.settings.call_deadline_s
            ),
            reached=self._reached,
            repeatable=True,
        )

    def _reached(self, seen: VmReading | None) -> bool:
        if seen is None:
            return False
        memory = {seen.memory_mib, seen.memory_max_mib} if not seen.is_active else {seen.memory_mib}
        return (self.intent.vcpus in (None, seen.vcpus)) and (
            self.intent.memory_mib is None or self.intent.memory_mib in memory
        )
