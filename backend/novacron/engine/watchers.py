"""All pollers: where operations get their hypervisors from, and how they have a host read again."""

import asyncio
from collections.abc import Iterable, Sequence

from novacron.engine.poller import HostPoller, Watch
from novacron.model.errors import NotFound
from novacron.model.host import HostSpec
from novacron.model.ids import HostId
from novacron.ports.hypervisor import Hypervisor


class Watchers:
    """One poller per host, each in a task of its own."""

    def __init__(self, specs: Sequence[HostSpec], watch: Watch) -> None:
        self._pollers = {spec.id: HostPoller(spec, watch) for spec in specs}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to watch."""
        self._tasks = [asyncio.create_task(poller.run(), name=f"poll {host}") for host, poller in self._pollers.items()]

    async def stop(self) -> None:
        """Let go of every host."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def poller(self, host: HostId) -> HostPoller:
        """Return a host's poller.

        Raises:
            NotFound: no such host is in the fleet.
        """
        found = self._pollers.get(host)
        if found is None:
            raise NotFound(host, "no host of this name is in the fleet", "see: novacron hosts")
        return found

    def hypervisor(self, host: HostId) -> Hypervisor:
        """Return the connection to a host.

        Raises:
            NotFound: no such host is in the fleet.
            LinkError: it does not answer now.
        """
        return self.poller(host).hypervisor

    async def refresh(self, hosts: Iterable[HostId], *, inventory: bool = False) -> None:
        """Have these hosts read again; returns when each was, or could not be."""
        await asyncio.gather(
            *(self._pollers[host].refresh(inventory=inventory) for host in hosts if host in self._pollers)
        )
