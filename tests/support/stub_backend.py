"""A Backend whose answers a test sets: for tests of the API and its client, not of the engine behind them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from novacron.engine.clock import SystemClock
from novacron.engine.hub import Hub
from novacron.model.alert.alert import Alert
from novacron.model.caller import Caller
from novacron.model.errors import NotFound, NovaCronError
from novacron.model.fleet import Fleet
from novacron.model.operation import Operation
from novacron.model.operations.batch import BatchPlan
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron.model.sample import VmSample
from novacron.model.work.schedule import AT_ONCE, Schedule
from novacron.ports.backend import (
    AlertsChanged,
    BackendChange,
    BackendStatus,
    FleetChanged,
    OperationsChanged,
)
from tests.builders import NOW, a_fleet
from tests.operation_builders import a_plan, an_alert, an_operation, some_samples


class StubSerial:
    """A serial console that echoes what is typed, in capitals, and ends at ctrl+d."""

    def __init__(self) -> None:
        self._shown: asyncio.Queue[bytes] = asyncio.Queue()
        self.closed = asyncio.Event()
        self._shown.put_nowait(b"login: \x00\xff")

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end."""
        return await self._shown.get()

    async def write(self, data: bytes) -> None:
        """Take keystrokes."""
        self._shown.put_nowait(b"" if data == b"\x04" else data.upper())

    async def close(self) -> None:
        """Close it."""
        self.closed.set()


class StubBackend:
    """ports.backend.Backend with nothing behind it."""

    def __init__(self, fleet: Fleet | None = None) -> None:
        self.reset(fleet)

    def reset(self, fleet: Fleet | None = None) -> None:
        """Forget everything, readers too."""
        self._hub = Hub(SystemClock(), fleet_gap_s=0.0)
        self._fleet = fleet or a_fleet()
        self.calls: list[tuple[object, ...]] = []
        """Every call with effects, as it arrived."""
        self.callers: list[Caller] = []
        """Who asked, call by call; streams too."""
        self.error: NovaCronError | None = None
        """Raised by every call while it is set."""
        self.refusal: Refusal | None = None
        """Given instead of a plan or an operation while it is set."""
        self.plan: Plan = a_plan()
        self.operation: Operation = an_operation()
        self.alert: Alert = an_alert()
        self.serial = StubSerial()
        self.may_open = asyncio.Event()
        """Serial consoles open once this is set, as it is from the start."""
        self.may_open.set()
        self.asked_to_open = asyncio.Event()
        self.show(self._fleet)
        self._hub.publish(OperationsChanged(operations=(self.operation,)))
        self._hub.publish(AlertsChanged(alerts=(self.alert,)))

    def show(self, fleet: Fleet) -> None:
        """Let this be the fleet from now on."""
        self._fleet = fleet
        self._hub.publish(FleetChanged(fleet=fleet))

    @property
    def readers(self) -> int:
        """How many streams are read."""
        return self._hub.readers

    async def changes(self, caller: Caller) -> AsyncIterator[BackendChange]:
        """Yield snapshots and changes."""
        self.callers.append(caller)
        async for snapshot in self._hub.changes():
            yield snapshot

    async def fleet(self, caller: Caller) -> Fleet:
        """Return the fleet."""
        self._note(caller, "fleet")
        return self._fleet

    async def operations(self, caller: Caller) -> tuple[Operation, ...]:
        """Return the operation."""
        self._note(caller, "operations")
        return (self.operation,)

    async def find_operation(self, caller: Caller, operation: object) -> Operation:
        """Return the operation if it is the one."""
        self._note(caller, "find_operation", operation)
        if operation != self.operation.id:
            raise NotFound(str(operation), "there is no operation with this id", "novacron ops")
        return self.operation

    async def alerts(self, caller: Caller) -> tuple[Alert, ...]:
        """Return the alert."""
        self._note(caller, "alerts")
        return (self.alert,)

    async def children(self, caller: Caller, operation: object) -> tuple[Operation, ...]:
        """Return the operation."""
        self._note(caller, "children", operation)
        return (self.operation,)

    async def preview_batch(
        self, caller: Caller, intents: Sequence[object], *, schedule: Schedule = AT_ONCE
    ) -> BatchPlan:
        """Return the plan for all but the last, and a refusal for that if there is one."""
        scheduled = () if schedule == AT_ONCE else (schedule,)
        self._note(caller, "preview_batch", tuple(intents), *scheduled)
        last = self.refusal or self.plan
        return BatchPlan(title="start some VMs", answers=(*[self.plan] * (len(intents) - 1), last))

    async def submit_batch(
        self,
        caller: Caller,
        children: Sequence[object],
        *,
        plan_digest: str,
        idempotency_key: str,
        schedule: Schedule = AT_ONCE,
    ) -> Operation | Refusal:
        """Return the operation or the refusal."""
        scheduled = () if schedule == AT_ONCE else (schedule,)
        self._note(caller, "submit_batch", tuple(children), plan_digest, idempotency_key, *scheduled)
        return self.refusal or self.operation

    async def preview(self, caller: Caller, intent: object, *, schedule: Schedule = AT_ONCE) -> Plan | Refusal:
        """Return the plan or the refusal."""
        scheduled = () if schedule == AT_ONCE else (schedule,)
        self._note(caller, "preview", intent, *scheduled)
        return self.refusal or self.plan

    async def submit(
        self,
        caller: Caller,
        intent: object,
        *,
        plan_digest: str,
        idempotency_key: str,
        schedule: Schedule = AT_ONCE,
    ) -> Operation | Refusal:
        """Return the operation or the refusal."""
        scheduled = () if schedule == AT_ONCE else (schedule,)
        self._note(caller, "submit", intent, plan_digest, idempotency_key, *scheduled)
        return self.refusal or self.operation

    async def acknowledge(self, caller: Caller, operation: object, *, note: str) -> Operation | Refusal:
        """Answer with the operation or the refusal."""
        self._note(caller, "acknowledge", operation, note)
        return self.refusal or self.operation

    async def cancel(self, caller: Caller, operation: object) -> Operation | Refusal:
        """Return the operation or the refusal."""
        self._note(caller, "cancel", operation)
        return self.refusal or self.operation

    async def definition(self, caller: Caller, vm: object, host: object) -> str:
        """Return a definition."""
        self._note(caller, "definition", vm, host)
        return "<domain><name>ä</name></domain>"

    async def samples(self, caller: Caller, vm: object) -> tuple[VmSample, ...]:
        """Return some samples."""
        self._note(caller, "samples", vm)
        return some_samples(1)

    async def reconnect(self, caller: Caller, host: object) -> None:
        """Note it."""
        self._note(caller, "reconnect", host)

    async def open_serial(self, caller: Caller, vm: object, host: object, *, force: bool = False) -> StubSerial:
        """Return the serial console."""
        self._note(caller, "open_serial", vm, host, force)
        self.asked_to_open.set()
        await self.may_open.wait()
        return self.serial

    async def status(self, caller: Caller) -> BackendStatus:
        """Return a status."""
        self._note(caller, "status")
        return BackendStatus(
            version="1.2.3",
            pid=4711,
            started_at=NOW - timedelta(hours=1),
            fleet_source="a stub",
            hosts=len(self._fleet.hosts),
            consoles=self._hub.readers,
            operations_running=1,
            journal_path="/nowhere",
        )

    async def close(self) -> None:
        """Let go."""

    def _note(self, caller: Caller, *call: object) -> None:
        if self.error is not None:
            raise self.error
        self.calls.append(call)
        self.callers.append(caller)
