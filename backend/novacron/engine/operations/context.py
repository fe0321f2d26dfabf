"""What a step is given: its operation, the hypervisors, the clock, and ways to say how it goes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from novacron.engine.deadline import first_of
from novacron.engine.host_pollers import HostPollers
from novacron.engine.settings import EngineSettings
from novacron.model.errors import JournalError, LinkError, NotFound, OperationError, OutcomeUnknown
from novacron.model.fleet import Fleet
from novacron.model.ids import HostId, VmId
from novacron.model.operation import JOURNAL, Operation, Progress, StepRecord
from novacron.model.plan.migration_outcome import Look
from novacron.model.work.backoff import Backoff
from novacron.ports.clock import Clock
from novacron.ports.hypervisor import Hypervisor

T = TypeVar("T")


class AttentionNeeded(Exception):
    """The outcome is not known, or only a person may decide; the text says what was seen."""


class StepContext:
    """One operation's way to the world."""

    def __init__(
        self,
        *,
        operation: Callable[[], Operation],
        fleet: Callable[[], Fleet],
        pollers: HostPollers,
        clock: Clock,
        settings: EngineSettings,
        show: Callable[[Progress], None],
        mark_settling: Callable[[], Awaitable[None]],
        require_ours: Callable[[], None],
    ) -> None:
        """`require_ours` raises JournalError while another backend may run this operation."""
        self._operation = operation
        self._fleet = fleet
        self._show = show
        self._require_ours = require_ours
        self.mark_settling = mark_settling
        """Says that the outcome is being read from the hypervisors now."""
        self.pollers = pollers
        self.clock = clock
        self.settings = settings
        self.cancel_asked = asyncio.Event()
        self.give_up_asked = asyncio.Event()
        """Set when somebody will not wait any longer for a host that does not answer."""

    @property
    def operation(self) -> Operation:
        """The operation in its current state."""
        return self._operation()

    def step(self, step_id: str) -> StepRecord:
        """Return one of the operation's own steps, as the journal has it."""
        return next(step for step in self.operation.steps if step.id == step_id)

    @property
    def fleet(self) -> Fleet:
        """The current fleet."""
        return self._fleet()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked to stop."""
        return self.cancel_asked.is_set()

    def hypervisor(self, host: HostId) -> Hypervisor:
        """Return the connection to a host.

        Raises:
            LinkError: it does not answer now.
        """
        return self.pollers.hypervisor(host)

    async def ask(self, host: HostId, call: Callable[[Hypervisor], Awaitable[T]]) -> T:
        """Make one call that has effects.

        Raises:
            LinkError: the host does not answer; nothing was asked.
            OutcomeUnknown: it was asked, and the answer was lost.
            OperationError: it said no.
            AttentionNeeded: somebody has given the operation up.
        """
        await self._until_ours()
        hypervisor = self.hypervisor(host)
        try:
            return await call(hypervisor)
        except LinkError as error:
            raise OutcomeUnknown(host, error.detail, error.remedy) from error

    async def _until_ours(self) -> None:
        """Wait while another backend may run this operation: this one may have been suspended meanwhile."""
        while True:
            try:
                self._require_ours()
            except JournalError as error:
                fault = error
            else:
                self.stop_waiting()
                return
            if self.give_up_asked.is_set():
                raise AttentionNeeded(f"given up while {fault.subject} kept it waiting: {fault.detail}")
            await self.wait_for_journal(fault.detail)

    async def patient_hypervisor(self, host: HostId) -> Hypervisor:
        """Return the connection to a host, waiting for it for as long as it takes."""
        backoff = blind_backoff(self.settings)
        while True:
            try:
                hypervisor = self.hypervisor(host)
            except LinkError as error:
                cause = error.detail
            except NotFound as error:
                raise _left_the_fleet(host) from error
            else:
                self.stop_waiting()
                return hypervisor
            backoff = backoff.failed()
            await self.wait_for(host, cause, backoff.wait_s())

    async def look(self, host: HostId, vm: VmId) -> Look:
        """Look at a VM on one host; a host that cannot be asked is part of the answer, not an error."""
        try:
            hypervisor = self.hypervisor(host)
        except NotFound as error:
            raise _left_the_fleet(host) from error
        except LinkError as error:
            return Look(reachable=False, cause=error.detail)
        try:
            seen = await hypervisor.reader.look(vm, deadline_s=self.settings.look_deadline_s)
        except (LinkError, OutcomeUnknown, OperationError) as error:
            return Look(reachable=False, cause=error.detail)
        return Look(reachable=True, vm=seen)

    async def patient_look(self, host: HostId, vm: VmId) -> Look:
        """Look at a VM, waiting for its host for as long as it takes."""
        backoff = blind_backoff(self.settings)
        while True:
            seen = await self.look(host, vm)
            if seen.reachable:
                self.stop_waiting()
                return seen
            backoff = backoff.failed()
            await self.wait_for(host, seen.cause, backoff.wait_s())

    def stop_waiting(self) -> None:
        """Say that nothing is waited for any more."""
        if self.operation.progress.waits_for:
            self._show(replace(self.operation.progress, waits_for=""))

    async def wait_for(self, host: str, cause: str, seconds: float, note: str = "") -> None:
        """Wait that long for a host that does not answer.

        Raises:
            AttentionNeeded: somebody has given the operation up.
        """
        before, now = self.operation.progress, self.clock.now()
        note = note or f"waiting for {host}: {cause}"
        self._show(replace(before, remaining_s=None, note=note, waits_for=host, observed_at=now))
        if await first_of(self.clock, seconds, self.give_up_asked):
            raise AttentionNeeded(
                f"given up while {host} did not answer ({cause}): what it came to there is not known; look at {host} "
                "before you do anything about it elsewhere"
            )

    async def wait_for_journal(self, cause: str) -> None:
        """Show that the journal cannot be written; return when it is time to try again, or somebody stops it."""
        note = f"waiting for {JOURNAL}, which cannot be written: {cause}"
        before = self.operation.progress
        self._show(replace(before, remaining_s=None, note=note, waits_for=JOURNAL, observed_at=self.clock.now()))
        stopped = (event for event in (self.cancel_asked, self.give_up_asked) if not event.is_set())
        await first_of(self.clock, self.settings.journal_retry_s, *stopped)

    async def pause(self, seconds: float) -> None:
        """Wait that long, or until somebody asks to cancel."""
        await first_of(self.clock, seconds, self.cancel_asked)

    def note(self, text: str) -> None:
        """Show a line of text beside the progress."""
        before = self.operation.progress
        self._show(Progress(fraction=before.fraction, job=before.job, note=text, observed_at=self.clock.now()))

    def show(self, progress: Progress) -> None:
        """Show how far it is."""
        self._show(progress)

    def value_of(self, step: str, name: str) -> str:
        """Return a value that a step found or came to, such as the path of a disk it made; empty when there is none."""
        return next((record.values.get(name, "") for record in self.operation.steps if record.id == step), "")


def blind_backoff(settings: EngineSettings) -> Backoff:
    """Return how long to wait between looks at a host that does not answer."""
    return Backoff(first_s=settings.blind_first_s, most_s=settings.blind_most_s)


def _left_the_fleet(host: HostId) -> AttentionNeeded:
    return AttentionNeeded(
        f"{host} is in fleet.toml no more: what it came to there is not known; look at {host} before you do anything "
        "about it elsewhere"
    )
