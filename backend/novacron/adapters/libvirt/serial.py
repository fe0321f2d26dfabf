"""A VM's serial console as a libvirt stream, on a connection of its own: closing it can wait for nobody."""

from typing import Any

from novacron.adapters.libvirt.channel import Channel
from novacron.model.errors import NovaCronError

_PIECE = 4096


class LibvirtSerial:
    """ports.hypervisor.SerialLink."""

    def __init__(self, channel: Channel, stream: Any) -> None:  # noqa: ANN401 - libvirt.virStream
        self._channel = channel
        self._stream = stream

    async def read(self) -> bytes:
        """Return the next bytes; empty when the VM stopped, or it was closed or taken away."""
        try:
            data: bytes | int = await self._channel.call(
                "reading its console", lambda _: self._stream.recv(_PIECE), deadline_s=None
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

    def _send(self, data: bytes) -> None:
        while data:
            data = data[self._stream.send(data) :]


_TYPE_DEADLINE_S = 10.0
