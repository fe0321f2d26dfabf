"""Which hosts know a VM, a pool or a machine, and how many of each there are: kept by difference, one host at a time.

What a change costs depends on the VMs of the host that changed, never on the size of the fleet.
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, TypeVar

from novacron.model.fleet_counts import Counted, FleetCounts, count_host, count_pool, count_vm
from novacron.model.ids import HostId, VmId
from novacron.model.persistent_map import PersistentMap
from novacron.model.sighting import FleetVm, Host, Sighting, join_sightings
from novacron.model.storage import Pool
from novacron.model.vm import VmReading

K = TypeVar("K")
Hosts = Mapping[HostId, Host]

_NO_VMS: Mapping[VmId, VmReading] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Places(Generic[K]):
    """Which hosts know a thing."""

    hosts: PersistentMap[K, tuple[HostId, ...]] = field(default_factory=PersistentMap)
    several: PersistentMap[K, tuple[HostId, ...]] = field(default_factory=PersistentMap)
    """Those of more than one host alone."""

    def of(self, key: K) -> tuple[HostId, ...]:
        """Return the hosts that know it, sorted."""
        return self.hosts.get(key, ())

    def changed(self, host: HostId, before: AbstractSet[K], after: AbstractSet[K]) -> "Places[K]":
        """Return the places when one host, which knew what is in `before`, knows what is in `after`."""
        known = {key: tuple(sorted((*self.of(key), host))) for key in after - before}
        known |= {key: tuple(one for one in self.of(key) if one != host) for key in before - after}
        if not known:
            return self
        return Places(
            self.hosts.changed({key: at for key, at in known.items() if at}, [key for key in known if not known[key]]),
            self.several.changed(
                {key: at for key, at in known.items() if len(at) > 1}, [key for key in known if len(known[key]) < 2]
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetIndex:
    """What is known of the fleet as a whole."""

    vms: Places[VmId] = field(default_factory=Places)
    pools: Places[str] = field(default_factory=Places)
    """By `place_of_pool`."""
    machines: Places[str] = field(default_factory=Places)
    """Which entries are which machine, by the UUID it said last."""
    counts: FleetCounts = field(default_factory=FleetCounts)

    def changed(self, hosts: Hosts, before: Host | None, after: Host) -> "FleetIndex":
        """Return the index when a host changed; `hosts` are those of before, None: it was not among them."""
        old_vms, new_vms = _vms_of(before), _vms_of(after)
        old_pools, new_pools = _pools_of(before), _pools_of(after)
        vms = self.vms.changed(after.id, old_vms.keys(), new_vms.keys())
        pools = self.pools.changed(after.id, old_pools.keys(), new_pools.keys())
        # When it begins or ceases to answer, all that it tells of is known in another way.
        whole = before is None or before.is_current != after.is_current
        other_vms = [key for key in {**old_vms, **new_vms} if whole or _differ(old_vms.get(key), new_vms.get(key))]
        other_pools = [key for key in {**old_pools, **new_pools} if whole or old_pools.get(key) != new_pools.get(key)]
        added = (
            *count_host(after),
            *_count_vms(other_vms, vms, hosts, after),
            *_count_pools(other_pools, pools, hosts, after),
        )
        removed = (
            *(count_host(before) if before is not None else ()),
            *_count_vms(other_vms, self.vms, hosts, before),
            *_count_pools(other_pools, self.pools, hosts, before),
        )
        return FleetIndex(
            vms=vms,
            pools=pools,
            machines=self.machines.changed(after.id, _machine_of(before), _machine_of(after)),
            counts=self.counts.changed(added, removed),
        )


def index_of(hosts: Hosts) -> FleetIndex:
    """Return the index of these hosts, made anew."""
    vms: dict[VmId, list[HostId]] = {}
    pools: dict[str, list[HostId]] = {}
    machines: dict[str, list[HostId]] = {}
    for host in hosts.values():
        for vm_id in _vms_of(host):
            vms.setdefault(vm_id, []).append(host.id)
        for place in _pools_of(host):
            pools.setdefault(place, []).append(host.id)
        for machine in _machine_of(host):
            machines.setdefault(machine, []).append(host.id)
    vm_places, pool_places = _places(vms), _places(pools)
    counted: list[Counted] = [one for host in hosts.values() for one in count_host(host)]
    counted += _count_vms(vms, vm_places, hosts, None)
    counted += _count_pools(pools, pool_places, hosts, None)
    return FleetIndex(
        vms=vm_places, pools=pool_places, machines=_places(machines), counts=FleetCounts().changed(counted)
    )


def find_vm(vm_id: VmId, places: Places[VmId], hosts: Hosts) -> FleetVm | None:
    """Return the VM joined from what the hosts that know it say, or None."""
    return _join_vm(vm_id, (hosts[host_id] for host_id in places.of(vm_id)))


def place_of_pool(host: Host, pool: Pool) -> str:
    """Return what makes it the same pool on two hosts: sites mount storage of their own under the same paths."""
    return f"shared:{host.spec.site}:{pool.kind}:{pool.path or pool.name}" if pool.shared else f"{host.id}:{pool.id}"


def _join_vm(vm_id: VmId, hosts: Iterable[Host]) -> FleetVm | None:
    seen = [Sighting(host=host, vm=vm) for host in hosts if (vm := _vms_of(host).get(vm_id)) is not None]
    return join_sightings(seen) if seen else None


def _places(lists: Mapping[K, list[HostId]]) -> Places[K]:
    known = {key: tuple(sorted(hosts)) for key, hosts in lists.items()}
    return Places(PersistentMap(known), PersistentMap({key: at for key, at in known.items() if len(at) > 1}))


def _vms_of(host: Host | None) -> Mapping[VmId, VmReading]:
    return host.reading.by_id if host is not None and host.reading is not None else _NO_VMS


def _pools_of(host: Host | None) -> dict[str, Pool]:
    if host is None or host.reading is None:
        return {}
    return {place_of_pool(host, pool): pool for pool in reversed(host.reading.pools)}


def _machine_of(host: Host | None) -> AbstractSet[str]:
    return {host.reading.facts.uuid} if host is not None and host.reading and host.reading.facts.uuid else frozenset()


def _at(host_id: HostId, hosts: Hosts, other: Host | None) -> Host:
    """Return a host, `other` where it is the one meant."""
    return other if other is not None and other.id == host_id else hosts[host_id]


def _differ(before: VmReading | None, after: VmReading | None) -> bool:
    """Whether a VM may have to be counted differently."""
    if before is None or after is None:
        return before is not after
    return before.state is not after.state or before.reason is not after.reason


def _count_vms(vms: Iterable[VmId], places: Places[VmId], hosts: Hosts, host: Host | None) -> Iterator[Counted]:
    """Yield these VMs counted; `host` is taken instead of the one of its name, None: all are as they are."""
    for vm_id in vms:
        vm = _join_vm(vm_id, (_at(host_id, hosts, host) for host_id in places.of(vm_id)))
        if vm is not None:
            yield count_vm(vm), 1


def _count_pools(wanted: Iterable[str], places: Places[str], hosts: Hosts, host: Host | None) -> Iterator[Counted]:
    """Yield these pools counted, each by a host that answers, the first by name, where there is one."""
    for place in wanted:
        tellers = sorted(
            (_at(host_id, hosts, host) for host_id in places.of(place)), key=lambda one: (not one.is_current, one.id)
        )
        if tellers:
            yield from count_pool(_pools_of(tellers[0])[place], is_current=tellers[0].is_current)
