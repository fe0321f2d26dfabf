"""Whether one host could take a VM from another: every "no" says why, and what would be accepted instead."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from novacron.model.fleet import Host, Sighting
from novacron.model.migration import Belongings, DiskProbe, GuestFit
from novacron.model.plan.disk_moves import DiskMove, Obstacle, Way, is_empty_drive, probed_path
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmDisk


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationFacts:
    """What the two hosts said when they were asked."""

    fit: GuestFit
    probes: tuple[DiskProbe, ...] = ()
    """The disks as the destination sees them."""
    at_source: tuple[DiskProbe, ...] = ()
    """The same as the source sees them."""
    belongings: Belongings = field(default_factory=Belongings)
    """What the source keeps beside the definition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Nothing stands in the way; what the operator should still know."""

    warnings: tuple[str, ...] = ()


def assess(seen: Sighting, destination: Host, facts: MigrationFacts, *, copy_storage: bool) -> Assessment | Refusal:
    """Judge a move by what both hosts said. A way that a refusal advises is one that is open now."""
    refusal = _refuse_unknown_place(seen) or _refuse_guest(seen, destination, facts.fit)
    if refusal is not None:
        return refusal
    case = _Case(seen=seen, destination=destination, facts=facts)
    if copy_storage and not seen.vm.is_active:
        return case.refuse_copying_shut_off()
    way = Way.COPYING if copy_storage else Way.LIVE if seen.vm.is_active else Way.SHUT_OFF
    obstacles = case.obstacles(way)
    return case.refuse(way, obstacles) if obstacles else Assessment(warnings=case.warnings(way))


def probed_paths(seen: Sighting) -> tuple[str, ...]:
    """Return every path both hosts have to be asked about."""
    return tuple(path for disk in seen.vm.disks if (path := probed_path(disk)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    seen: Sighting
    destination: Host
    facts: MigrationFacts

    def obstacles(self, way: Way) -> tuple[Obstacle, ...]:
        """Return all that closes this way, worst first."""
        found = [*self._devices(), *self._kept_behind(way)]
        found += [obstacle for move in self._disks() if (obstacle := move.obstacle(way)) is not None]
        return tuple(found)

    def warnings(self, way: Way) -> tuple[str, ...]:
        """Return what the operator should know when it goes this way."""
        warnings = [warning for move in self._disks() if (warning := move.warning(way))]
        if self.facts.fit.cpu_compatible is None and way is not Way.SHUT_OFF:
            warnings.insert(0, f"{self.destination.id} could not say whether its CPU fits")
        return tuple(warnings)

    def refuse(self, way: Way, obstacles: tuple[Obstacle, ...]) -> Refusal:
        """Refuse this way, and advise one that is open; say so plainly when none is."""
        first = obstacles[0]
        advice = [self._advice(other) for other in Way if other is not way and not self.obstacles(other)]
        if by_hand := _by_hand(obstacles):
            advice.append(by_hand)
        subject = first.subject or self.seen.vm.name
        remedy = ", or ".join(advice) or self._detour(way)
        return Refusal(code=first.code, subject=subject, reason=first.reason, remedy=remedy)

    def refuse_copying_shut_off(self) -> Refusal:
        """Only a running VM's disks can be copied along."""
        advice = [self._advice(way) for way in (Way.SHUT_OFF, Way.COPYING) if not self.obstacles(way)]
        return Refusal(
            code=RefusalCode.INVALID,
            subject=self.seen.vm.name,
            reason="a shut-off VM's disks are not copied by a migration",
            remedy=", or ".join(advice) or self._detour(Way.COPYING),
        )

    def _advice(self, way: Way) -> str:
        if self.seen.vm.is_active:
            return {
                Way.LIVE: "migrate it without copying its storage",
                Way.COPYING: "copy the storage along",
                Way.SHUT_OFF: "shut it down and move it",
            }[way]
        return {
            Way.LIVE: f"start it: it can be migrated live if {self.destination.id} then sees its lock",
            Way.COPYING: "start it and migrate it live with its storage",
            Way.SHUT_OFF: "move it without copying its storage",
        }[way]

    def _detour(self, way: Way) -> str:
        """Return what a person can do to open another way; where that is nothing, that it cannot be moved."""
        for other in Way:
            if other is not way and (by_hand := _by_hand(self.obstacles(other))):
                return f"first {by_hand}, then {self._advice(other)}"
        return self._no_way(way)

    def _no_way(self, way: Way) -> str:
        """Say that it cannot be moved, with what closes each other way and is not said already."""
        said = {one.reason for one in self.obstacles(way)[:1]}
        why = []
        for other in Way:
            reasons = [one.reason for one in self.obstacles(other) if one.reason not in said]
            if reasons:
                why.append(f"{other}: {reasons[0]}")
                said.add(reasons[0])
        closed = f" ({'; '.join(why)})" if why else ""
        return f"it cannot be moved to {self.destination.id} as it is{closed}"

    def _devices(self) -> Iterator[Obstacle]:
        here = self.seen.host.id
        for device in self.seen.vm.host_devices:
            yield Obstacle(reason=f"it was given {device} of {here}", remedy="detach that device")

    def _kept_behind(self, way: Way) -> Iterator[Obstacle]:
        """Yield what lies on the source beside the definition and would not come along."""
        kept, here = self.facts.belongings, self.seen.host.id
        if kept.snapshots:
            yield Obstacle(
                reason=f"it has {_count(kept.snapshots, 'snapshot')} on {here}, and no VM is migrated with snapshots",
                remedy="delete its snapshots",
            )
        if kept.checkpoints:
            yield Obstacle(
                reason=f"it has {_count(kept.checkpoints, 'checkpoint')} on {here}, which would be lost on the way",
                remedy="delete its checkpoints, after which its next backup is a full one",
            )
        if way is not Way.SHUT_OFF:
            return
        if not self.seen.vm.persistent:
            yield Obstacle(reason="it is transient: shut off, it would be gone", remedy="make it persistent")
        if what := " and ".join(replace(kept, snapshots=0, checkpoints=0).named):
            yield Obstacle(reason=f"{what} would stay on {here} when only its definition and disks move")

    def _disks(self) -> Iterator[DiskMove]:
        here = {probe.path: probe for probe in self.facts.at_source}
        there = {probe.path: probe for probe in self.facts.probes}
        for disk in self.seen.vm.disks:
            if is_empty_drive(disk):
                continue
            yield DiskMove(
                seen=self.seen,
                destination=self.destination,
                disk=disk,
                here=here.get(disk.source, _not_probed(disk)),
                there=there.get(disk.source, _not_probed(disk)),
            )


def _by_hand(obstacles: tuple[Obstacle, ...]) -> str:
    """Return what a person can do about all of them; empty where one stays."""
    remedies = dict.fromkeys(one.remedy for one in obstacles)
    return " and ".join(remedies) if all(remedies) else ""


def _not_probed(disk: VmDisk) -> DiskProbe:
    return DiskProbe(path=disk.source, visible=False, detail="it was not probed")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _refuse_unknown_place(seen: Sighting) -> Refusal | None:
    """Say that a disk is named by a pool that has not told where it lies, or None: all else depends on that."""
    for disk in seen.vm.disks:
        if disk.storage == "volume":
            pool = disk.source.partition("/")[0]
            reason = f"its disk {disk.target} is volume {disk.source}, and {seen.host.id} does not tell where that lies"
            return _incompatible(seen.vm.name, reason, f"have pool {pool} active on {seen.host.id}, then ask again")
    return None


def _refuse_guest(seen: Sighting, destination: Host, fit: GuestFit) -> Refusal | None:
    name, there = seen.vm.name, destination.id
    if fit.name_taken:
        return Refusal(
            code=RefusalCode.NAME_TAKEN,
            subject=name,
            reason=f"{there} has another VM of this name",
            remedy="rename one of the two",
        )
    if fit.domain_type_supported is False:
        return _incompatible(name, f"{there} cannot run its type of VM (kvm or qemu)", "choose another host")
    if fit.cpu_compatible is False:
        reason = f"{there}'s CPU cannot run it: {fit.cpu_detail or 'it lacks features the VM was given'}"
        return _incompatible(name, reason, "choose a host with that CPU, or give the VM a lesser CPU model")
    if fit.machine_supported is False:
        return _incompatible(name, f"{there} has no machine type {fit.machine}", "upgrade QEMU there")
    if fit.missing_networks:
        missing = ", ".join(fit.missing_networks)
        return _incompatible(name, f"{there} has no active network {missing}", f"start it on {there}")
    if fit.kernel_visible is False:
        return _incompatible(name, f"its kernel or initrd is not on {there}", f"copy the files to {there}")
    needed_mib = seen.vm.memory_mib
    if fit.memory_free_mib is not None and fit.memory_free_mib < needed_mib:
        return Refusal(
            code=RefusalCode.NO_ROOM,
            subject=name,
            reason=f"it needs {needed_mib} MiB and {there} has {fit.memory_free_mib} MiB free",
            remedy="choose another host, or make room there",
        )
    return None


def _incompatible(subject: str, reason: str, remedy: str) -> Refusal:
    return Refusal(code=RefusalCode.INCOMPATIBLE, subject=subject, reason=reason, remedy=remedy)
