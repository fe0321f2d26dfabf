"""The step that has a running VM moved, and follows it. What came of it is the next step's to read."""

import asyncio
from dataclasses import dataclass
from typing import Any

from novacron.engine.steps.work import Work
from novacron.model.errors import LinkError, NovaCronError, OperationError, OutcomeUnknown
from novacron.model.operation import Progress
from novacron.model.operations.migration import MigrateVm
from novacron.model.plan.forecast import forecast
from novacron.model.plan.settlement import Verdict, judge
from novacron.ports.hypervisor import MigrationRequest

_SILENT_BEFORE_LOOK_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrate:
    """Ask the source to move it, show its figures, pass on a cancel. Returns what the source said, if it said no."""

    intent: MigrateVm

    async def act(self, work: Work) -> str:
        """Have it moved; a "no" is not the end of it: a third of failed calls have moved the VM all the same."""
        intent = self.intent
        pollers = work.watchers.poller(intent.host), work.watchers.poller(intent.destination)
        async with pollers[0].lease() as source, pollers[1].lease() as destination:
            deadline_s = work.settings.migration_deadline_s
            call = asyncio.ensure_future(source.migration.start(self._request(), destination, deadline_s=deadline_s))
            try:
                follower = _Follower(intent, work)
                await follower.follow(call)
                return "it was stopped as asked" if self._was_stopped(call, follower) else self._said(call)
            finally:
                call.cancel()
                # Its error, if it comes after all, is known from both hosts' states.
                call.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    async def settle(self, work: Work) -> str:
        """Nothing is asked again: a peer-to-peer migration may be under way without us. The next step reads it."""
        return "the backend was restarted meanwhile"

    async def undo(self, work: Work) -> str:
        """A move is taken back by another move only."""
        return ""

    def _request(self) -> MigrationRequest:
        intent = self.intent
        return MigrationRequest(
            vm=intent.vm,
            mode=intent.mode,
            copy_storage=intent.copy_storage,
            bandwidth_mib_s=intent.bandwidth_mib_s,
            max_downtime_ms=intent.max_downtime_ms,
            auto_converge=intent.auto_converge,
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
            return f"{self.intent.host} said: {error.detail}; {error.remedy}"
        if isinstance(error, NovaCronError):
            return f"{self.intent.host} said: {error.detail}"
        raise error


class _Follower:
    """Watches a call that moves a VM, and does not believe that its end is the migration's end, or the reverse."""

    def __init__(self, intent: MigrateVm, work: Work) -> None:
        self._intent = intent
        self._work = work
        self.abort_taken = False
        """Whether the source took a request to stop."""
        self._silent_since: float | None = None
        self._arrived_at: float | None = None

    async def follow(self, call: "asyncio.Future[None]") -> None:
        """Return when the call has ended, or when the hosts show that it ought to have."""
        work = self._work
        while not call.done():
            await self._turn(call)
            if call.done():
                return
            if work.is_cancelled and not self.abort_taken:
                self.abort_taken = await abort(self._intent, work)
            has_job = await show_job(self._intent, work)
            if has_job is False and await self._is_over():
                return
            if has_job is not False:
                self._silent_since = self._arrived_at = None

    async def _turn(self, call: "asyncio.Future[None]") -> None:
        """Wait one interval, or for the call's end, or for a cancel that was not passed on yet."""
        work = self._work
        waits: set[asyncio.Future[Any]] = {call, asyncio.ensure_future(work.clock.sleep(work.settings.job_interval_s))}
        if not work.is_cancelled:
            waits.add(asyncio.ensure_future(work.cancel_asked.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits - {call}:
                wait.cancel()

    async def _is_over(self) -> bool:
        """Whether a call that still hangs is not worth waiting for: the job is gone, and both hosts say so."""
        work, now = self._work, self._work.clock.monotonic()
        self._silent_since = now if self._silent_since is None else self._silent_since
        silent_s = now - self._silent_since
        if silent_s < _SILENT_BEFORE_LOOK_S:
            return False
        if silent_s >= work.settings.silent_job_s:
            return True
        intent = self._intent
        here, there = await asyncio.gather(work.look(intent.host, intent.vm), work.look(intent.destination, intent.vm))
        if judge(here, there) is not Verdict.DONE:
            self._arrived_at = None
            return False
        self._arrived_at = now if self._arrived_at is None else self._arrived_at
        return now - self._arrived_at >= work.settings.looks_apart_s


async def abort(intent: MigrateVm, work: Work) -> bool:
    """Ask the source to stop the migration; return whether it took the request."""
    try:
        deadline_s = work.settings.look_deadline_s
        await work.hypervisor(intent.host).migration.abort(intent.vm, deadline_s=deadline_s)
    except (OperationError, LinkError, OutcomeUnknown):
        # Not begun yet, past the point of return, or out of reach: asked again at the next turn.
        return False
    return True


async def show_job(intent: MigrateVm, work: Work) -> bool | None:
    """Show the migration's figures; return whether there is a job, None when the source cannot be asked."""
    before = work.operation.progress
    try:
        deadline_s = work.settings.look_deadline_s
        job = await work.hypervisor(intent.host).migration.job(intent.vm, deadline_s=deadline_s)
    except (LinkError, OutcomeUnknown) as error:
        note = f"{intent.host} does not answer ({error.detail}); the migration may go on without us"
        work.show(Progress(fraction=before.fraction, job=before.job, note=note, observed_at=before.observed_at))
        return None
    except OperationError:
        return False
    if job is None:
        return False
    work.show(forecast(before, job, work.clock.now(), auto_converge=intent.auto_converge))
    return True
