"""A reading archive that lasts as long as the test, through every restart of the backend in it."""

from novacron.model.host import HostReading
from novacron.model.ids import HostId


class MemoryArchive:
    """ports.readings.ReadingArchive in memory."""

    def __init__(self) -> None:
        self.readings: dict[HostId, HostReading] = {}

    async def load(self) -> tuple[HostReading, ...]:
        """Return what was kept."""
        return tuple(self.readings.values())

    async def keep(self, reading: HostReading) -> None:
        """Keep it."""
        self.readings[reading.host] = reading

    async def forget(self, host: HostId) -> None:
        """Keep it no more."""
        self.readings.pop(host, None)
