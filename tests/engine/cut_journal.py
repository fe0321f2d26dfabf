"""Journals that fail at chosen writes: one stops the backend there, one refuses them as a full disk does."""

import asyncio
from collections.abc import Callable

from novacron.model.errors import JournalError
from novacron.model.operation import Operation
from tests.memory_journal import MemoryJournal


class CutJournal(MemoryJournal):
    """Lets the first `writes` writes pass; the next one never returns, written or not."""

    def __init__(self, writes: int, *, written: bool) -> None:
        super().__init__()
        self._left = writes
        self._written = written
        self.is_cut = False

    async def record(self, operation: Operation) -> None:
        """Write, or hang as a process does that is killed."""
        if self._left > 0:
            self._left -= 1
            await super().record(operation)
            return
        if self._written:
            await super().record(operation)
        self.is_cut = True
        await asyncio.get_running_loop().create_future()

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

    async def record(self, operation: Operation) -> None:
        """Write, or say that there is no room."""
        number, self._writes = self._writes, self._writes + 1
        if self._refuses(number):
            raise JournalError("journal", "its disk is full", "free some room")
        await super().record(operation)

    def relieve(self) -> None:
        """Let there be room."""
        self._refuses = lambda _: False
