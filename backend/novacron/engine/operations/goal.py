"""The usual step: ask one host for one thing about one VM, then look until it is so."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from novacron.engine.operations.context import AttentionNeeded, StepContext
from novacron.engine.operations.step import StepFailed, StepHandler
from novacron.model.errors import Busy, OperationError
from novacron.model.ids import HostId, VmId
from novacron.model.operation import StepResult
from novacron.model.operations.step import ArgsT
from novacron.model.vm import VmReading
from novacron.model.work.backoff import Backoff
from novacron.ports.hypervisor import Hypervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Something a VM should come to be on a host."""

    host: HostId
    vm: VmId
    wanted: str
    """In words: "running"."""
    ask: Callable[[Hypervisor], Awaitable[None]]
    reached: Callable[[VmReading | None], bool]
    repeatable: bool = False
    """Whether asking a second time is harmless, because asking is idempotent."""
    remedy: str = "look at it again, then ask again if it is still wanted"

    async def act(self, context: StepContext) -> StepResult:
        """Look, ask, and look until it is so."""
        seen = await self.hypervisor_look(context)
        if self.reached(seen):
            return StepResult(text=f"it was {self.wanted} already")
        try:
            await self._ask(context)
        except OperationError as error:
            return await self._after_no(context, error)
        return await self._await_it(context)

    async def settle(self, context: StepContext) -> StepResult:
        """Look for the effect of a call whose answer nobody has."""
        until: float | None = None
        while True:
            seen = (await context.patient_look(self.host, self.vm)).vm
            if self.reached(seen):
                return StepResult(text=f"read from {self.host}: {self.wanted}")
            # Counted from the first answer: a host that was away for an hour gets the same time to show it.
            until = context.clock.monotonic() + context.settings.lost_patience_s if until is None else until
            if context.clock.monotonic() >= until:
                break
            await context.clock.sleep(context.settings.looks_apart_s)
        if self.repeatable:
            await self._ask(context)
            return await self._await_it(context)
        raise AttentionNeeded(
            f"it was interrupted, and {self.host} shows it {describe(seen)}, not {self.wanted}: "
            f"whether it was asked is not known; {self.remedy}"
        )

    async def hypervisor_look(self, context: StepContext) -> VmReading | None:
        """Look once, before anything is asked.

        Raises:
            LinkError: the host cannot be asked; nothing was done.
        """
        return await context.hypervisor(self.host).reader.look(self.vm, deadline_s=context.settings.look_deadline_s)

    async def _ask(self, context: StepContext) -> None:
        """Ask once; what is harmless to repeat, some times more while the VM is busy with something else."""
        settings = context.settings
        backoff = Backoff(first_s=settings.repeat_first_s, most_s=settings.repeat_longest_s)
        while True:
            try:
                return await context.ask(self.host, self.ask)
            except Busy as error:
                backoff = backoff.failed()
                if not self.repeatable or backoff.failures >= settings.repeat_most or context.is_cancelled:
                    raise
                context.note(f"attempt {backoff.failures + 1} of {settings.repeat_most} follows: {error.detail}")
            await context.pause(backoff.wait_s())

    async def _after_no(self, context: StepContext, error: OperationError) -> StepResult:
        """A "no" may come with the wish fulfilled: somebody else was faster."""
        seen = await context.patient_look(self.host, self.vm)
        if self.reached(seen.vm):
            return StepResult(text=f"it is {self.wanted} (though {self.host} said: {error.detail})")
        remedy = f"; {error.remedy}" if error.remedy else ""
        raise StepFailed(f"{self.host} said: {error.detail}; it is {describe(seen.vm)}{remedy}") from error

    async def _await_it(self, context: StepContext) -> StepResult:
        until = context.clock.monotonic() + context.settings.goal_patience_s
        while True:
            seen = (await context.patient_look(self.host, self.vm)).vm
            if self.reached(seen):
                return StepResult(text=f"read from {self.host}: {self.wanted}")
            if context.clock.monotonic() >= until:
                break
            await context.clock.sleep(context.settings.goal_interval_s)
        raise StepFailed(
            f"{self.host} accepted it, but after {context.settings.goal_patience_s:g} s it is {describe(seen)}, "
            f"not {self.wanted}; {self.remedy}"
        )


class GoalStep(StepHandler[ArgsT]):
    """A step that is nothing but a goal."""

    def goal(self, context: StepContext) -> Goal:
        """Return what should come to be."""
        raise NotImplementedError

    async def act(self, context: StepContext) -> StepResult:
        """Look, ask, and look until it is so."""
        return await self.goal(context).act(context)

    async def settle(self, context: StepContext) -> StepResult:
        """Look for the effect of a call whose answer nobody has."""
        return await self.goal(context).settle(context)


def describe(seen: VmReading | None) -> str:
    """Describe a VM's state in words."""
    if seen is None:
        return "not known there"
    return f"{seen.state} ({seen.reason})" if seen.reason else seen.state.value
