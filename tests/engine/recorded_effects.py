"""A way into a simulated world that keeps a list of what hosts were made to do."""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from novacron.adapters.simulated.gateway import SimulatedGateway
from novacron.adapters.simulated.hypervisor import SimulatedHypervisor
from novacron.adapters.simulated.link import HostLink
from novacron.adapters.simulated.world import World
from novacron.model.host import HostSpec

T = TypeVar("T")


class RecordingGateway:
    """The simulated gateway; `effects` counts what took effect, by host and verb, over all connections."""

    def __init__(self, world: World) -> None:
        self._gateway = SimulatedGateway(world)
        self.effects: Counter[tuple[str, str]] = Counter()

    async def connect(self, spec: HostSpec, *, deadline_s: float) -> SimulatedHypervisor:
        """Connect as the simulated gateway does."""
        hypervisor = await self._gateway.connect(spec, deadline_s=deadline_s)
        self._record(hypervisor.link, spec.id)
        return hypervisor

    def _record(self, link: HostLink, host: str) -> None:
        call = link.call

        async def recorded(
            what: str, ask: Callable[[], T], *, deadline_s: float, effects: bool = False, takes_s: float = 0.0
        ) -> T:
            def act() -> T:
                answer = ask()
                if effects:
                    self.effects[host, what] += 1
                return answer

            return await call(what, act, deadline_s=deadline_s, effects=effects, takes_s=takes_s)

        link.call = recorded  # type: ignore[method-assign]
