"""The step that has a running VM moved, and follows it. What came of it is the next step's to read."""

import asyncio
from typing import Any

from novacron.engine.operations.context import StepContext
from novacron.engine.operations.definition import autostart_goal
from novacron.engine.operations.step import StepHandler
from novacron.model.errors import LinkError, NovaCronError, OperationError, OutcomeUnknown
from novacron.model.operation import Progress, StepResult
from novacron.model.operations.migration import KeepAutostartArgs, MoveRunningArgs, ReadOutcomeArgs
from novacron.model.plan.forecast import forecast
from novacron.model.plan.migration_outcome import MigrationOutcome, outcome_of
from novacron.ports.hypervisor import MigrationRequest

SAID = "said"
"""What the source's call said, if it did not say yes."""
_SILENT_BEFORE_LOOK_S = 5.0


class MoveRunning(StepHandler[MoveRunningArgs]):
    """Ask the source to move it, show its figures, pass on a cancel. Returns what the source said, if it said no."""

    async def act(self, context: StepContext) -> StepResult:
        """Have it moved; a "no" is not the end of it: a third of failed calls have moved the VM all the same."""
        args = self.args
        pollers = context.pollers.poller(args.host), context.pollers.poller(args.destination)
        async with pollers[0].lease() as source, pollers[1].lease() as destination:
            deadline_s = context.settings.migration_deadline_s
            call = asyncio.ensure_future(source.migration.start(self._request(), destination, deadline_s=deadline_s))
            try:
                follower = _Follower(args, context)
                await follower.follow(call)
                said = "it was stopped as asked" if self._was_stopped(call, follower) else self._said(call)
                return StepResult(text=said, values={SAID: said})
            finally:
                call.cancel()
                # Its error, if it comes after all, is known from both hosts' states.
                call.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    async def settle(self, context: StepContext) -> StepResult:
        """Nothing is asked again: a peer-to-peer migration may be under way without us. The next step reads it."""
        said = "the backend was restarted meanwhile"
        return StepResult(text=said, values={SAID: said})

    def _request(self) -> MigrationRequest:
        args = self.args
        return MigrationRequest(
            vm=args.vm,
            mode=args.mode,
            copy_storage=args.copy_storage,
            bandwidth_mib_s=args.bandwidth_mib_s,
            max_downtime_ms=args.max_downtime_ms,
            auto_converge=args.auto_converge,
        )

    def _was_stopped(self, call: "asyncio.Future[None]", follower: "_Follower") -> bool:
        """Whether our own cancel ended it: libvirt tells of that in the words of whichever connection broke first."""
        return follower.abort_taken and call.done() and not call.cancelled() and call.exception() is not None

    def _said(self, call: "asyncio.Future[None]") -> str:
        if not call.done() or call.cancelled():
            return "the call for it did not end"
        error = call.exception()
        if error is None:
            return ""
        if isinstance(error, OperationError) and error.remedy:
            return f"{self.args.host} said: {error.detail}; {error.remedy}"
        if isinstance(error, NovaCronError):
            return f"{self.args.host} said: {error.detail}"
        raise error


class KeepAutostart(StepHandler[KeepAutostartArgs]):
    """Have a VM that moved start with its new host. Says nothing: where it is now is the operation's outcome."""

    runs_when_cancelled = True

    async def act(self, context: StepContext) -> StepResult:
        """Set it, and see it."""
        await autostart_goal(self.args.host, self.args.vm, True, context).act(context)
        return StepResult()

    async def settle(self, context: StepContext) -> StepResult:
        """Set it again: it does no harm."""
        await autostart_goal(self.args.host, self.args.vm, True, context).settle(context)
        return StepResult()


class _Follower:
    """Watches a call that moves a VM, and does not believe that its end is the migration's end, or the reverse."""

    def __init__(self, args: MoveRunningArgs, context: StepContext) -> None:
        self._args = args
        self._context = context
        self.abort_taken = False
        """Whether the source took a request to stop."""
        self._silent_since: float | None = None
        self._arrived_at: float | None = None

    async def follow(self, call: "asyncio.Future[None]") -> None:
        """Return when the call has ended, or when the hosts show that it ought to have."""
        context = self._context
        while not call.done():
            await self._turn(call)
            if call.done():
                return
            if context.is_cancelled and not self.abort_taken:
                self.abort_taken = await abort(self._args, context)
            has_job = await show_job(self._args, context)
            if has_job is False and await self._is_over():
                return
            if has_job is not False:
                self._silent_since = self._arrived_at = None

    async def _turn(self, call: "asyncio.Future[None]") -> None:
        """Wait one interval, or for the call's end, or for a cancel that was not passed on yet."""
        context = self._context
        waits: set[asyncio.Future[Any]] = {
            call,
            asyncio.ensure_future(context.clock.sleep(context.settings.job_interval_s)),
        }
        if not context.is_cancelled:
            waits.add(asyncio.ensure_future(context.cancel_asked.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits - {call}:
                wait.cancel()

    async def _is_over(self) -> bool:
        """Whether a call that still hangs is not worth waiting for: the job is gone, and both hosts say so."""
        context, now = self._context, self._context.clock.monotonic()
        self._silent_since = now if self._silent_since is None else self._silent_since
        silent_s = now - self._silent_since
        if silent_s < _SILENT_BEFORE_LOOK_S:
            return False
        if silent_s >= context.settings.silent_job_s:
            return True
        args = self._args
        here, there = await asyncio.gather(context.look(args.host, args.vm), context.look(args.destination, args.vm))
        if outcome_of(here, there) is not MigrationOutcome.DONE:
            self._arrived_at = None
            return False
        self._arrived_at = now if self._arrived_at is None else self._arrived_at
        return now - self._arrived_at >= context.settings.looks_apart_s


async def abort(args: MoveRunningArgs | ReadOutcomeArgs, context: StepContext) -> bool:
    """Ask the source to stop the migration; return whether it took the request."""
    try:
        deadline_s = context.settings.look_deadline_s
        await context.hypervisor(args.host).migration.abort(args.vm, deadline_s=deadline_s)
    except (OperationError, LinkError, OutcomeUnknown):
        # Not begun yet, past the point of return, or out of reach: asked again at the next turn.
        return False
    return True


async def show_job(args: MoveRunningArgs | ReadOutcomeArgs, context: StepContext) -> bool | None:
    """Show the migration's figures; return whether there is a job, None when the source cannot be asked."""
    before = context.operation.progress
    try:
        deadline_s = context.settings.look_deadline_s
        job = await context.hypervisor(args.host).migration.job(args.vm, deadline_s=deadline_s)
    except (LinkError, OutcomeUnknown) as error:
        note = f"{args.host} does not answer ({error.detail}); the migration may go on without us"
        context.show(Progress(fraction=before.fraction, job=before.job, note=note, observed_at=before.observed_at))
        return None
    except OperationError:
        return False
    if job is None:
        return False
    context.show(forecast(before, job, context.clock.now(), auto_converge=args.auto_converge))
    return True
