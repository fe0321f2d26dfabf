"""A link that breaks under the same call again and again: the step is settled each time, in bounded memory."""

from collections.abc import Callable
from typing import TypeVar

from novacron.adapters.simulated.gateway import SimulatedGateway
from novacron.adapters.simulated.hypervisor import SimulatedHypervisor
from novacron.adapters.simulated.world import World
from novacron.model.errors import NovaCronError, OutcomeUnknown
from novacron.model.host import HostSpec
from novacron.model.operation import OperationState
from novacron.model.operations.deletion import DeleteVm
from novacron.model.vm import VmState
from tests.builders import an_id
from tests.engine.site import A, Site

T = TypeVar("T")
VM = an_id("web-1")
FLAPS = 5_000


class FlappingGateway:
    """The simulated gateway; the link breaks under the first `flaps` calls named `what`, before they take effect."""

    def __init__(
        self, world: World, what: str, flaps: int, error: Callable[[str, str], NovaCronError] = OutcomeUnknown
    ) -> None:
        self._gateway = SimulatedGateway(world)
        self._what = what
        self.flaps_left = flaps
        self._error = error

    async def connect(self, spec: HostSpec, *, deadline_s: float) -> SimulatedHypervisor:
        """Connect as the simulated gateway does."""
        hypervisor = await self._gateway.connect(spec, deadline_s=deadline_s)
        link = hypervisor.link
        call = link.call

        async def flap(
            what: str, ask: Callable[[], T], *, deadline_s: float, effects: bool = False, takes_s: float = 0.0
        ) -> T:
            if what == self._what and self.flaps_left > 0:
                self.flaps_left -= 1
                raise self._error(spec.id, f"{what}: it failed before it took effect")
            return await call(what, ask, deadline_s=deadline_s, effects=effects, takes_s=takes_s)

        link.call = flap  # type: ignore[method-assign]
        return hypervisor


async def test_a_disk_whose_deletion_is_interrupted_5000_times_is_deleted_in_the_end(site: Site) -> None:
    gateway = FlappingGateway(site.world, "delete disk", FLAPS)
    site.gateway, site.only = gateway, (A,)
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    operation = await site.accepted(DeleteVm(vm=VM, host=A, with_disks=True))
    ended = await site.ended(operation, limit_s=100_000)
    assert gateway.flaps_left == 0
    assert ended.state is OperationState.DONE, ended.outcome
    assert "/srv/shared/web-1.qcow2" not in site.world.host(A).pool("shared").store.volumes
