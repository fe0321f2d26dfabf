"""What stays open: the stream of changes, and serial consoles."""

from collections.abc import AsyncIterator
from typing import Protocol

from novacron.model.caller import Caller
from novacron.model.ids import HostId, VmId
from novacron.ports.backend.changes import BackendChange
from novacron.ports.hypervisor import SerialLink


class Sessions(Protocol):
    """Connections that last."""

    def changes(self, caller: Caller) -> AsyncIterator[BackendChange]:
        """Yield full snapshots of fleet, operations and alerts first, then every change; never ends.

        A slow reader misses intermediate snapshots, never the last one.
        """

    async def open_serial(self, caller: Caller, vm: VmId, host: HostId, *, force: bool = False) -> SerialLink:
        """Open the VM's serial console. `force` takes it from whoever has it open."""
