"""Watches, while a run goes on and after it, that the backend keeps what it promises."""

from collections import Counter

from novacron.engine.operations.registry import handler_of
from novacron.model.ids import HostId, OperationId, VmId
from novacron.model.operation import Operation, OperationState, StepState
from novacron.model.operations.batch import Batch
from tests.simulation import postconditions
from tests.simulation.journal import Disk
from tests.simulation.observed_world import ObservedWorld
from tests.simulation.trace import Trace

_ONCE = frozenset({"start", "shutdown", "reboot", "migrate", "rename"})
"""What one operation may have a host do once at most, to one VM."""


class Promises:
    """What was promised in one run, and what was seen of it."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._world: ObservedWorld
        self._disk: Disk
        self.accepted: dict[OperationId, str] = {}
        """What a client was told that it is accepted -> its key."""
        self.kinds: Counter[str] = Counter()
        """How many operations of each kind were accepted."""
        self.attributed = 0
        """How many effects were seen to belong to an operation."""
        self._effects: Counter[tuple[OperationId, HostId, str]] = Counter()
        self._ends: dict[OperationId, OperationState] = {}
        self._held: dict[OperationId, bool] = {}
        """Operations that have not ended -> whether their condition was so at any instant of them."""

    def watch(self, world: ObservedWorld, disk: Disk) -> None:
        """Watch this world and this disk from now on."""
        self._world, self._disk = world, disk
        world.on_change = self._look
        world.may_remove = self._may_remove

    def answered(self, operation: Operation, key: str) -> None:
        """Note that a client was told that its request is accepted."""
        if operation.id not in self.accepted:
            self.kinds[operation.intent.kind] += 1
        known = self.accepted.setdefault(operation.id, key)
        if known != key:
            self._trace.violate(f"{operation.id} was given for two keys: {known}, {key}")
        others = [identity for identity, other in self.accepted.items() if other == key and identity != operation.id]
        if others:
            self._trace.violate(f"key {key} gave two operations: {operation.id}, {others[0]}")

    def asked(self, operation: OperationId | None, host: HostId, what: str) -> None:
        """Note that a host is asked to change something: only after its step was written as started."""
        if operation is None:
            self._trace.violate(f"{what} on {host} belongs to no operation")
            return
        written = self._disk.operation(operation)
        if written is None:
            self._trace.violate(f"{operation} asked {host} to {what} before it was in the journal")
        elif not _may_act(written):
            self._trace.violate(f"{operation} asked {host} to {what} before its step was in the journal")

    def acted(self, operation: OperationId | None, host: HostId, what: str) -> None:
        """Note an effect: some come once."""
        if operation is None:
            return
        self.attributed += 1
        self._effects[operation, host, what] += 1
        if what in _ONCE and self._effects[operation, host, what] > 1:
            self._trace.violate(f"{operation} had {host} {what} {self._effects[operation, host, what]} times")
        self._look()

    def written(self, operation: Operation) -> None:
        """Note what became durable: an end is written once, and is true."""
        self._held.setdefault(operation.id, False)
        self._look()
        before = self._ends.get(operation.id)
        if before is not None and operation.state is not before:
            self._trace.violate(f"{operation.id} ended {before}, and is {operation.state} now")
        if before is None and operation.has_ended:
            self._ends[operation.id] = operation.state
            held = self._held.pop(operation.id)
            if isinstance(operation.intent, Batch):
                self._check_batch(operation, operation.intent)
            elif operation.state is OperationState.DONE and not held:
                self._trace.violate(f"{operation.id} ({operation.intent.kind}) is done, and never was so")
        if "unforeseen" in operation.outcome:
            self._trace.violate(f"{operation.id}: {operation.outcome}")

    def _check_batch(self, parent: Operation, intent: Batch) -> None:
        """See that a batch ends after all of its operations, is whole, and is done only when they are."""
        children = [one for one in self._disk.operations if one.parent == parent.id]
        if len(children) + len(intent.refused) != intent.size:
            self._trace.violate(f"{parent.id} is of {intent.size}, and has {len(children)} operations")
        for child in children:
            if not child.has_ended:
                self._trace.violate(f"{parent.id} ended {parent.state} while {child.id} was {child.state}")
            elif parent.state is OperationState.DONE and child.state is not OperationState.DONE:
                self._trace.violate(f"{parent.id} is done, and {child.id} is {child.state}")

    def check_the_end(self) -> None:
        """See that everything that was accepted has come to one end."""
        for identity, key in self.accepted.items():
            operation = self._disk.operation(identity)
            if operation is None:
                self._trace.violate(f"{identity} ({key}) was accepted, and is not in the journal")
        for operation in self._disk.operations:
            if not operation.has_ended:
                self._trace.violate(f"{operation.id} ({operation.intent.kind}) has no end: it is {operation.state}")
        keys = Counter((operation.actor, operation.idempotency_key) for operation in self._disk.operations)
        for key, number in keys.items():
            if number > 1:
                self._trace.violate(f"key {key} made {number} operations")
        moved = {getattr(one.intent, "vm", "") for one in self._disk.operations if hasattr(one.intent, "destination")}
        for vm in {vm for host in self._world.hosts.values() for vm in host.machines}:
            copies = self._world.copies(vm)
            if len(copies) > 1 and vm not in moved and vm not in self.doubled_before:
                self._trace.violate(f"VM {vm} is on {', '.join(host for host, _ in copies)}, and was never moved")

    doubled_before: frozenset[VmId] = frozenset()
    """VMs that had two definitions from the beginning."""

    def _look(self) -> None:
        """See which conditions are so now."""
        for identity, held in self._held.items():
            operation = self._disk.operation(identity)
            if not held and operation is not None and operation.intent.kind in postconditions.CONDITIONS:
                self._held[identity] = postconditions.holds(self._world, operation)

    def _may_remove(self, identity: OperationId, vm: VmId) -> bool:
        """Whether that operation may be the one that makes the VM known to no host any more."""
        operation = self._disk.operation(identity)
        if operation is None or getattr(operation.intent, "vm", None) != vm:
            return False
        undone = operation.intent.kind == "create" and operation.state is not OperationState.RUNNING
        return operation.intent.kind == "delete" or undone


def _may_act(written: Operation) -> bool:
    """Whether what is on the disk lets a step of the operation have an effect."""
    if written.has_ended:
        return False
    if written.state is OperationState.CANCELLING or any(step.state is StepState.STARTED for step in written.steps):
        return True
    due = next((step for step in written.steps if step.state is StepState.PENDING), None)
    return due is not None and handler_of(due).begins_unwritten
