"""What every role of a simulated hypervisor stands on: one host, seen over one link."""

from novacron.adapters.simulated.host import SimulatedHost
from novacron.adapters.simulated.link import HostLink
from novacron.adapters.simulated.world import World
from novacron.model.host import HostSpec


class Role:
    """The host, the link to it, and the world it is in."""

    def __init__(self, world: World, host: SimulatedHost, link: HostLink, spec: HostSpec) -> None:
        self.world = world
        self.host = host
        self.link = link
        self.spec = spec
        """What the fleet file says of the host: possibly another name than its own."""
