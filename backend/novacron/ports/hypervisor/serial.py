"""Opens the serial consoles of a host's VMs."""

from typing import Protocol

from novacron.model.ids import VmId


class SerialLink(Protocol):
    """A VM's serial console, open."""

    async def read(self) -> bytes:
        """Return the next bytes of at most 4 KiB; empty when it was closed by the far side."""

    async def write(self, data: bytes) -> None:
        """Send keystrokes."""

    async def close(self) -> None:
        """Close it; reading ends with empty bytes."""


class SerialConsoles(Protocol):
    """Opens serial consoles."""

    async def open(self, vm: VmId, *, force: bool, deadline_s: float) -> SerialLink:
        """Open it; Conflict when somebody else has it, unless `force` takes it away."""
