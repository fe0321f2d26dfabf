"""A VM's serial console as a libvirt stream, on a connection of its own: closing it can wait for nobody.

libvirt frees a stream, and with it the connection, when Python drops the last reference, and may wait for the far
side while doing so. On the event loop, which carries that connection's bytes, it would wait for itself. So the stream
lives in a holder that only worker threads ever look into.
"""

from typing import Any

from novacron.adapters.libvirt import xml
from novacron.adapters.libvirt.channel import Channel, Connection
from novacron.adapters.libvirt.host_role import HostRole
from novacron.adapters.libvirt.serial_device import serial_console
from novacron.model.errors import Conflict, NovaCronError, OperationError
from novacron.model.ids import VmId
from novacron.model.vm import ADD_SERIAL
from novacron.ports.hypervisor import SerialLink

_PIECE = 4096
_TYPE_DEADLINE_S = 10.0


class LibvirtSerial:
    """ports.hypervisor.SerialLink."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._holder: list[Any] = []

    @classmethod
    async def open(cls, channel: Channel, vm: VmId, flags: int, *, deadline_s: float) -> "LibvirtSerial":
        """Open the console over a channel that is its own from now on. Source: virDomainOpenConsole.

        Raises:
            OperationError: it does not run, has no serial console, or somebody else has it open.
        """
        link = cls(channel)

        def open_console(connection: Connection) -> None:
            domain = connection.lookupByUUIDString(vm)
            found = serial_console(xml.parse(domain.XMLDesc(0), domain.name()))
            if found.problem and domain.isActive():
                raise OperationError(domain.name(), found.problem, ADD_SERIAL)
            stream = connection.newStream(0)
            domain.openConsole(found.device, stream, flags)
            link._holder.append(stream)

        channel.before_close(lambda _: link._holder.clear())
        await channel.call("opening its console", open_console, deadline_s=deadline_s)
        return link

    async def read(self) -> bytes:
        """Return the next bytes; empty when the VM stopped, or it was closed or taken away."""
        try:
            data: bytes | int = await self._channel.call(
                "reading its console", lambda _: self._receive(), deadline_s=None
            )
        except NovaCronError:
            data = b""
        if not isinstance(data, bytes) or not data:
            self._channel.abort()
            return b""
        return data

    async def write(self, data: bytes) -> None:
        """Send keystrokes; those after the end are lost, as on a real line."""
        try:
            await self._channel.call("typing on its console", lambda _: self._send(data), deadline_s=_TYPE_DEADLINE_S)
        except NovaCronError:
            return

    async def close(self) -> None:
        """Close it; a read under way ends with empty bytes."""
        self._channel.abort()

    def _receive(self) -> bytes | int:
        received: bytes | int = self._holder[0].recv(_PIECE) if self._holder else b""
        return received

    def _send(self, data: bytes) -> None:
        while data and self._holder:
            data = data[self._holder[0].send(data) :]


class Serial(HostRole):
    """ports.hypervisor.SerialConsoles."""

    async def open(self, vm: VmId, *, force: bool, deadline_s: float) -> SerialLink:
        """Open the VM's serial console. Source: virDomainOpenConsole."""
        libvirt = self.libvirt
        flags = libvirt.VIR_DOMAIN_CONSOLE_FORCE if force else libvirt.VIR_DOMAIN_CONSOLE_SAFE
        channel = await self.access.open_channel(deadline_s=deadline_s)

        try:
            link = await LibvirtSerial.open(channel, vm, flags, deadline_s=deadline_s)
        except OperationError as error:
            channel.abort()
            if "Active console session" in error.detail:
                raise Conflict(
                    error.subject, "somebody else has its console open", "take it over if you must"
                ) from error
            raise
        except BaseException:
            channel.abort()
            raise
        # The console belongs to this connection: it must not outlive it unseen.
        self.channel.on_closed(channel.abort)
        return link
