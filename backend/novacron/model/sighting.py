"""A VM as one host or several see it, and which of these sightings is shown."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from novacron.model.host import HostReading, HostSpec
from novacron.model.ids import HostId, VmId
from novacron.model.link import Link
from novacron.model.vm import VmReading, VmState


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A host of the fleet: its spec, the state of the connection to it, and its last reading."""

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
    """The sighting that is shown: where it runs; else where it was last seen paused, else defined."""
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
        """Return the VM with one of its own sightings as the one that is shown."""
        return replace(self, home=copy, others=tuple(seen for seen in self.sightings if seen is not copy))


def join_sightings(sightings: Iterable[Sighting]) -> FleetVm:
    """Return one VM of its sightings: there is at least one."""
    home, *others = sorted(sightings, key=_authority)
    return FleetVm(home=home, others=tuple(others))


def _executes(vm: VmReading) -> bool:
    return vm.state in (VmState.RUNNING, VmState.SHUTTING_DOWN, VmState.SUSPENDED) and not vm.job_active


_STATE_RANK = {"running": 0, "shutting down": 1, "suspended": 2, "paused": 3, "crashed": 5}


def _authority(sighting: Sighting) -> tuple[int, bool, str]:
    """Order sightings: the one that runs it first, a current reading before an old one of the same state."""
    rank = _STATE_RANK.get(sighting.vm.state.value, 6)
    return (rank, not sighting.is_current, sighting.host.id)
