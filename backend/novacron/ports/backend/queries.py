"""What may be asked of the backend; nothing here changes anything."""

from collections.abc import Sequence
from typing import Protocol

from novacron.model.alert.alert import Alert
from novacron.model.caller import Caller
from novacron.model.fleet import Fleet
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.operation import Operation
from novacron.model.operations.batch import BatchPlan
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron.model.sample import VmSample
from novacron.model.work.schedule import AT_ONCE, Schedule
from novacron.ports.backend.status import BackendStatus


class Queries(Protocol):
    """Reading."""

    async def fleet(self, caller: Caller) -> Fleet:
        """Return the current fleet."""

    async def operations(self, caller: Caller) -> tuple[Operation, ...]:
        """Return recent operations, and older ones that have not ended or wait for a person; newest first."""

    async def find_operation(self, caller: Caller, operation: OperationId) -> Operation:
        """Return one operation, also one that is too old to be among the recent ones.

        Raises:
            NotFound: there is none with this id.
        """

    async def alerts(self, caller: Caller) -> tuple[Alert, ...]:
        """Return the alerts that hold, then those cleared lately."""

    async def children(self, caller: Caller, operation: OperationId) -> tuple[Operation, ...]:
        """Return the operations of a batch as they stand, in their order; none of an operation that is no batch.

        Raises:
            NotFound: there is no operation with this id.
        """

    async def preview(self, caller: Caller, intent: Intent, *, schedule: Schedule = AT_ONCE) -> Plan | Refusal:
        """Say what it would do, after asking the hypervisors what only they know; changes nothing.

        `schedule` is that of the submission: what is to begin later is not refused for what is held now.
        """

    async def preview_batch(
        self, caller: Caller, intents: Sequence[Intent], *, schedule: Schedule = AT_ONCE
    ) -> BatchPlan:
        """Say of each what it would do if all were submitted together, or why it is refused; changes nothing."""

    async def definition(self, caller: Caller, vm: VmId, host: HostId) -> str:
        """Return the VM's XML from that host."""

    async def samples(self, caller: Caller, vm: VmId) -> tuple[VmSample, ...]:
        """Return its last minutes, oldest first."""

    async def status(self, caller: Caller) -> BackendStatus:
        """Return what the backend says of itself."""
