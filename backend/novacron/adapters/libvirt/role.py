"""What every role of a libvirt hypervisor stands on: one host, the way to it, and its main connection."""

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


class Role:
    """The host, the way to it, and its connection."""

    def __init__(self, spec: HostSpec, access: HostAccess, channel: Channel, clock: Clock) -> None:
        self.spec = spec
        self.access = access
        self.channel = channel
        self.clock = clock
        self.libvirt = load_libvirt()

    async def ask(self, what: str, work: Callable[[Connection], T], *, deadline_s: float) -> T:
        """Run a call that changes nothing."""
        return await self.channel.call(what, work, deadline_s=deadline_s)

    async def tell(self, what: str, work: Callable[[Connection], T], *, deadline_s: float) -> T:
        """Run a call that changes something: a link that breaks meanwhile leaves its outcome unknown."""
        return await self.channel.call(what, work, deadline_s=deadline_s, effects=True)

    async def tell_apart(self, what: str, work: Callable[[Connection], T], *, deadline_s: float) -> T:
        """`tell` on a connection of its own, for a call that may last.

        In libvirt 9.0 a call beside one that is under way on its connection may wait until that one has ended:
        the host would not be read meanwhile, and seem gone; and no other call's deadline may end this one.
        """
        # libvirt's test driver runs in this process: a second connection would be a second host.
        if self.spec.uri.startswith("test:"):
            return await self.tell(what, work, deadline_s=deadline_s)
        channel = await self.access.open_channel(deadline_s=_CHANNEL_DEADLINE_S)
        try:
            return await channel.call(what, work, deadline_s=deadline_s, effects=True)
        finally:
            channel.abort()

    async def tell_vm(self, what: str, vm: VmId, work: Callable[[Domain], T], *, deadline_s: float) -> T:
        """Run a call that changes one VM."""
        return await self.tell(what, lambda connection: work(connection.lookupByUUIDString(vm)), deadline_s=deadline_s)

    async def ask_vm(self, what: str, vm: VmId, work: Callable[[Domain], T], *, deadline_s: float) -> T:
        """Run a call that reads one VM."""
        return await self.ask(what, lambda connection: work(connection.lookupByUUIDString(vm)), deadline_s=deadline_s)
