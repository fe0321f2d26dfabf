"""Steps that change a VM's power state."""

from dataclasses import dataclass

from novacron.engine.steps.goal import Goal, describe
from novacron.engine.steps.work import AttentionNeeded, StepCancelled, StepFailed, Work
from novacron.model.ids import HostId, VmId
from novacron.model.operations.power import AWAIT_OFF, SHUTDOWN, ForceOffVm, PauseVm, RebootVm, ShutdownVm
from novacron.model.vm import ACTIVE_STATES, StateReason, VmReading, VmState

_UNSURE = "whether it was pressed is not known: it is not pressed again"

_EXECUTES = frozenset({VmState.RUNNING, VmState.SHUTTING_DOWN})
_STARTED = _EXECUTES | {VmState.SUSPENDED}
"""A guest may put itself to sleep as soon as it runs; one that was to be woken must not sleep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRunning:
    """Start or resume: the two verbs that may never make a second copy."""

    host: HostId
    vm: VmId
    resume: bool = False
    vouched: tuple[HostId, ...] = ()
    """Hosts of which a person said that it cannot run there, should they not answer."""

    async def act(self, work: Work) -> str:
        """Look everywhere the VM is known, then ask."""
        await self._require_alone(work)
        return await self._goal(work).act(work)

    async def settle(self, work: Work) -> str:
        """See whether it runs."""
        return await self._goal(work).settle(work)

    async def undo(self, work: Work) -> str:
        """Nothing is taken back by itself."""
        return ""

    async def _require_alone(self, work: Work) -> None:
        """Look afresh at every other host that knows it: the fleet's word may be seconds old."""
        found = work.fleet.find_vm(self.vm)
        for other in found.sightings if found else ():
            if other.host.id == self.host:
                continue
            seen = await work.look(other.host.id, self.vm)
            if not seen.reachable and other.host.id in self.vouched:
                continue
            if not seen.reachable:
                raise StepFailed(
                    f"{other.host.id}, where it was last seen {other.vm.state}, does not answer: {seen.cause}; "
                    "nothing was done"
                )
            if seen.vm is not None and seen.vm.is_active:
                raise StepFailed(f"it is {seen.vm.state} on {other.host.id} now; nothing was done")

    def _goal(self, work: Work) -> Goal:
        deadline_s = work.settings.call_deadline_s
        return Goal(
            host=self.host,
            vm=self.vm,
            wanted="running",
            ask=lambda hv: (hv.power.resume if self.resume else hv.power.start)(self.vm, deadline_s=deadline_s),
            reached=lambda seen: seen is not None and seen.state in (_EXECUTES if self.resume else _STARTED),
        )


def force_off(intent: ForceOffVm, deadline_s: float) -> Goal:
    """Return the step that pulls the plug."""
    return Goal(
        host=intent.host,
        vm=intent.vm,
        wanted="off",
        ask=lambda hv: hv.power.force_off(intent.vm, deadline_s=deadline_s),
        reached=_is_off,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Stop a VM's CPUs. One that is being migrated may have left its host before anybody looks."""

    intent: PauseVm

    async def act(self, work: Work) -> str:
        """Ask, and look until it is paused, or gone with its migration."""
        before = await work.hypervisor(self.intent.host).reader.look(
            self.intent.vm, deadline_s=work.settings.look_deadline_s
        )
        moves = before is not None and before.job_active
        return await self._told(work, await self._goal(work, moves=moves).act(work))

    async def settle(self, work: Work) -> str:
        """See whether it is paused."""
        return await self._told(work, await self._goal(work, moves=True).settle(work))

    async def undo(self, work: Work) -> str:
        """Nothing is taken back by itself."""
        return ""

    async def _told(self, work: Work, said: str) -> str:
        seen = await work.look(self.intent.host, self.intent.vm)
        gone = seen.reachable and (seen.vm is None or not seen.vm.is_active)
        return (
            f"it was asked to pause, and has left {self.intent.host} since: its migration has ended" if gone else said
        )

    def _goal(self, work: Work, *, moves: bool) -> Goal:
        deadline_s = work.settings.call_deadline_s
        return Goal(
            host=self.intent.host,
            vm=self.intent.vm,
            wanted="paused",
            ask=lambda hv: hv.power.pause(self.intent.vm, deadline_s=deadline_s),
            reached=lambda seen: _is_paused(seen) or (moves and _is_off(seen)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reboot:
    """Ask the guest to restart. From outside nothing shows that it did; that it went off instead does."""

    intent: RebootVm

    async def act(self, work: Work) -> str:
        """Ask, then see what became of it: whatever its definition says a restart is."""
        intent = self.intent
        deadline_s = work.settings.call_deadline_s
        seen = await work.hypervisor(intent.host).reader.look(intent.vm, deadline_s=work.settings.look_deadline_s)
        await work.ask(intent.host, lambda hv: hv.power.reboot(intent.vm, deadline_s=deadline_s))
        asked_at = work.clock.monotonic()
        while True:
            before, seen = seen, (await work.patient_look(intent.host, intent.vm)).vm
            if seen is None or not seen.is_active:
                said = before.on_reboot if before else "restart"
                why = "" if said == "restart" else f", as its definition says (on_reboot={said})"
                raise StepFailed(f"it was asked to restart and is {describe(seen)}{why}; start it")
            since_s = work.clock.monotonic() - asked_at
            goes_off = seen.on_reboot != "restart"
            if since_s >= (work.settings.reboot_off_s if goes_off else work.settings.reboot_watch_s):
                break
            work.note("waiting for the guest, which will be off" if goes_off else "seeing that it runs on")
            await work.pause(1.0)
        if goes_off:
            raise StepFailed(f"the guest did not obey within {since_s:.0f} s: it is {describe(seen)}")
        return f"the guest was asked to restart; {since_s:.0f} s later it is {describe(seen)}"

    async def settle(self, work: Work) -> str:
        """Nothing can be read: a person must say whether it restarted."""
        seen = (await work.patient_look(self.intent.host, self.intent.vm)).vm
        raise AttentionNeeded(
            f"whether the guest was asked to restart is not known; it is {describe(seen)}: "
            "look at its uptime, and ask again if it did not"
        )

    async def undo(self, work: Work) -> str:
        """A restart cannot be taken back."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PressPowerButton:
    """Ask the guest to power off, once: somebody may have started it again while nobody knew of the first time."""

    intent: ShutdownVm

    async def act(self, work: Work) -> str:
        """Press, unless it is off already."""
        intent = self.intent
        seen = await work.hypervisor(intent.host).reader.look(intent.vm, deadline_s=work.settings.look_deadline_s)
        if _is_off(seen):
            return "it was off already"
        deadline_s = work.settings.call_deadline_s
        await work.ask(intent.host, lambda hv: hv.power.shutdown(intent.vm, deadline_s=deadline_s))
        return "pressed"

    async def settle(self, work: Work) -> str:
        """Whether it was pressed shows when it goes off, which is the next step's to see."""
        intent = self.intent
        if _is_off((await work.patient_look(intent.host, intent.vm)).vm):
            return "it is off"
        return _UNSURE

    async def undo(self, work: Work) -> str:
        """A pressed button stays pressed."""
        return "the guest was asked to power off, and may still do so"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitOff:
    """Wait until the guest has powered off, for as long as the operator gave it."""

    intent: ShutdownVm

    async def act(self, work: Work) -> str:
        """Look until it is off, the time is over, or somebody stops waiting."""
        return await self._wait(work, self.intent.timeout_s)

    async def settle(self, work: Work) -> str:
        """Wait for what is left of the time."""
        step = next(record for record in work.operation.steps if record.name == AWAIT_OFF)
        waited_s = (work.clock.now() - step.started_at).total_seconds() if step.started_at else 0.0
        return await self._wait(work, min(self.intent.timeout_s, max(0.0, self.intent.timeout_s - waited_s)))

    async def undo(self, work: Work) -> str:
        """Waiting changes nothing."""
        return ""

    async def _wait(self, work: Work, seconds: float) -> str:
        intent = self.intent
        until = work.clock.monotonic() + seconds
        while True:
            seen = (await work.patient_look(intent.host, intent.vm)).vm
            work.note("")  # What was waited for is answered now.
            if _is_off(seen):
                return await self._stays_off(work)
            if seen is not None and (seen.state, seen.reason) == (VmState.PAUSED, StateReason.SHUTTING_DOWN):
                raise StepFailed(
                    f"the guest has powered off, and its definition keeps it (on_poweroff={seen.on_poweroff}): it is "
                    f"{describe(seen)}; force it off"
                )
            if work.is_cancelled:
                raise StepCancelled(
                    f"stopped waiting; {intent.host} shows it {describe(seen)}: the guest was asked, and may "
                    "still power off"
                )
            if work.clock.monotonic() >= until:
                asked = "; whether it was asked is not known" if work.detail_of(SHUTDOWN) == _UNSURE else ""
                raise StepFailed(
                    f"the guest did not power off within {intent.timeout_s:g} s{asked}: it is {describe(seen)}; "
                    f"{'shut it down again, ' if asked else ''}force it off, or look at its console"
                )
            left_s = until - work.clock.monotonic()
            work.note(f"waiting for the guest, up to {left_s:.0f} s more")
            await work.pause(min(1.0, left_s))

    async def _stays_off(self, work: Work) -> str:
        """Look once more: something may start it again, such as a cluster manager, or its own definition."""
        intent = self.intent
        await work.clock.sleep(work.settings.looks_apart_s)
        seen = (await work.patient_look(intent.host, intent.vm)).vm
        if _is_off(seen):
            return f"read from {intent.host}: off"
        raise StepFailed(f"the guest powered off, and somebody started it again: it is {describe(seen)}")


def _is_paused(seen: VmReading | None) -> bool:
    return seen is not None and seen.state is VmState.PAUSED


def _is_off(seen: VmReading | None) -> bool:
    return seen is None or seen.state not in ACTIVE_STATES
