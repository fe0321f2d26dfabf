"""Connects to hosts of a simulated world (ports.hypervisor.HypervisorGateway)."""

from novacron.adapters.simulated.churn import Churn
from novacron.adapters.simulated.host import SimulatedHost
from novacron.adapters.simulated.host_faults import refusal
from novacron.adapters.simulated.hypervisor import SimulatedHypervisor
from novacron.adapters.simulated.link import HostLink
from novacron.adapters.simulated.world import World
from novacron.model.errors import DeadlineExceeded, LinkError
from novacron.model.host import HostSpec
from novacron.model.ids import HostId
from novacron.model.link import LinkStatus

_SCHEME = "simulated://"


class SimulatedGateway:
    """Connects to the hosts of one simulated world."""

    def __init__(self, world: World, churn: Churn | None = None) -> None:
        """`churn` begins with the first connection; None: nothing happens by itself."""
        self._world = world
        self._churn = churn

    async def connect(self, spec: HostSpec, *, deadline_s: float) -> SimulatedHypervisor:
        """Connect to the host that the spec's simulated://NAME names."""
        if self._churn is not None:
            self._churn.begin()
        host = self._find(spec)
        link = HostLink(spec.id, host.faults, self._world.clock)
        host.links.add(link)
        try:
            await self._reach(spec, host, link, deadline_s=deadline_s)
        except BaseException:
            # Also when cancelled: an attempt that was given up leaves nothing behind.
            host.links.discard(link)
            raise
        link.on_closed(lambda: host.links.discard(link))
        return SimulatedHypervisor(self._world, host, link, spec)

    async def _reach(self, spec: HostSpec, host: SimulatedHost, link: HostLink, *, deadline_s: float) -> None:
        self._require_welcome(spec, host)
        try:
            await link.until_answered("connect", deadline_s=deadline_s)
        except DeadlineExceeded as error:
            if host.faults.black_holed:
                raise LinkError(
                    spec.id,
                    f"connecting did not complete within {deadline_s:g} s",
                    "check that the host is up and the network between",
                ) from error
            raise
        self._require_welcome(spec, host)

    def _require_welcome(self, spec: HostSpec, host: SimulatedHost) -> None:
        if host.faults.refuses is not None:
            raise refusal(spec.id, host.faults.refuses)

    def _find(self, spec: HostSpec) -> SimulatedHost:
        host = self._world.hosts.get(HostId(spec.uri.removeprefix(_SCHEME)))
        if not spec.uri.startswith(_SCHEME) or host is None:
            raise LinkError(
                spec.id,
                f"no simulated host at {spec.address}",
                "simulated hosts are made by --simulated",
                status=LinkStatus.UNREACHABLE,
            )
        return host
