"""A journal on a disk that takes its time, may be full, and may lose the answer to a commit."""

from collections.abc import Callable
from random import Random
from typing import Any

from novacron.model.errors import JournalError, JournalUncertain
from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron.ports.clock import Clock
from tests.memory_journal import MemoryJournal
from tests.simulation.trace import Trace

_READS = frozenset(
    {"open", "check", "unfinished", "recent", "unacknowledged", "last_sequence", "by_key", "get", "close"}
)

_ASKED_AGAIN = frozenset({"take_lease", "give_back_lease", "archive"})
"""Writes that are asked for anew, whatever came of the last one."""


class Disk:
    """What is durable: it outlives every backend. `full` and `loses` are switched by the faults."""

    def __init__(self, clock: Clock, rng: Random, trace: Trace, on_written: Callable[[Operation], None]) -> None:
        self._clock = clock
        self._rng = rng
        self._trace = trace
        self._on_written = on_written
        self.written = MemoryJournal(clock)
        self.full = False
        self.loses = 0.0
        """How often a commit's answer is lost, from 0 to 1."""
        self.away = False
        """Whether nothing can be read from it, or written to it."""
        self.slow_s = 0.02
        """How long a commit takes."""

    def operation(self, identity: OperationId) -> Operation | None:
        """Return an operation as it is on the disk."""
        return self.written.operations.get(identity)

    @property
    def operations(self) -> list[Operation]:
        """Every operation on the disk, oldest first."""
        return sorted(self.written.operations.values(), key=lambda one: one.sequence)

    def require_answers(self) -> None:
        """Fail while nothing can be asked of it."""
        if self.away:
            raise JournalError("journal", "it does not answer", "look at the journal")

    async def write(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> object:
        """Do one commit, with whatever goes wrong with it."""
        before_s = self._rng.random() * self.slow_s
        await self._clock.sleep(before_s)
        self.require_answers()
        if self.full:
            raise JournalError("journal", "its disk is full", "free some room")
        before = dict(self.written.operations)
        result = await getattr(self.written, name)(*arguments, **named)
        for identity, operation in self.written.operations.items():
            if before.get(identity) != operation:
                self._note(operation)
        await self._clock.sleep(self.slow_s - before_s)
        if self.away or self._rng.random() < self.loses:
            self._trace.note("journal: the answer to that commit is lost")
            raise _Unanswered(result)
        return result

    def _note(self, operation: Operation) -> None:
        steps = " ".join(f"{step.id}={step.state}" for step in operation.steps)
        self._trace.note(
            f"journal: {operation.id} {operation.intent.kind} {operation.state} [{steps}] {operation.outcome}"
        )
        self._on_written(operation)


class SimulatedJournal:
    """The journal as one backend has it (ports.journal.Journal): every method that writes goes through the disk."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._doubt: _Unanswered | None = None

    def __getattr__(self, name: str) -> object:
        if name == "close":
            return self._disk.written.close
        if name in _READS:

            async def read(*arguments: object, **named: object) -> object:
                self._disk.require_answers()
                return await getattr(self._disk.written, name)(*arguments, **named)

            return read

        async def write(*arguments: object, **named: object) -> object:
            return await self._write(name, arguments, named)

        async def lease(*arguments: object, **named: object) -> object:
            try:
                return await self._disk.write(name, arguments, named)
            except _Unanswered as lost:
                raise JournalError("journal", "the connection broke", "look at the journal") from lost

        return lease if name in _ASKED_AGAIN else write

    async def _write(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> object:
        """Write; after a commit whose answer was lost, find out first what came of that one."""
        if self._doubt is not None:
            if self._disk.away:
                raise JournalUncertain("journal", "it does not answer", "look at the journal")
            doubt, self._doubt = self._doubt, None
            return doubt.answer
        try:
            return await self._disk.write(name, arguments, named)
        except _Unanswered as lost:
            self._doubt = lost
            text = "the connection broke during the commit"
            raise JournalUncertain("journal", text, "look at the journal") from lost


class _Unanswered(Exception):
    """A commit was made, and its answer was lost."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer
