"""The way from a backend to the simulated hosts: answers late or lost, events doubled, and a count of every effect."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any

from novacron.adapters.simulated.gateway import SimulatedGateway
from novacron.adapters.simulated.hypervisor import SimulatedHypervisor
from novacron.adapters.simulated.link import HostLink
from novacron.model.errors import NovaCronError, OutcomeUnknown
from novacron.model.host import HostSpec
from novacron.model.ids import HostId, OperationId
from novacron.ports.hypervisor import HostEvent
from tests.simulation.observed_world import ObservedWorld
from tests.simulation.ordered_set import OrderedSet
from tests.simulation.process import BackendProcess
from tests.simulation.trace import Trace

_ON_THE_WAY_S = 0.2


class FaultyNetwork:
    """What may go wrong between any backend and any host. The faults switch `trouble`, from 0 to 1."""

    def __init__(
        self,
        world: ObservedWorld,
        rng: Random,
        trace: Trace,
        on_request: Callable[[OperationId | None, HostId, str], None],
        on_effect: Callable[[OperationId | None, HostId, str], None],
    ) -> None:
        self.world = world
        self.rng = rng
        self.trace = trace
        self.on_request = on_request
        self.on_effect = on_effect
        self.trouble = 0.0


class FaultyGateway:
    """The way into the world of one backend process (ports.hypervisor.HypervisorGateway)."""

    def __init__(self, network: FaultyNetwork, process: BackendProcess) -> None:
        self._network = network
        self._process = process
        self._gateway = SimulatedGateway(network.world)
        self._links: list[HostLink] = []

    async def connect(self, spec: HostSpec, *, deadline_s: float) -> SimulatedHypervisor:
        """Connect as the simulated gateway does."""
        hypervisor = await self._gateway.connect(spec, deadline_s=deadline_s)
        link = hypervisor.link
        link._naps = OrderedSet()  # type: ignore[assignment]
        self._links.append(link)
        link.call = partial(self._call, link.call, link, spec.id)  # type: ignore[method-assign]
        link.deliver = partial(self._deliver, link.deliver)  # type: ignore[method-assign]
        return hypervisor

    def close_all(self) -> None:
        """Close every connection, as the kernel does when the process ends."""
        for link in self._links:
            link.close()

    def _deliver(self, deliver: Callable[[HostEvent], None], event: HostEvent) -> None:
        deliver(event)
        if self._network.rng.random() < self._network.trouble:
            deliver(event)

    async def _call(
        self,
        call: Callable[..., Any],
        link: HostLink,
        host: HostId,
        what: str,
        ask: Callable[[], Any],
        *,
        deadline_s: float,
        effects: bool = False,
        takes_s: float = 0.0,
    ) -> Any:
        network = self._network
        drawn = network.rng.random() / network.trouble if network.trouble else 1.0
        if not effects:
            if drawn < 0.05:
                link.lose(f"reset while it was asked to {what}")
            return await call(what, ask, deadline_s=deadline_s, takes_s=takes_s)
        operation = self._process.operation()
        network.on_request(operation, host, what)
        act = partial(self._act, operation, host, what, ask)
        if drawn >= 1.0 or link.is_closed or self._is_ill(host):
            return await call(what, act, deadline_s=deadline_s, effects=True, takes_s=takes_s)
        return await self._troubled(drawn, call, link, host, what, act, deadline_s=deadline_s, takes_s=takes_s)

    async def _troubled(
        self,
        drawn: float,
        call: Callable[..., Any],
        link: HostLink,
        host: HostId,
        what: str,
        act: Callable[[], Any],
        *,
        deadline_s: float,
        takes_s: float,
    ) -> Any:
        network = self._network
        if drawn < 0.2:
            network.trace.note(f"network: the request to {what} on {host} is lost")
            link.lose("reset before the request")
            raise OutcomeUnknown(host, f"{what}: the connection broke", "look at the host again")
        if drawn < 0.5:
            network.trace.note(f"network: the answer to {what} on {host} is lost")
            try:
                act()
            except NovaCronError as error:
                network.trace.note(f"network: nobody hears that {host} said: {error.detail}")
            link.lose("reset before the answer")
            raise OutcomeUnknown(host, f"{what}: the connection broke", "look at the host again")
        if drawn < 0.7:
            network.trace.note(f"network: {what} on {host} is carried out after its connection broke")
            network.world.later(_ON_THE_WAY_S * network.rng.random(), partial(_unheard, act))
            link.lose("reset after the request")
            raise OutcomeUnknown(host, f"{what}: the connection broke", "look at the host again")
        # Carried out at once, answered later: whoever is killed meanwhile has had its effect.
        answer: list[Any] = []
        try:
            answer.append(act())
        except NovaCronError as error:
            refusal = error

            def refuse() -> None:
                raise refusal

            return await call(what, refuse, deadline_s=deadline_s, effects=True, takes_s=takes_s)
        return await call(what, lambda: answer[0], deadline_s=deadline_s, effects=True, takes_s=takes_s + 0.5)

    def _is_ill(self, host: HostId) -> bool:
        condition = self._network.world.host(host).faults
        return condition.is_silent or condition.refuses is not None

    def _act(self, operation: OperationId | None, host: HostId, what: str, ask: Callable[[], Any]) -> Any:
        """Carry out what was asked, and count it where it took effect."""
        world = self._network.world
        world.remember_volumes()
        world.cause, before = operation, world.changes
        try:
            answer = ask()
        except NovaCronError as error:
            self._network.trace.note(f"{host}: {what} for {operation or 'nobody'}: no: {error.detail}")
            raise
        finally:
            world.cause = None
        changed = "" if world.changes != before else " (changes nothing)"
        self._network.trace.note(f"{host}: {what} for {operation or 'nobody'}{changed}")
        world.check_volumes(operation)
        self._network.on_effect(operation, host, what)
        return answer


def _unheard(act: Callable[[], Any]) -> None:
    """Act for somebody who is gone: nobody hears of a refusal."""
    with suppress(NovaCronError):
        act()
