"""One connected simulated hypervisor: its roles over one link."""

from novacron.adapters.simulated.definer import Definer
from novacron.adapters.simulated.devices import Devices
from novacron.adapters.simulated.host import SimulatedHost
from novacron.adapters.simulated.link import HostLink
from novacron.adapters.simulated.migrator import Migrator
from novacron.adapters.simulated.power import Power
from novacron.adapters.simulated.reader import Reader
from novacron.adapters.simulated.serial_consoles import SerialConsoles
from novacron.adapters.simulated.storage import Storage
from novacron.adapters.simulated.world import World
from novacron.model.host import HostSpec


class SimulatedHypervisor:
    """A simulated host, connected (ports.hypervisor.Hypervisor)."""

    def __init__(self, world: World, host: SimulatedHost, link: HostLink, spec: HostSpec) -> None:
        self.spec = spec
        self.host = host
        self.link = link
        self.capabilities = host.facts.capabilities
        self.reader = Reader(world, host, link, spec)
        self.power = Power(world, host, link, spec)
        self.definitions = Definer(world, host, link, spec)
        self.migration = Migrator(world, host, link, spec)
        self.storage = Storage(world, host, link, spec)
        self.devices = Devices(world, host, link, spec)
        self.serial = SerialConsoles(world, host, link, spec)

    async def close(self) -> None:
        """Let go at once."""
        self.link.close()
        self.host.links.discard(self.link)
