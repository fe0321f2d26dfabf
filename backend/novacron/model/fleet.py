"""The fleet: one immutable picture of every host, VM and pool, and how old each part of it is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from novacron.model.host import HostReading, HostSpec
from novacron.model.ids import HostId, VmId
from novacron.model.link import Link
from novacron.model.vm import VmReading, VmState


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host of the fleet: what we were told to look at, how we stand with it, and its last words."""

    spec: HostSpec
    link: Link
    reading: HostReading | None = None
    """Its last reading, however old; None when it never answered."""

    @property
    def id(self) -> HostId:
        """Its name in fleet.toml."""
        return self.spec.id

    @property
    def is_current(self) -> bool:
        """Whether the reading may be shown as the truth."""
        return self.link.is_up and self.reading is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One VM as seen on one host."""

    host: Host
    vm: VmReading

    @property
    def is_current(self) -> bool:
        """Whether its host answers now."""
        return self.host.is_current


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetVm:
    """One VM of the fleet, by UUID, wherever it is seen."""

    home: Sighting
    """The sighting that speaks for it: where it runs; else where it was last seen paused, else defined."""
    others: tuple[Sighting, ...] = ()
    """Where else the same UUID is seen: a migration's other end, a left-over definition, or a second copy."""

    @property
    def id(self) -> VmId:
        """Its UUID."""
        return self.home.vm.id

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """All of them, home first."""
        return (self.home, *self.others)

    @property
    def running_copies(self) -> tuple[Sighting, ...]:
        """Sightings that execute it by their hosts' current words: more than one write to its disks at once.

        One with a job is not counted: the two ends of a migration are one VM. Two readings are never of the same
        instant: one such look is a suspicion, not a fact.
        """
        return tuple(seen for seen in self.sightings if seen.is_current and _executes(seen.vm))

    def seen_on(self, copy: Sighting) -> "FleetVm":
        """Return the VM with one of its own sightings as the one that speaks for it."""
        return replace(self, home=copy, others=tuple(seen for seen in self.sightings if seen is not copy))


_NO_HOSTS: Mapping[HostId, Host] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """All hosts at one revision. Never changed: `with_host` gives the next one."""

    revision: int = 0
    hosts: Mapping[HostId, Host] = field(default_factory=lambda: _NO_HOSTS)
    """In the order of fleet.toml."""
    former: tuple[HostReading, ...] = ()
    """The last readings of hosts that left fleet.toml: what they had may be in use there still."""

    def with_host(self, host: Host) -> "Fleet":
        """Return the next revision, in which `host` stands as given."""
        hosts = dict(self.hosts)
        hosts[host.id] = host
        return Fleet(revision=self.revision + 1, hosts=MappingProxyType(hosts), former=self.former)

    def with_reading(self, reading: HostReading, link: Link) -> "Fleet":
        """Return the next revision with a host's new reading and link.

        The one that comes later is the newer one, whatever its time says: clocks are set back.
        """
        return self.with_host(replace(self.hosts[reading.host], reading=reading, link=link))

    def with_look(self, host_id: HostId, vm_id: VmId, vm: VmReading | None) -> "Fleet":
        """Return this revision as a fresh look at one VM on one host tells it; None: the host does not know it."""
        host = self.hosts.get(host_id)
        if host is None or host.reading is None:
            return self
        others = tuple(one for one in host.reading.vms if one.id != vm_id)
        reading = replace(host.reading, vms=others if vm is None else (*others, vm))
        hosts = {**self.hosts, host_id: replace(host, reading=reading)}
        return Fleet(revision=self.revision, hosts=MappingProxyType(hosts), former=self.former)

    def without_former(self, uuid: str) -> "Fleet":
        """Return this revision without the former hosts that are this machine: it answers under another name."""
        if not any(uuid and one.facts.uuid == uuid for one in self.former):
            return self
        return Fleet(
            revision=self.revision,
            hosts=self.hosts,
            former=tuple(one for one in self.former if one.facts.uuid != uuid),
        )

    @property
    def vms(self) -> Mapping[VmId, FleetVm]:
        """Every VM by UUID, in the order of hosts. Built once per revision, when first asked for."""
        index: Mapping[VmId, FleetVm] | None = self.__dict__.get("_vms")
        if index is None:
            index = MappingProxyType(_index(self.hosts.values()))
            object.__setattr__(self, "_vms", index)
        return index

    def find_vm(self, vm_id: VmId) -> FleetVm | None:
        """Return the VM with this UUID, or None.

        Asks each host's own index: one look into a new revision does not pay for an index of the whole fleet.
        """
        if "_vms" in self.__dict__:
            return self.vms.get(vm_id)
        readings = ((host, host.reading) for host in self.hosts.values() if host.reading is not None)
        seen = [Sighting(host=host, vm=vm) for host, one in readings if (vm := one.by_id.get(vm_id)) is not None]
        return _joined(seen) if seen else None

    def sighting(self, vm_id: VmId, host_id: HostId) -> Sighting | None:
        """Return how `host_id` sees the VM, or None when it does not."""
        found = self.find_vm(vm_id)
        if found is None:
            return None
        return next((seen for seen in found.sightings if seen.host.id == host_id), None)


def _index(hosts: Iterable[Host]) -> dict[VmId, FleetVm]:
    seen: dict[VmId, list[Sighting]] = {}
    for host in hosts:
        if host.reading is None:
            continue
        for vm in host.reading.vms:
            seen.setdefault(vm.id, []).append(Sighting(host=host, vm=vm))
    return {vm_id: _joined(sightings) for vm_id, sightings in seen.items()}


def _joined(sightings: Iterable[Sighting]) -> FleetVm:
    """Return one VM of its sightings: there is at least one."""
    home, *others = sorted(sightings, key=_authority)
    return FleetVm(home=home, others=tuple(others))


def _executes(vm: VmReading) -> bool:
    return vm.state in (VmState.RUNNING, VmState.SHUTTING_DOWN, VmState.SUSPENDED) and not vm.job_active


_STATE_RANK = {"running": 0, "shutting down": 1, "suspended": 2, "paused": 3, "crashed": 5}


def _authority(sighting: Sighting) -> tuple[int, bool, str]:
    """Order sightings: who runs it speaks for it, a current word before an old one of the same state."""
    rank = _STATE_RANK.get(sighting.vm.state.value, 6)
    return (rank, not sighting.is_current, sighting.host.id)
