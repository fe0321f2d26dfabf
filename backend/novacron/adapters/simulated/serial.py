"""A simulated VM's serial port, and the link of whoever has it open."""

import asyncio

from novacron.adapters.simulated.shell import Shell
from novacron.model.errors import LinkLost

_SLICE = 4096


class SerialPort:
    """A VM's serial port: the guest's shell on one side, at most one reader on the other."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self._open: SimulatedSerial | None = None

    @property
    def is_taken(self) -> bool:
        """Whether somebody has it open."""
        return self._open is not None and not self._open.is_closed

    def plug_in(self) -> "SimulatedSerial":
        """Open it, taking it away from whoever has it."""
        self.unplug()
        self._open = SimulatedSerial(self)
        return self._open

    def unplug(self) -> None:
        """End the line of whoever has it open."""
        if self._open is not None:
            self._open.hang_up()


class SimulatedSerial:
    """An open serial console (ports.hypervisor.SerialLink)."""

    def __init__(self, port: SerialPort) -> None:
        self._port = port
        self._unread = bytearray()
        self._arrived = asyncio.Event()
        self.is_closed = False

    async def read(self) -> bytes:
        """Return the next bytes; empty when it was closed."""
        while not self._unread:
            if self.is_closed:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        taken = bytes(self._unread[:_SLICE])
        del self._unread[:_SLICE]
        return taken

    async def write(self, data: bytes) -> None:
        """Send keystrokes."""
        if self.is_closed:
            raise LinkLost("serial console", "it is closed")
        self._unread += self._port.shell.feed(data)
        self._arrived.set()

    async def close(self) -> None:
        """Close it."""
        self._unread.clear()
        self.hang_up()

    def hang_up(self) -> None:
        """End the line; what has arrived may still be read."""
        self.is_closed = True
        self._arrived.set()
