"""A Backend over literal values: what a test pushes is what the screen is told.

Only for screens: what plans and refusals say is the engine's business and is tested there. Tests of whole flows run
over the real engine and the simulated fleet (test_simulated_fleet.py).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from novacron.model.caller import Caller
from novacron.model.errors import NovaCronError
from novacron.model.fleet import Fleet
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.batch import Batch, BatchChild, BatchPlan
from novacron.model.operations.batch_title import title_of
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Danger, Plan, PlannedStep, Undo
from novacron.model.refusal import Refusal
from novacron.model.sample import VmSample
from novacron.model.work.schedule import AT_ONCE, Schedule
from novacron.ports.backend import (
    BackendChange,
    BackendFound,
    BackendStatus,
    FleetChanged,
    OperationsChanged,
)
from novacron.ports.hypervisor import SerialLink
from tests.builders import NOW
from tests.operation_builders import a_step, an_operation

Answer = Callable[[Intent], Plan | Refusal]
DANGERS = {
    "start": Danger.NONE,
    "resume": Danger.NONE,
    "create": Danger.NONE,
    "autostart": Danger.NONE,
    "force-off": Danger.TYPE_NAME,
    "delete": Danger.TYPE_NAME,
    "delete-volume": Danger.TYPE_NAME,
}


class FakeSerialLink:
    """A serial line whose far side is the test."""

    def __init__(self) -> None:
        self.guest: asyncio.Queue[bytes] = asyncio.Queue()
        """What the guest says; empty bytes close the line."""
        self.typed = bytearray()
        self.closed = False

    async def read(self) -> bytes:
        """Return what the guest says next."""
        return await self.guest.get()

    async def write(self, data: bytes) -> None:
        """Remember what was typed."""
        self.typed += data

    async def close(self) -> None:
        """Close it."""
        self.closed = True


class FakeBackend:
    """Tells the fleet it was given, and remembers what it was asked to do."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._changes: asyncio.Queue[BackendChange] = asyncio.Queue()
        self.submitted: list[Intent] = []
        self.operations_run_by = ""
        self.digests: list[str] = []
        self.keys: list[str] = []
        self.schedules: list[Schedule] = []
        self.shown: tuple[Operation, ...] = ()
        self.cancelled: list[OperationId] = []
        self.acknowledged: list[tuple[OperationId, str]] = []
        self.reconnected: list[HostId] = []
        self.previewed: list[Intent] = []
        self.answer: Answer = a_plan_for
        self.submit_error: NovaCronError | None = None
        self.serial = FakeSerialLink()
        self.serial_error: NovaCronError | None = None
        self.serial_hold: asyncio.Event | None = None
        """While set and not fired, no serial line opens."""
        self.forced: list[bool] = []
        self.some_samples: tuple[VmSample, ...] = ()
        self.xml = "<domain type='kvm'>\n  <name>web-1</name>\n</domain>\n"
        self.hold: asyncio.Event | None = None
        """While set and not fired, previews do not answer."""
        self.push(BackendFound(version="0.1.0", consoles=1))
        self.push(FleetChanged(fleet=fleet))

    def push(self, change: BackendChange) -> None:
        """Tell the screen of a change."""
        self._changes.put_nowait(change)

    def show_fleet(self, fleet: Fleet) -> None:
        """Tell the screen of a newer fleet."""
        self.push(FleetChanged(fleet=fleet))

    def show_operations(self, *operations: Operation) -> None:
        """Tell the screen of the operations."""
        self.shown = operations
        self.push(OperationsChanged(operations=operations))

    async def changes(self, caller: Caller) -> AsyncIterator[BackendChange]:
        """Yield what is pushed."""
        while True:
            yield await self._changes.get()

    async def fleet(self, caller: Caller) -> Fleet:
        """Return the fleet it was made with."""
        return self._fleet

    async def operations(self, caller: Caller) -> tuple[Operation, ...]:
        """Return none."""
        return ()

    async def alerts(self, caller: Caller) -> tuple:
        """Return none."""
        return ()

    async def children(self, caller: Caller, operation: OperationId) -> tuple[Operation, ...]:
        """Return those the screen was told of."""
        return tuple(one for one in self.shown if one.parent == operation)

    async def preview(self, caller: Caller, intent: Intent, *, schedule: Schedule = AT_ONCE) -> Plan | Refusal:
        """Answer as the test wants."""
        self.previewed.append(intent)
        if self.hold is not None:
            await self.hold.wait()
        return self.answer(intent)

    async def submit(
        self,
        caller: Caller,
        intent: Intent,
        *,
        plan_digest: str,
        idempotency_key: str,
        schedule: Schedule = AT_ONCE,
    ) -> Operation | Refusal:
        """Accept it, or fail once as the test wants."""
        self.keys.append(idempotency_key)
        self.schedules.append(schedule)
        if self.submit_error is not None:
            error, self.submit_error = self.submit_error, None
            raise error
        answer = self.answer(intent)
        if isinstance(answer, Refusal):
            return answer
        self.submitted.append(intent)
        self.digests.append(plan_digest)
        return an_operation(len(self.submitted), intent=intent, title=answer.title, subject=answer.subject)

    async def preview_batch(
        self, caller: Caller, intents: Sequence[Intent], *, schedule: Schedule = AT_ONCE
    ) -> BatchPlan:
        """Answer of each as the test wants."""
        answers = [await self.preview(caller, intent, schedule=schedule) for intent in intents]
        return BatchPlan(title=title_of(intents), answers=tuple(answers))

    async def submit_batch(
        self,
        caller: Caller,
        children: Sequence[BatchChild],
        *,
        plan_digest: str,
        idempotency_key: str,
        schedule: Schedule = AT_ONCE,
    ) -> Operation | Refusal:
        """Accept what the test wants of them, or fail once as it wants."""
        self.keys.append(idempotency_key)
        self.schedules.append(schedule)
        if self.submit_error is not None:
            error, self.submit_error = self.submit_error, None
            raise error
        answers = [(child, self.answer(child.intent)) for child in children]
        for child, answer in answers:
            if not isinstance(answer, Refusal):
                self.submitted.append(child.intent)
                self.digests.append(child.plan_digest)
        refused = tuple(answer for _, answer in answers if isinstance(answer, Refusal))
        title = title_of([child.intent for child in children])
        intent = Batch(size=len(children), refused=refused)
        return an_operation(len(self.submitted), intent=intent, title=title, subject=title)

    async def acknowledge(self, caller: Caller, operation: OperationId, *, note: str) -> Operation | Refusal:
        """Take note."""
        self.acknowledged.append((operation, note))
        return an_operation(1, state=OperationState.NEEDS_ATTENTION)

    async def cancel(self, caller: Caller, operation: OperationId) -> Operation | Refusal:
        """Remember it."""
        self.cancelled.append(operation)
        return an_operation(state=OperationState.CANCELLING)

    async def definition(self, caller: Caller, vm: VmId, host: HostId) -> str:
        """Return the XML of the test."""
        return self.xml

    async def samples(self, caller: Caller, vm: VmId) -> tuple[VmSample, ...]:
        """Return the samples of the test."""
        return self.some_samples

    async def reconnect(self, caller: Caller, host: HostId) -> None:
        """Remember it."""
        self.reconnected.append(host)

    async def open_serial(self, caller: Caller, vm: VmId, host: HostId, *, force: bool = False) -> SerialLink:
        """Open the line, or fail as the test wants unless forced."""
        self.forced.append(force)
        if self.serial_hold is not None:
            await self.serial_hold.wait()
        if self.serial_error is not None and not force:
            raise self.serial_error
        return self.serial

    async def status(self, caller: Caller) -> BackendStatus:
        """Return a status."""
        return BackendStatus(
            version="0.1.0",
            pid=1,
            started_at=NOW,
            fleet_source="test",
            hosts=1,
            consoles=1,
            operations_running=0,
            journal_path="",
            operations_run_by=self.operations_run_by,
        )

    async def close(self) -> None:
        """Do nothing."""


def a_plan_for(intent: Intent) -> Plan:
    """Return the plan a willing engine would make."""
    subject = getattr(intent, "name", "") or getattr(intent, "volume", "") or NAMES.get(getattr(intent, "vm", ""), "")
    subject = subject or getattr(intent, "pool", "")
    title = f"{intent.kind.replace('-', ' ')} {subject} on {intent.host}"
    danger = DANGERS.get(intent.kind, Danger.CONFIRM)
    final = danger is Danger.TYPE_NAME or intent.kind == "reboot"
    return Plan(
        intent=intent,
        title=title,
        subject=subject,
        steps=(
            PlannedStep(id=intent.kind, args=a_step(), title=title),
            PlannedStep(id="look", args=a_step(), title="read the outcome"),
        ),
        touches=(f"VM {subject} on {intent.host}",),
        warnings=("the guest loses everything it has not written to disk",) if danger is Danger.TYPE_NAME else (),
        danger=danger,
        undo=Undo.NEVER if final else Undo.REVERSIBLE,
        undo_how="what is lost stays lost" if final else "do the opposite",
        can_cancel=intent.kind == "migrate",
        digest="digest-7",
    )


NAMES: dict[str, str] = {}
"""Names by UUID, for plans; filled by tests.ui.fleet."""
