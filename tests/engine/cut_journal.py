"""A journal that stops the backend at a chosen write: before it reaches the disk, or right after."""

import asyncio

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
