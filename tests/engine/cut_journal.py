"""Journals that fail at chosen writes: one stops the backend there, one refuses them as a full disk does."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.work.event import Event
from tests.memory_journal import MemoryJournal


class CutJournal(MemoryJournal):
    """Lets the first `writes` writes pass; the next one never returns, written or not."""

    def __init__(self, writes: int, *, written: bool) -> None:
        super().__init__()
        self._left = writes
        self._written = written
        self.is_cut = False

    async def append(self, events: Sequence[Event], *, epoch: int = 0) -> Mapping[OperationId, JournalError]:
        """Write, or hang as a process does that is killed. What comes in one commit is written whole or not at all."""
        if self._left >= len(events):
            self._left -= len(events)
            return await super().append(events, epoch=epoch)
        if self._written:
            await super().append(events, epoch=epoch)
        self.is_cut = True
        return await asyncio.get_running_loop().create_future()

    def mended(self) -> MemoryJournal:
        """Return what is on the disk."""
        journal = MemoryJournal()
        journal.operations = dict(self.operations)
        return journal


class FullJournal(MemoryJournal):
    """Refuses the writes whose numbers, from 0, `refuses` says."""

    def __init__(self, refuses: Callable[[int], bool]) -> None:
        super().__init__()
        self._refuses = refuses
        self._writes = 0

    async def append(self, events: Sequence[Event], *, epoch: int = 0) -> Mapping[OperationId, JournalError]:
        """Write, or say that there is no room. What comes in one commit is written whole or not at all."""
        first, self._writes = self._writes, self._writes + len(events)
        if any(map(self._refuses, range(first, self._writes))):
            raise JournalError("journal", "its disk is full", "free some room")
        return await super().append(events, epoch=epoch)

    def relieve(self) -> None:
        """Let there be room."""
        self._refuses = lambda _: False
