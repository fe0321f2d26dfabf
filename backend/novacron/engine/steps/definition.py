"""Steps that change what a VM's definition says."""

from dataclasses import dataclass

from novacron.engine.steps.goal import Goal
from novacron.engine.steps.work import Work
from novacron.model.operations.definition import RenameVm, SetAutostart
from novacron.model.operations.migration import MigrateVm


def rename(intent: RenameVm, deadline_s: float) -> Goal:
    """Return the step that gives a VM another name."""
    return Goal(
        host=intent.host,
        vm=intent.vm,
        wanted=f"named {intent.new_name}",
        ask=lambda hv: hv.definitions.rename(intent.vm, intent.new_name, deadline_s=deadline_s),
        reached=lambda seen: seen is not None and seen.name == intent.new_name,
    )


def set_autostart(intent: SetAutostart, deadline_s: float) -> Goal:
    """Return the step that has a VM start with its host, or not."""
    return Goal(
        host=intent.host,
        vm=intent.vm,
        wanted="started with its host" if intent.enabled else "not started with its host",
        ask=lambda hv: hv.definitions.set_autostart(intent.vm, intent.enabled, deadline_s=deadline_s),
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
