"""Which adapter speaks to which host, by the scheme of its address; each is loaded when a host needs it."""

from collections.abc import Iterable, Sequence

from novacron.config.options import FleetOptions
from novacron.model.host import HostSpec
from novacron.ports.clock import Clock
from novacron.ports.hypervisor import Hypervisor, HypervisorGateway

_SIMULATED = "simulated://"
_SEED = 1
"""The same every time: a simulated fleet is found again after a restart as it was made."""


def hosts_and_gateway(
    options: FleetOptions, hosts: Sequence[HostSpec], clock: Clock
) -> tuple[Sequence[HostSpec], HypervisorGateway]:
    """Return the hosts to watch and the way to them. A fleet file may name simulated hosts beside real ones."""
    if options.simulated:
        simulated = _simulated(options, clock)
        return simulated[0], simulated[1]
    gateway = _ByScheme(options, clock)
    gateway.make_ready_for(hosts)
    return hosts, gateway


class _ByScheme:
    """ports.hypervisor.HypervisorGateway for a fleet of both kinds, whose hosts may change."""

    def __init__(self, options: FleetOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._made: dict[bool, HypervisorGateway] = {}

    def make_ready_for(self, hosts: Iterable[HostSpec]) -> None:
        """Load now what these hosts need, before anybody waits for it."""
        for spec in hosts:
            self._for(spec)

    async def connect(self, spec: HostSpec, *, deadline_s: float) -> Hypervisor:
        """Connect by the adapter that the spec's address belongs to."""
        return await self._for(spec).connect(spec, deadline_s=deadline_s)

    def _for(self, spec: HostSpec) -> HypervisorGateway:
        simulated = _is_simulated(spec)
        if simulated not in self._made:
            self._made[simulated] = _simulated(self._options, self._clock)[1] if simulated else _libvirt(self._clock)
        return self._made[simulated]


def _is_simulated(spec: HostSpec) -> bool:
    return spec.uri.startswith(_SIMULATED)


def _simulated(options: FleetOptions, clock: Clock) -> tuple[Sequence[HostSpec], HypervisorGateway]:
    from novacron.adapters.simulated.churn import Churn
    from novacron.adapters.simulated.gateway import SimulatedGateway
    from novacron.adapters.simulated.population import let_figures_rest, world_of_fleet

    hosts, percent = options.simulated_hosts, options.simulated_churn
    world = world_of_fleet(hosts=hosts, vms=hosts * options.simulated_vms, seed=_SEED, clock=clock)
    if percent is None:
        return world.specs, SimulatedGateway(world)
    let_figures_rest(world, percent=percent)
    return world.specs, SimulatedGateway(world, Churn(world, percent=percent, seed=_SEED))


def _libvirt(clock: Clock) -> HypervisorGateway:
    from novacron.adapters.libvirt.gateway import LibvirtGateway

    return LibvirtGateway(clock)
