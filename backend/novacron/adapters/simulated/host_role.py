"""The base of every role of a simulated hypervisor: one host, reached over one link."""

from novacron.adapters.simulated.host import SimulatedHost
from novacron.adapters.simulated.link import HostLink
from novacron.adapters.simulated.world import World
from novacron.model.host import HostSpec


class HostRole:
    """A role of one host."""

    def __init__(self, world: World, host: SimulatedHost, link: HostLink, spec: HostSpec) -> None:
        self.world = world
        self.host = host
        self.link = link
        self.spec = spec
        """What the fleet file says of the host: possibly another name than its own."""
