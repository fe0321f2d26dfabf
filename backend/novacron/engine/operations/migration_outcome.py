"""The step that reads a live migration's outcome from both hosts, and mends what was left half-way.

Acts only on a verdict that two equal looks gave, apart in time; waits for as long as a host does not answer.
"""

import asyncio
from collections.abc import Awaitable, Callable

from novacron.engine.operations.context import AttentionNeeded, StepContext, blind_backoff
from novacron.engine.operations.goal import describe
from novacron.engine.operations.migration import SAID, abort, show_job
from novacron.engine.operations.step import StepCancelled, StepFailed, StepHandler
from novacron.model.errors import LinkError, OperationError, OutcomeUnknown
from novacron.model.operation import StepResult
from novacron.model.operations.migration import ReadOutcomeArgs
from novacron.model.plan.migration_outcome import Look, MigrationOutcome, outcome_of


class ReadOutcome(StepHandler[ReadOutcomeArgs]):
    """Read the outcome."""

    begins_unwritten = True
    runs_when_cancelled = True

    async def act(self, context: StepContext) -> StepResult:
        """Look until it is clear; mend until it is right."""
        return StepResult(text=await _OutcomeReader(self.args, context).read())

    async def settle(self, context: StepContext) -> StepResult:
        """The same: it only ever looks before it acts."""
        return StepResult(text=await _OutcomeReader(self.args, context).read())


class _OutcomeReader:
    def __init__(self, args: ReadOutcomeArgs, context: StepContext) -> None:
        self._args = args
        self._context = context
        self._mended = 0
        self._resisted = ""
        """What the last attempt to mend met with."""
        self._backoff = blind_backoff(context.settings)

    async def read(self) -> str:
        here, there = await self._look()
        # The usual end needs one look: the call said yes, and the source has let go of it.
        if outcome_of(here, there) is MigrationOutcome.DONE and here.vm is None and not self._said:
            return self._arrived(there)
        await self._context.mark_settling()
        while True:
            verdict, here, there = await self._decide()
            ended = await self._do(verdict, here, there)
            if ended is not None:
                return ended

    @property
    def _said(self) -> str:
        """What the source's call said, if it did not say yes."""
        return self._context.value_of(self._args.move_step, SAID)

    async def _decide(self) -> tuple[MigrationOutcome, Look, Look]:
        """Look until two looks, apart in time, agree on a verdict that can be acted on."""
        context = self._context
        before: tuple[object, ...] | None = None
        while True:
            here, there = await self._look()
            verdict = outcome_of(here, there)
            if verdict is MigrationOutcome.WAIT:
                await self._wait_blind(here, there)
                before = None
                continue
            self._backoff = self._backoff.succeeded()
            if verdict is MigrationOutcome.FOLLOW:
                await self._follow()
                before = None
                continue
            # Two copies write to one disk: suspending is reversible, waiting is not.
            now = (verdict, _essence(here), _essence(there))
            if now == before or verdict is MigrationOutcome.SUSPEND_BOTH:
                context.note("")
                return verdict, here, there
            before = now
            context.note("reading the outcome from both hosts")
            await context.clock.sleep(context.settings.looks_apart_s)

    async def _look(self) -> tuple[Look, Look]:
        args, context = self._args, self._context
        here, there = await asyncio.gather(context.look(args.host, args.vm), context.look(args.destination, args.vm))
        return here, there

    async def _wait_blind(self, here: Look, there: Look) -> None:
        silent, cause = (self._args.host, here.cause) if not here.reachable else (self._args.destination, there.cause)
        note = f"running blind: {silent} does not answer ({cause}); nothing is done until it does"
        self._backoff = self._backoff.failed()
        await self._context.wait_for(silent, cause, self._backoff.wait_s(), note)

    async def _follow(self) -> None:
        """It is under way: show it, and pass a cancel on."""
        context = self._context
        if context.is_cancelled:
            await abort(self._args, context)
        await show_job(self._args, context)
        await context.clock.sleep(context.settings.job_interval_s)

    async def _do(self, verdict: MigrationOutcome, here: Look, there: Look) -> str | None:
        """Act on a verdict; None: look again."""
        args = self._args
        match verdict:
            case MigrationOutcome.DONE:
                await self._tidy_source(here, there)
                return self._arrived(there)
            case MigrationOutcome.ROLLED_BACK:
                self._stayed(here, there)
            case MigrationOutcome.DESTROY_SOURCE:
                await self._mend(f"ending the stale copy on {args.host}", self._destroy_source)
            case MigrationOutcome.DESTROY_DESTINATION:
                await self._mend(f"ending the copy on {args.destination} that never ran", self._destroy_destination)
            case MigrationOutcome.RESUME_SOURCE:
                self._require_nowhere_else()
                await self._mend(f"resuming it on {args.host}", self._resume_source)
            case MigrationOutcome.SUSPEND_BOTH:
                await self._suspend_both()
            case _:
                self._leave_to_person(verdict, here, there)
        return None

    def _arrived(self, there: Look) -> str:
        args = self._args
        too_late = "too late to cancel: " if self._context.is_cancelled else ""
        return f"{too_late}read from both hosts: it is {describe(there.vm)} on {args.destination}"

    def _stayed(self, here: Look, there: Look) -> None:
        args = self._args
        stays = f"read from both hosts: it is {describe(here.vm)} on {args.host}"
        if there.vm is not None:
            # Left by libvirt, or there before: who made it is not known, so it is not ours to remove.
            stays += f", and {args.destination} has a definition of it that the next migration replaces"
        if self._context.is_cancelled:
            raise StepCancelled(stays)
        said = f"; {self._said}" if self._said else ""
        raise StepFailed(f"it was not moved; {stays}{said}")

    async def _tidy_source(self, here: Look, there: Look) -> None:
        """Leave one definition, at the destination: a second one is a second copy waiting to be started."""
        if here.vm is None or there.vm is None:
            return
        args, context = self._args, self._context
        deadline_s = context.settings.call_deadline_s
        try:
            if not there.vm.persistent:
                destination = context.hypervisor(args.destination)
                definition = await destination.reader.definition(
                    args.vm, with_secrets=True, deadline_s=context.settings.look_deadline_s
                )
                await destination.definitions.define_xml(definition, deadline_s=deadline_s)
            await context.hypervisor(args.host).definitions.undefine(args.vm, deadline_s=deadline_s)
        except (OperationError, LinkError, OutcomeUnknown) as error:
            # It has arrived; a definition left behind is shown, and cannot be started while it runs there.
            context.note(f"its definition was left on {args.host}: {error.detail}")

    async def _mend(self, what: str, act: "_Mending") -> None:
        context = self._context
        self._mended += 1
        if self._mended > context.settings.mend_most:
            met = f" (the last: {self._resisted})" if self._resisted else ""
            msg = f"{what} did not help after {context.settings.mend_most} attempts{met}; look at both hosts"
            raise AttentionNeeded(msg)
        context.note(what)
        try:
            await act()
        except (OperationError, LinkError, OutcomeUnknown) as error:
            # Whether it worked is seen at the next look.
            self._resisted = error.detail
            context.note(f"{what}: {error.detail}")

    async def _destroy_source(self) -> None:
        context, args = self._context, self._args
        await context.hypervisor(args.host).power.force_off(args.vm, deadline_s=context.settings.call_deadline_s)

    async def _destroy_destination(self) -> None:
        context, args = self._context, self._args
        await context.hypervisor(args.destination).power.force_off(args.vm, deadline_s=context.settings.call_deadline_s)

    async def _resume_source(self) -> None:
        context, args = self._context, self._args
        await context.hypervisor(args.host).power.resume(args.vm, deadline_s=context.settings.call_deadline_s)

    def _require_nowhere_else(self) -> None:
        """Resuming is the one mending that could make a second copy: no third host may have it."""
        args = self._args
        found = self._context.fleet.find_vm(args.vm)
        for other in found.sightings if found else ():
            if other.host.id in (args.host, args.destination):
                continue
            if other.vm.is_active or not other.is_current:
                word = "is" if other.is_current else "was last seen"
                raise AttentionNeeded(
                    f"it is paused on {args.host} and runs neither there nor on {args.destination}, but it "
                    f"{word} {other.vm.state} on {other.host.id}: find out where it runs before you resume it"
                )

    async def _suspend_both(self) -> None:
        """The reversible answer to two running copies; which one survives is a person's decision."""
        context, args = self._context, self._args
        deadline_s = context.settings.call_deadline_s
        answers = await asyncio.gather(
            context.hypervisor(args.host).power.pause(args.vm, deadline_s=deadline_s),
            context.hypervisor(args.destination).power.pause(args.vm, deadline_s=deadline_s),
            return_exceptions=True,
        )
        here, there = await self._look()
        failed = "; ".join(str(answer) for answer in answers if isinstance(answer, BaseException))
        raise AttentionNeeded(
            f"SPLIT BRAIN: it ran on {args.host} and {args.destination} at once, and both were paused. Now it "
            f"is {_seen(here)} on {args.host} and {_seen(there)} on {args.destination}"
            f"{f' ({failed})' if failed else ''}. Check its disks, force one copy off, then resume the other"
        )

    def _leave_to_person(self, verdict: MigrationOutcome, here: Look, there: Look) -> None:
        args = self._args
        now = f"it is {_seen(here)} on {args.host} and {_seen(there)} on {args.destination}"
        said = f" ({self._said})" if self._said else ""
        found = self._context.fleet.find_vm(args.vm)
        third = [
            seen
            for seen in (found.sightings if found else ())
            if seen.host.id not in (args.host, args.destination) and seen.is_current
        ]
        if verdict is MigrationOutcome.GONE and third:
            raise StepFailed(f"{now}: somebody moved it to {third[0].host.id}, where it is {describe(third[0].vm)}")
        advice = {
            MigrationOutcome.DOWN: "it runs nowhere: start it where its disks are, when you know why it went down",
            MigrationOutcome.GONE: "no host of the fleet knows it: define it again on its disks",
            MigrationOutcome.POSTCOPY_BROKEN: "its memory is split: only resuming the post-copy migration can save it",
        }.get(verdict, "decide which copy is to live, and force the other off")
        raise AttentionNeeded(f"{now}{said}; {advice}")


_Mending = Callable[[], Awaitable[None]]


def _essence(look: Look) -> tuple[object, ...] | None:
    return None if look.vm is None else (look.vm.state, look.vm.reason, look.vm.job_active)


def _seen(look: Look) -> str:
    return describe(look.vm) if look.reachable else f"out of reach ({look.cause})"
