"""The fleet: one immutable picture of every host, VM and pool, and how old each part of it is."""

from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

from novacron.model.fleet_counts import FleetCounts
from novacron.model.fleet_index import FleetIndex, find_vm, index_of
from novacron.model.host import HostReading
from novacron.model.ids import HostId, VmId
from novacron.model.link import Link
from novacron.model.persistent_map import PersistentMap
from novacron.model.sighting import FleetVm, Host, Sighting, join_sightings
from novacron.model.vm import VmReading

__all__ = ["Fleet", "FleetVm", "FleetVms", "Host", "HostTable", "Sighting"]

_NO_HOSTS: Mapping[HostId, Host] = MappingProxyType({})


class HostTable(Mapping[HostId, Host]):
    """Hosts in the order of fleet.toml; the next version of it shares all but the host that changed."""

    __slots__ = ("_by_id", "_order")

    def __init__(self, hosts: Mapping[HostId, Host]) -> None:
        self._order = tuple(hosts)
        self._by_id: PersistentMap[HostId, Host] = PersistentMap(hosts)

    def __getitem__(self, host: HostId) -> Host:
        return self._by_id[host]

    def __contains__(self, host: object) -> bool:
        return host in self._by_id

    def __iter__(self) -> Iterator[HostId]:
        return iter(self._order)

    def __len__(self) -> int:
        return len(self._order)

    def changed(self, host: Host) -> "HostTable":
        """Return the table with `host` replaced by the one given; a new one is the last."""
        after = HostTable.__new__(HostTable)
        after._order = self._order if host.id in self._by_id else (*self._order, host.id)
        after._by_id = self._by_id.changed({host.id: host})
        return after


class FleetVms(Mapping[VmId, FleetVm]):
    """Every VM by UUID, in the order of hosts. One that is asked for is joined then; all of them, when all are."""

    def __init__(self, fleet: "Fleet") -> None:
        self._fleet = fleet

    @cached_property
    def _joined(self) -> Mapping[VmId, FleetVm]:
        return _join_all(self._fleet.hosts.values())

    def __getitem__(self, vm_id: VmId) -> FleetVm:
        found = self._fleet.find_vm(vm_id)
        if found is None:
            raise KeyError(vm_id)
        return found

    def __contains__(self, vm_id: object) -> bool:
        return vm_id in self._fleet.index.vms.hosts

    def __iter__(self) -> Iterator[VmId]:
        return iter(self._joined)

    def __len__(self) -> int:
        return len(self._fleet.index.vms.hosts)

    def values(self) -> ValuesView[FleetVm]:
        """Return all VMs, in the order of hosts."""
        return self._joined.values()

    def items(self) -> ItemsView[VmId, FleetVm]:
        """Return all VMs by UUID, in the order of hosts."""
        return self._joined.items()


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """All hosts at one revision. Never changed: `with_host` gives the next one, and costs what changed."""

    revision: int = 0
    hosts: Mapping[HostId, Host] = field(default_factory=lambda: _NO_HOSTS)
    """In the order of fleet.toml."""
    former: tuple[HostReading, ...] = ()
    """The last readings of hosts that left fleet.toml: what they had may be in use there still."""

    def with_host(self, host: Host) -> "Fleet":
        """Return the next revision, with `host` replaced by the one given."""
        return self._changed(host, self.revision + 1)

    def with_hosts(self, hosts: Iterable[Host], revision: int) -> "Fleet":
        """Return the fleet of that revision, in which these hosts stand as given."""
        after = self._indexed(replace(self, revision=revision))
        for host in hosts:
            after = after._changed(host, revision)
        return after

    def with_reading(self, reading: HostReading, link: Link) -> "Fleet":
        """Return the next revision with a host's new reading and link.

        The one that comes later is the newer one, whatever its time says: clocks are set back.
        """
        return self.with_host(replace(self.hosts[reading.host], reading=reading, link=link))

    def with_look(self, host_id: HostId, vm_id: VmId, vm: VmReading | None) -> "Fleet":
        """Return this revision as a fresh look at one VM on one host tells it; None: the host does not know it."""
        return self.with_looks(host_id, {vm_id: vm})

    def with_looks(self, host_id: HostId, looks: Mapping[VmId, VmReading | None]) -> "Fleet":
        """Return this revision as fresh looks at VMs of one host tell it; None: the host does not know that VM."""
        host = self.hosts.get(host_id)
        if host is None or host.reading is None:
            return self
        others = (one for one in host.reading.vms if one.id not in looks)
        seen = (one for one in looks.values() if one is not None)
        return self._changed(replace(host, reading=replace(host.reading, vms=(*others, *seen))), self.revision)

    def without_former(self, uuid: str) -> "Fleet":
        """Return this revision without the former hosts that are this machine: it answers under another name."""
        if not any(uuid and one.facts.uuid == uuid for one in self.former):
            return self
        return self._indexed(replace(self, former=tuple(one for one in self.former if one.facts.uuid != uuid)))

    @cached_property
    def index(self) -> FleetIndex:
        """Which hosts know what. Made anew for a fleet of given hosts; each `with_…` takes it on by difference."""
        return index_of(self.hosts)

    @property
    def counts(self) -> FleetCounts:
        """How many there are of what."""
        return self.index.counts

    @cached_property
    def vms(self) -> FleetVms:
        """Every VM by UUID, in the order of hosts."""
        return FleetVms(self)

    def find_vm(self, vm_id: VmId) -> FleetVm | None:
        """Return the VM with this UUID, or None."""
        return find_vm(vm_id, self.index.vms, self.hosts)

    def sighting(self, vm_id: VmId, host_id: HostId) -> Sighting | None:
        """Return how `host_id` sees the VM, or None when it does not."""
        found = self.find_vm(vm_id)
        if found is None:
            return None
        return next((seen for seen in found.sightings if seen.host.id == host_id), None)

    def same_machine(self, uuid: str) -> tuple[Host, ...]:
        """Return the entries whose last words were of the machine with this UUID, sorted by name."""
        return tuple(self.hosts[host_id] for host_id in self.index.machines.of(uuid))

    def _changed(self, host: Host, revision: int) -> "Fleet":
        hosts = self.hosts if isinstance(self.hosts, HostTable) else HostTable(self.hosts)
        after = Fleet(revision=revision, hosts=hosts.changed(host), former=self.former)
        after.__dict__["index"] = self.index.changed(hosts, hosts.get(host.id), host)
        return after

    def _indexed(self, same: "Fleet") -> "Fleet":
        """Return a fleet of the same hosts with this one's index."""
        same.__dict__["index"] = self.index
        return same


def _join_all(hosts: Iterable[Host]) -> dict[VmId, FleetVm]:
    seen: dict[VmId, list[Sighting]] = {}
    for host in hosts:
        if host.reading is None:
            continue
        for vm_id, vm in host.reading.by_id.items():
            seen.setdefault(vm_id, []).append(Sighting(host=host, vm=vm))
    return {vm_id: join_sightings(sightings) for vm_id, sightings in seen.items()}
