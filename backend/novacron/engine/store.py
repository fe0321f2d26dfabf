"""The one fleet. Pollers are its only writers; everybody reads the immutable value."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from novacron.engine.continuity import Continuity
from novacron.model.fleet import Fleet, Host, HostTable
from novacron.model.host import HostReading, HostSpec
from novacron.model.ids import HostId
from novacron.model.link import Link, LinkStatus
from novacron.model.storage import Pool
from novacron.model.vm import VmReading
from novacron.ports.clock import Clock


class FleetStore:
    """Holds the fleet, and gives each change a revision."""

    def __init__(self, specs: Sequence[HostSpec], clock: Clock, on_change: Callable[[Fleet, bool], None]) -> None:
        """`on_change` is given the fleet, and whether more than figures changed in it."""
        self._clock = clock
        self._on_change = on_change
        self._continuity = Continuity()
        now = clock.now()
        hosts = {spec.id: _unmet(spec, now) for spec in specs}
        # Revisions begin at the wall clock's milliseconds: those of an earlier run of the backend are lower,
        # so a console that looked at that run can never pass for one that looked at this.
        self._fleet = Fleet(revision=int(now.timestamp() * 1000), hosts=HostTable(hosts))

    @property
    def fleet(self) -> Fleet:
        """The current fleet."""
        return self._fleet

    def link_of(self, host: HostId) -> Link:
        """Return the state of the connection to a host."""
        return self._fleet.hosts[host].link

    def apply(self, reading: HostReading) -> None:
        """Take a host's new reading: its link is up."""
        before = self._fleet.hosts[reading.host]
        link = before.link
        if not link.is_up:
            link = Link(status=LinkStatus.UP, since=self._clock.now())
        reading = self._continuity.follow(before.reading, reading, self._clock.monotonic())
        after = self._fleet.with_reading(reading, link).without_former(reading.facts.uuid)
        self._set(after, notable=link is not before.link or _is_notable(before.reading, reading))

    def set_link(self, host: HostId, link: Link) -> None:
        """Set the state of the connection to a host; its last reading stays, and ages."""
        before = self._fleet.hosts[host]
        if before.link != link:
            self._set(self._fleet.with_host(replace(before, link=link)))

    def recall(self, readings: Sequence[HostReading]) -> None:
        """Take what an earlier run of the backend was told last: old, and better than nothing."""
        hosts, former = dict(self._fleet.hosts), []
        for reading in readings:
            known = hosts.get(reading.host)
            if known is None:
                former.append(reading)
            elif known.reading is None:
                hosts[reading.host] = replace(known, reading=reading)
        self._set(Fleet(revision=self._fleet.revision + 1, hosts=HostTable(hosts), former=tuple(former)))

    def set_hosts(self, specs: Sequence[HostSpec]) -> None:
        """Take these hosts for those of before. One whose spec changed keeps its last reading until it is met again."""
        before, now = self._fleet.hosts, self._clock.now()
        hosts: dict[HostId, Host] = {}
        for spec in specs:
            known = before.get(spec.id)
            if known is None:
                hosts[spec.id] = _unmet(spec, now)
            elif known.spec.is_reached_as(spec):
                hosts[spec.id] = replace(known, spec=spec)
            else:
                hosts[spec.id] = replace(_unmet(spec, now), reading=known.reading)
        self._continuity.forget_all_but(hosts)
        # A host that comes back under its name has its former reading until it is met again.
        former = {reading.host: reading for reading in self._fleet.former}
        for name, host in hosts.items():
            if name in former:
                hosts[name] = replace(host, reading=host.reading or former.pop(name))
        former |= {name: gone.reading for name, gone in before.items() if name not in hosts and gone.reading}
        after = Fleet(revision=self._fleet.revision + 1, hosts=HostTable(hosts), former=tuple(former.values()))
        self._set(after)

    def _set(self, fleet: Fleet, *, notable: bool = True) -> None:
        self._fleet = fleet
        self._on_change(fleet, notable)


def _unmet(spec: HostSpec, now: datetime) -> Host:
    return Host(spec=spec, link=Link(status=LinkStatus.CONNECTING, since=now))


def _is_notable(before: HostReading | None, after: HostReading) -> bool:
    """Whether more than figures changed: which VMs and pools there are, in which state, and what each VM has."""
    if before is None or before.by_id.keys() != after.by_id.keys():
        return True
    if any(_differ(before.by_id[vm_id], vm) for vm_id, vm in after.by_id.items()):
        return True
    return before.pools is not after.pools and _shape(before.pools) != _shape(after.pools)


def _differ(before: VmReading, after: VmReading) -> bool:
    return before is not after and (
        before.state is not after.state
        or before.reason is not after.reason
        or before.job_active is not after.job_active
        or before.autostart is not after.autostart
        or before.name != after.name
        or _size(before) != _size(after)
        or _devices(before) != _devices(after)
    )


def _size(vm: VmReading) -> tuple[object, ...]:
    """Return what its definition says; not the balloon's size, which a host may change all the time."""
    return (vm.persistent, vm.vcpus, vm.vcpus_max, vm.memory_max_mib, vm.sizing)


def _devices(vm: VmReading) -> tuple[object, ...]:
    """Return which disks and NICs it has, without what they hold and carry."""
    disks = (*vm.disks, *(vm.stored_disks or ()))
    nics = (*vm.nics, *(vm.stored_nics or ()))
    return (
        vm.stored_disks is None,
        vm.stored_nics is None,
        tuple((disk.target, disk.source, disk.capacity_mib) for disk in disks),
        tuple((nic.mac, nic.network) for nic in nics),
    )


def _shape(pools: Sequence[Pool]) -> frozenset[tuple[object, ...]]:
    return frozenset((pool.id, pool.name, pool.active, len(pool.volumes)) for pool in pools)
