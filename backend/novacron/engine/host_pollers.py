"""All pollers: where operations get their hypervisors from, and how they have a host read again."""

import asyncio
from collections.abc import Iterable, Sequence

from novacron.engine.poller import HostPoller, PollerContext
from novacron.engine.supervisor import Supervisor
from novacron.model.errors import NotFound
from novacron.model.host import HostSpec
from novacron.model.ids import HostId
from novacron.ports.hypervisor import Hypervisor


class HostPollers:
    """One poller per host, each in a task of its own."""

    def __init__(self, specs: Sequence[HostSpec], context: PollerContext, supervisor: Supervisor) -> None:
        self._context = context
        self._supervisor = supervisor
        self._pollers = {spec.id: HostPoller(spec, context) for spec in specs}
        self._tasks: dict[HostId, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin to watch."""
        for host in self._pollers:
            self._begin(host)

    async def stop(self) -> None:
        """Let go of every host."""
        await self._end(tuple(self._tasks))

    async def replace(self, specs: Sequence[HostSpec]) -> None:
        """Watch these hosts instead: close those that are gone or changed, keep the others."""
        wanted = {spec.id: spec for spec in specs}
        known = self._pollers.items()
        await self._end([host for host, poller in known if not _is_reached_as(wanted.get(host), poller.spec)])
        self._context.store.set_hosts(specs)
        for host, spec in wanted.items():
            if host not in self._pollers:
                self._pollers[host] = HostPoller(spec, self._context)
                self._begin(host)

    def _begin(self, host: HostId) -> None:
        self._tasks[host] = self._supervisor.keep(f"polling {host}", self._pollers[host].run)

    async def _end(self, hosts: Sequence[HostId]) -> None:
        tasks = [self._tasks.pop(host) for host in hosts]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for host in hosts:
            del self._pollers[host]

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


def _is_reached_as(wanted: HostSpec | None, known: HostSpec) -> bool:
    return wanted is not None and wanted.is_reached_as(known)
