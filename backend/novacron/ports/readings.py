"""What each host said last, kept for the next run of the backend: a host that is silent then had something."""

from typing import Protocol

from novacron.model.host import HostReading
from novacron.model.ids import HostId


class ReadingArchive(Protocol):
    """The last reading of every host that was ever read. Nothing in it is the truth; all of it may be."""

    async def load(self) -> tuple[HostReading, ...]:
        """Return what is kept; one that cannot be read is left out, and logged."""

    async def keep(self, reading: HostReading) -> None:
        """Keep this reading instead of the host's former one. Raises JournalError when it could not be written."""

    async def forget(self, host: HostId) -> None:
        """Keep nothing of this host any more. Raises JournalError when it could not be removed."""
