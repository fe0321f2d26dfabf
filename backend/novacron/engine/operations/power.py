"""Steps that change a VM's power state."""

from collections.abc import Mapping
from typing import Any, Final

from novacron.engine.operations.context import AttentionNeeded, StepContext
from novacron.engine.operations.goal import Goal, GoalStep, describe
from novacron.engine.operations.step import StepCancelled, StepFailed, StepHandler
from novacron.model.operation import StepResult
from novacron.model.operations.power import SHUTDOWN
from novacron.model.operations.power_steps import (
    AwaitOffArgs,
    ForceOffArgs,
    PauseArgs,
    PressPowerButtonArgs,
    RebootArgs,
    SetRunningArgs,
)
from novacron.model.operations.step import StepArgs
from novacron.model.vm import ACTIVE_STATES, StateReason, VmReading, VmState

PRESSED = "pressed"
UNKNOWN = "unknown"
_UNSURE = "whether it was pressed is not known: it is not pressed again"

_EXECUTES = frozenset({VmState.RUNNING, VmState.SHUTTING_DOWN})
_STARTED = _EXECUTES | {VmState.SUSPENDED}
"""A guest may put itself to sleep as soon as it runs; one that was to be woken must not sleep."""


class SetRunning(StepHandler[SetRunningArgs]):
    """Start or resume: the two verbs that may never make a second copy."""

    async def act(self, context: StepContext) -> StepResult:
        """Look everywhere the VM is known, then ask."""
        await self._require_alone(context)
        return await self._goal(context).act(context)

    async def settle(self, context: StepContext) -> StepResult:
        """See whether it runs."""
        return await self._goal(context).settle(context)

    async def _require_alone(self, context: StepContext) -> None:
        """Look afresh at every other host that knows it: the fleet's word may be seconds old."""
        found = context.fleet.find_vm(self.args.vm)
        for other in found.sightings if found else ():
            if other.host.id == self.args.host:
                continue
            seen = await context.look(other.host.id, self.args.vm)
            if not seen.reachable and other.host.id in self.args.vouched:
                continue
            if not seen.reachable:
                raise StepFailed(
                    f"{other.host.id}, where it was last seen {other.vm.state}, does not answer: {seen.cause}; "
                    "nothing was done"
                )
            if seen.vm is not None and seen.vm.is_active:
                raise StepFailed(f"it is {seen.vm.state} on {other.host.id} now; nothing was done")

    def _goal(self, context: StepContext) -> Goal:
        deadline_s = context.settings.call_deadline_s
        return Goal(
            host=self.args.host,
            vm=self.args.vm,
            wanted="running",
            ask=lambda hv: (hv.power.resume if self.args.resume else hv.power.start)(
                self.args.vm, deadline_s=deadline_s
            ),
            reached=lambda seen: seen is not None and seen.state in (_EXECUTES if self.args.resume else _STARTED),
        )


class ForceOff(GoalStep[ForceOffArgs]):
    """Pull the plug."""

    def goal(self, context: StepContext) -> Goal:
        """Have it off."""
        args, deadline_s = self.args, context.settings.call_deadline_s
        return Goal(
            host=args.host,
            vm=args.vm,
            wanted="off",
            ask=lambda hv: hv.power.force_off(args.vm, deadline_s=deadline_s),
            reached=_is_off,
        )


class Pause(StepHandler[PauseArgs]):
    """Stop a VM's CPUs. One that is being migrated may have left its host before anybody looks."""

    async def act(self, context: StepContext) -> StepResult:
        """Ask, and look until it is paused, or gone with its migration."""
        before = await context.hypervisor(self.args.host).reader.look(
            self.args.vm, deadline_s=context.settings.look_deadline_s
        )
        moves = before is not None and before.job_active
        return await self._told(context, await self._goal(context, moves=moves).act(context))

    async def settle(self, context: StepContext) -> StepResult:
        """See whether it is paused."""
        return await self._told(context, await self._goal(context, moves=True).settle(context))

    async def _told(self, context: StepContext, said: StepResult) -> StepResult:
        seen = await context.look(self.args.host, self.args.vm)
        gone = seen.reachable and (seen.vm is None or not seen.vm.is_active)
        if not gone:
            return said
        return StepResult(text=f"it was asked to pause, and has left {self.args.host} since: its migration has ended")

    def _goal(self, context: StepContext, *, moves: bool) -> Goal:
        deadline_s = context.settings.call_deadline_s
        return Goal(
            host=self.args.host,
            vm=self.args.vm,
            wanted="paused",
            ask=lambda hv: hv.power.pause(self.args.vm, deadline_s=deadline_s),
            reached=lambda seen: _is_paused(seen) or (moves and _is_off(seen)),
        )


class Reboot(StepHandler[RebootArgs]):
    """Ask the guest to restart. From outside nothing shows that it did; that it went off instead does."""

    async def act(self, context: StepContext) -> StepResult:
        """Ask, then see what became of it: whatever its definition says a restart is."""
        args = self.args
        deadline_s = context.settings.call_deadline_s
        seen = await context.hypervisor(args.host).reader.look(args.vm, deadline_s=context.settings.look_deadline_s)
        await context.ask(args.host, lambda hv: hv.power.reboot(args.vm, deadline_s=deadline_s))
        asked_at = context.clock.monotonic()
        while True:
            before, seen = seen, (await context.patient_look(args.host, args.vm)).vm
            if seen is None or not seen.is_active:
                said = before.on_reboot if before else "restart"
                why = "" if said == "restart" else f", as its definition says (on_reboot={said})"
                raise StepFailed(f"it was asked to restart and is {describe(seen)}{why}; start it")
            since_s = context.clock.monotonic() - asked_at
            goes_off = seen.on_reboot != "restart"
            if since_s >= (context.settings.reboot_off_s if goes_off else context.settings.reboot_watch_s):
                break
            context.note("waiting for the guest, which will be off" if goes_off else "seeing that it runs on")
            await context.pause(1.0)
        if goes_off:
            raise StepFailed(f"the guest did not obey within {since_s:.0f} s: it is {describe(seen)}")
        return StepResult(text=f"the guest was asked to restart; {since_s:.0f} s later it is {describe(seen)}")

    async def settle(self, context: StepContext) -> StepResult:
        """Nothing can be read: a person must say whether it restarted."""
        seen = (await context.patient_look(self.args.host, self.args.vm)).vm
        raise AttentionNeeded(
            f"whether the guest was asked to restart is not known; it is {describe(seen)}: "
            "look at its uptime, and ask again if it did not"
        )


class PressPowerButton(StepHandler[PressPowerButtonArgs]):
    """Ask the guest to power off, once: somebody may have started it again while nobody knew of the first time."""

    async def act(self, context: StepContext) -> StepResult:
        """Press, unless it is off already."""
        args = self.args
        seen = await context.hypervisor(args.host).reader.look(args.vm, deadline_s=context.settings.look_deadline_s)
        if _is_off(seen):
            return StepResult(text="it was off already")
        deadline_s = context.settings.call_deadline_s
        await context.ask(args.host, lambda hv: hv.power.shutdown(args.vm, deadline_s=deadline_s))
        return StepResult(text="pressed")

    async def settle(self, context: StepContext) -> StepResult:
        """Whether it was pressed shows when it goes off, which is the next step's to see."""
        args = self.args
        if _is_off((await context.patient_look(args.host, args.vm)).vm):
            return StepResult(text="it is off")
        return StepResult(text=_UNSURE, values={PRESSED: UNKNOWN})

    async def undo(self, context: StepContext) -> str:
        """A pressed button stays pressed."""
        return "the guest was asked to power off, and may still do so"


class AwaitOff(StepHandler[AwaitOffArgs]):
    """Wait until the guest has powered off, for as long as the operator gave it."""

    begins_unwritten = True

    async def act(self, context: StepContext) -> StepResult:
        """Look until it is off, the time is over, or somebody stops waiting."""
        return await self._wait(context, self.args.timeout_s)

    async def settle(self, context: StepContext) -> StepResult:
        """Wait for what is left of the time."""
        step = context.step(self.step_id)
        waited_s = (context.clock.now() - step.started_at).total_seconds() if step.started_at else 0.0
        return await self._wait(context, min(self.args.timeout_s, max(0.0, self.args.timeout_s - waited_s)))

    async def _wait(self, context: StepContext, seconds: float) -> StepResult:
        args = self.args
        until = context.clock.monotonic() + seconds
        while True:
            seen = (await context.patient_look(args.host, args.vm)).vm
            context.note("")  # What was waited for is answered now.
            if _is_off(seen):
                return await self._stays_off(context)
            if seen is not None and (seen.state, seen.reason) == (VmState.PAUSED, StateReason.SHUTTING_DOWN):
                raise StepFailed(
                    f"the guest has powered off, and its definition keeps it (on_poweroff={seen.on_poweroff}): it is "
                    f"{describe(seen)}; force it off"
                )
            if context.is_cancelled:
                raise StepCancelled(
                    f"stopped waiting; {args.host} shows it {describe(seen)}: the guest was asked, and may "
                    "still power off"
                )
            if context.clock.monotonic() >= until:
                asked = "; whether it was asked is not known" if context.value_of(SHUTDOWN, PRESSED) == UNKNOWN else ""
                raise StepFailed(
                    f"the guest did not power off within {args.timeout_s:g} s{asked}: it is {describe(seen)}; "
                    f"{'shut it down again, ' if asked else ''}force it off, or look at its console"
                )
            left_s = until - context.clock.monotonic()
            context.note(f"waiting for the guest, up to {left_s:.0f} s more")
            await context.pause(min(1.0, left_s))

    async def _stays_off(self, context: StepContext) -> StepResult:
        """Look once more: something may start it again, such as a cluster manager, or its own definition."""
        args = self.args
        await context.clock.sleep(context.settings.looks_apart_s)
        seen = (await context.patient_look(args.host, args.vm)).vm
        if _is_off(seen):
            return StepResult(text=f"read from {args.host}: off")
        raise StepFailed(f"the guest powered off, and somebody started it again: it is {describe(seen)}")


def _is_paused(seen: VmReading | None) -> bool:
    return seen is not None and seen.state is VmState.PAUSED


def _is_off(seen: VmReading | None) -> bool:
    return seen is None or seen.state not in ACTIVE_STATES


STEPS: Final[Mapping[type[StepArgs], type[StepHandler[Any]]]] = {
    SetRunningArgs: SetRunning,
    PressPowerButtonArgs: PressPowerButton,
    AwaitOffArgs: AwaitOff,
    RebootArgs: Reboot,
    ForceOffArgs: ForceOff,
    PauseArgs: Pause,
}
