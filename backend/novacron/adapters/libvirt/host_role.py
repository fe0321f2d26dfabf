"""The base of every role of a libvirt hypervisor: one host, the access to it, and its main connection.

A query reads; a change has effects, so that a link that breaks under it leaves its outcome unknown.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from novacron.adapters.libvirt.access import HostAccess
from novacron.adapters.libvirt.binding import load_libvirt
from novacron.adapters.libvirt.channel import Channel, Connection
from novacron.model.host import HostSpec
from novacron.model.ids import VmId
from novacron.ports.clock import Clock

T = TypeVar("T")
_CHANNEL_DEADLINE_S = 10.0
Domain = Any
"""libvirt.virDomain: the module has no types of its own."""


class HostRole:
    """A role of one host."""

    def __init__(self, spec: HostSpec, access: HostAccess, channel: Channel, clock: Clock) -> None:
        self.spec = spec
        self.access = access
        self.channel = channel
        self.clock = clock
        self.libvirt = load_libvirt()
        self.on_changed: Callable[[VmId], None] = lambda _: None
        """Told which VM a call was to change, however it ended: libvirt tells of no change of a stored device."""

    async def query(self, what: str, work: Callable[[Connection], T], *, deadline_s: float) -> T:
        """Run a call that changes nothing."""
        return await self.channel.call(what, work, deadline_s=deadline_s)

    async def change(self, what: str, work: Callable[[Connection], T], *, deadline_s: float) -> T:
        """Run a call that changes something."""
        return await self.channel.call(what, work, deadline_s=deadline_s, effects=True)

    async def change_apart(self, what: str, work: Callable[[Connection], T], *, deadline_s: float) -> T:
        """`change` on a connection of its own, for a call that may last.

        In libvirt 9.0 a call beside one that is under way on its connection may wait until that one has ended:
        the host would not be read meanwhile, and seem gone; and no other call's deadline may end this one.
        """
        # libvirt's test driver runs in this process: a second connection would be a second host.
        if self.spec.uri.startswith("test:"):
            return await self.change(what, work, deadline_s=deadline_s)
        channel = await self.access.open_channel(deadline_s=_CHANNEL_DEADLINE_S)
        try:
            return await channel.call(what, work, deadline_s=deadline_s, effects=True)
        finally:
            channel.abort()

    async def change_vm(self, what: str, vm: VmId, work: Callable[[Domain], T], *, deadline_s: float) -> T:
        """Run a call that changes one VM."""
        try:
            return await self.change(
                what, lambda connection: work(connection.lookupByUUIDString(vm)), deadline_s=deadline_s
            )
        finally:
            self.on_changed(vm)

    async def query_vm(self, what: str, vm: VmId, work: Callable[[Domain], T], *, deadline_s: float) -> T:
        """Run a call that reads one VM."""
        return await self.query(what, lambda connection: work(connection.lookupByUUIDString(vm)), deadline_s=deadline_s)
