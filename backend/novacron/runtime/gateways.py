"""Which adapter speaks to which host, by the scheme of its address; each is loaded when a host needs it."""

from collections.abc import Sequence

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
    if not any(_is_simulated(spec) for spec in hosts):
        return hosts, _libvirt(clock)
    _, gateway = _simulated(options, clock)
    real = None if all(_is_simulated(spec) for spec in hosts) else _libvirt(clock)
    return hosts, _ByScheme(gateway, real)


class _ByScheme:
    """ports.hypervisor.HypervisorGateway for a fleet of both kinds."""

    def __init__(self, simulated: HypervisorGateway, real: HypervisorGateway | None) -> None:
        self._simulated = simulated
        self._real = real

    async def connect(self, spec: HostSpec, *, deadline_s: float) -> Hypervisor:
        """Connect by the adapter that the spec's address belongs to."""
        gateway = self._simulated if _is_simulated(spec) or self._real is None else self._real
        return await gateway.connect(spec, deadline_s=deadline_s)


def _is_simulated(spec: HostSpec) -> bool:
    return spec.uri.startswith(_SIMULATED)


def _simulated(options: FleetOptions, clock: Clock) -> tuple[Sequence[HostSpec], HypervisorGateway]:
    from novacron.adapters.simulated.gateway import SimulatedGateway
    from novacron.adapters.simulated.world import World

    world = World.of_fleet(hosts=options.simulated_hosts, vms=options.simulated_vms, seed=_SEED, clock=clock)
    return world.specs, SimulatedGateway(world)


def _libvirt(clock: Clock) -> HypervisorGateway:
    from novacron.adapters.libvirt.gateway import LibvirtGateway

    return LibvirtGateway(clock)
