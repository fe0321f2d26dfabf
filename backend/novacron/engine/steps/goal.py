"""The usual step: ask one host for one thing about one VM, then look until it is so."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from novacron.engine.steps.work import AttentionNeeded, StepFailed, Work
from novacron.model.errors import OperationError
from novacron.model.ids import HostId, VmId
from novacron.model.vm import VmReading
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

    async def act(self, work: Work) -> str:
        """Look, ask, and look until it is so."""
        seen = await self.hypervisor_look(work)
        if self.reached(seen):
            return f"it was {self.wanted} already"
        try:
            await work.ask(self.host, self.ask)
        except OperationError as error:
            return await self._after_no(work, error)
        return await self._await_it(work)

    async def settle(self, work: Work) -> str:
        """Look for the effect of a call whose answer nobody has."""
        until: float | None = None
        while True:
            seen = (await work.patient_look(self.host, self.vm)).vm
            if self.reached(seen):
                return f"read from {self.host}: {self.wanted}"
            # Counted from the first answer: a host that was away for an hour gets the same time to show it.
            until = work.clock.monotonic() + work.settings.lost_patience_s if until is None else until
            if work.clock.monotonic() >= until:
                break
            await work.clock.sleep(work.settings.looks_apart_s)
        if self.repeatable:
            await work.ask(self.host, self.ask)
            return await self._await_it(work)
        raise AttentionNeeded(
            f"it was interrupted, and {self.host} shows it {describe(seen)}, not {self.wanted}: "
            f"whether it was asked is not known; {self.remedy}"
        )

    async def undo(self, work: Work) -> str:
        """Nothing is taken back by itself."""
        return ""

    async def hypervisor_look(self, work: Work) -> VmReading | None:
        """Look once, before anything is asked.

        Raises:
            LinkError: the host cannot be asked; nothing was done.
        """
        return await work.hypervisor(self.host).reader.look(self.vm, deadline_s=work.settings.look_deadline_s)

    async def _after_no(self, work: Work, error: OperationError) -> str:
        """A "no" may come with the wish fulfilled: somebody else was faster."""
        seen = await work.patient_look(self.host, self.vm)
        if self.reached(seen.vm):
            return f"it is {self.wanted} (though {self.host} said: {error.detail})"
        remedy = f"; {error.remedy}" if error.remedy else ""
        raise StepFailed(f"{self.host} said: {error.detail}; it is {describe(seen.vm)}{remedy}") from error

    async def _await_it(self, work: Work) -> str:
        until = work.clock.monotonic() + work.settings.goal_patience_s
        while True:
            seen = (await work.patient_look(self.host, self.vm)).vm
            if self.reached(seen):
                return f"read from {self.host}: {self.wanted}"
            if work.clock.monotonic() >= until:
                break
            await work.clock.sleep(work.settings.goal_interval_s)
        raise StepFailed(
            f"{self.host} accepted it, but after {work.settings.goal_patience_s:g} s it is {describe(seen)}, "
            f"not {self.wanted}; {self.remedy}"
        )


def describe(seen: VmReading | None) -> str:
    """Say in words how a VM stands."""
    if seen is None:
        return "not known there"
    return f"{seen.state} ({seen.reason})" if seen.reason else seen.state.value
