"""Running counts of a fleet: a change adds what it brings and takes away what was there; nothing is summed anew."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from novacron.model.link import LinkStatus
from novacron.model.sighting import FleetVm, Host
from novacron.model.storage import Pool
from novacron.model.vm import StateReason, VmState

CountKey = VmState | LinkStatus | str
"""What is counted: VMs in a state, hosts by their link, or what the string names."""
Counted = tuple[CountKey, int]

_NOTHING: Mapping[CountKey, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetCounts:
    """How many there are of what. Integers only: differences of floating-point figures would drift."""

    amounts: Mapping[CountKey, int] = field(default_factory=lambda: _NOTHING)
    """Without those that are 0."""

    def vms_in(self, state: VmState) -> int:
        """Return how many VMs are in that state by the reading of a host that answers; a crashed guest is crashed."""
        return self.amounts.get(state, 0)

    @property
    def vms_unknown(self) -> int:
        """VMs whose host does not answer: their state is not known now."""
        return self.amounts.get("VMs unknown", 0)

    def hosts_by_link(self, status: LinkStatus) -> int:
        """Return how many hosts have that link."""
        return self.amounts.get(status, 0)

    @property
    def hosts_read(self) -> int:
        """Hosts that were ever read."""
        return self.amounts.get("hosts read", 0)

    @property
    def hosts_first_tried(self) -> int:
        """Hosts that are being connected to for the first time, and were never read."""
        return self.amounts.get("hosts first tried", 0)

    @property
    def cores(self) -> int:
        """CPU cores of the hosts that answer."""
        return self.amounts.get("cores", 0)

    @property
    def busy_millicores(self) -> int:
        """How many thousandths of those cores are busy, where the host can tell."""
        return self.amounts.get("busy millicores", 0)

    @property
    def memory_mib(self) -> int:
        """Memory of the hosts that answer."""
        return self.amounts.get("memory MiB", 0)

    @property
    def memory_used_mib(self) -> int:
        """How much of that memory is used, where the host can tell."""
        return self.amounts.get("memory used MiB", 0)

    @property
    def pools(self) -> int:
        """Pools; one that several hosts share is one."""
        return self.amounts.get("pools", 0)

    @property
    def pools_capacity_mib(self) -> int:
        """Size of the pools of known size that a host which answers tells of."""
        return self.amounts.get("pools capacity MiB", 0)

    @property
    def pools_available_mib(self) -> int:
        """How much room is left in those pools."""
        return self.amounts.get("pools available MiB", 0)

    def changed(self, added: Iterable[Counted], removed: Iterable[Counted] = ()) -> "FleetCounts":
        """Return the counts with these amounts added and those removed."""
        amounts = dict(self.amounts)
        for key, amount in added:
            amounts[key] = amounts.get(key, 0) + amount
        for key, amount in removed:
            amounts[key] = amounts.get(key, 0) - amount
        return FleetCounts(amounts=MappingProxyType({key: amount for key, amount in amounts.items() if amount}))


def count_vm(vm: FleetVm) -> CountKey:
    """Return what a VM is counted as."""
    if not vm.home.is_current:
        return "VMs unknown"
    return VmState.CRASHED if vm.home.vm.reason is StateReason.CRASHED else vm.home.vm.state


def count_host(host: Host) -> Iterator[Counted]:
    """Yield what a host itself is counted as; its VMs and pools are counted by themselves."""
    yield host.link.status, 1
    if host.reading is None:
        if host.link.status is LinkStatus.CONNECTING and not host.link.attempts:
            yield "hosts first tried", 1
        return
    yield "hosts read", 1
    if not host.is_current:
        return
    facts, load = host.reading.facts, host.reading.load
    yield "cores", facts.cores
    yield "memory MiB", facts.memory_mib
    if load.memory_used_mib is not None:
        yield "memory used MiB", load.memory_used_mib
    if load.cpu_percent is not None:
        yield "busy millicores", round(load.cpu_percent * facts.cores * 10)


def count_pool(pool: Pool, *, is_current: bool) -> Iterator[Counted]:
    """Yield what a pool is counted as; `is_current`: a host that answers tells of it."""
    yield "pools", 1
    if is_current and pool.capacity_mib is not None and pool.available_mib is not None:
        yield "pools capacity MiB", pool.capacity_mib
        yield "pools available MiB", pool.available_mib
