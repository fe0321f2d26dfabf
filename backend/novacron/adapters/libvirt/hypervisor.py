"""One connected libvirt hypervisor: its roles over one connection."""

from novacron.adapters.libvirt.access import HostAccess
from novacron.adapters.libvirt.channel import Channel
from novacron.adapters.libvirt.definer import Definer
from novacron.adapters.libvirt.device_changer import DeviceChanger
from novacron.adapters.libvirt.migrator import Migrator
from novacron.adapters.libvirt.power import Power
from novacron.adapters.libvirt.reader import Reader
from novacron.adapters.libvirt.serial import Serial
from novacron.adapters.libvirt.storage import Storage
from novacron.model.capability import Capabilities
from novacron.model.host import HostSpec
from novacron.ports.clock import Clock


class LibvirtHypervisor:
    """A libvirt host, connected (ports.hypervisor.Hypervisor)."""

    def __init__(
        self,
        spec: HostSpec,
        access: HostAccess,
        channel: Channel,
        clock: Clock,
        *,
        capabilities: Capabilities | None = None,
    ) -> None:
        """`capabilities`: what it cannot do; None: nothing is known of that."""
        self.spec = spec
        self.access = access
        self.channel = channel
        self.capabilities = capabilities or Capabilities()
        self.reader = Reader(spec, access, channel, clock, self.capabilities)
        self.power = Power(spec, access, channel, clock)
        self.definitions = Definer(spec, access, channel, clock)
        self.migration = Migrator(spec, access, channel, clock)
        self.storage = Storage(spec, access, channel, clock)
        self.devices = DeviceChanger(spec, access, channel, clock)
        self.serial = Serial(spec, access, channel, clock)
        for role in (self.power, self.definitions, self.migration, self.devices):
            role.on_changed = self.reader.learn_again

    async def close(self) -> None:
        """Let go at once."""
        self.reader.close()
        self.channel.abort()
        self.access.abort()
