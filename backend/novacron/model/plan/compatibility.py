"""Whether one host could take a VM from another: every "no" says why and what would change it.

The rule that must never bend: no live migration unless each writable disk is provably exclusive, because the
disk lock is the only thing that keeps a failed migration from leaving two running copies (the proof is that
the destination sees the lock the source's QEMU holds). Copied disks are exclusive by being other files.
"""

from dataclasses import dataclass

from novacron.model.fleet import Host, Sighting
from novacron.model.migration import DiskProbe, GuestFit
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.shared_file_systems import is_shared
from novacron.model.vm import VmDisk

_COPIED_STORAGE = frozenset({"file", "block"})
"""What has a path that can be looked at, and a place of its own on each host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationFacts:
    """What the two hosts said when they were asked."""

    fit: GuestFit
    probes: tuple[DiskProbe, ...] = ()
    """The disks as the destination sees them."""
    at_source: tuple[DiskProbe, ...] = ()
    """The same as the source sees them; asked only of a VM that is shut off."""
    left_behind: tuple[str, ...] = ()
    """What the source keeps beside the definition; asked only of a VM that is shut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Nothing stands in the way; what the operator should still know."""

    warnings: tuple[str, ...] = ()


def judge(
    seen: Sighting, destination: Host, facts: MigrationFacts, *, live: bool, copy_storage: bool
) -> Verdict | Refusal:
    """Judge a move by what the destination said."""
    refusal = _refuse_guest(seen, destination, facts.fit) or (None if live else _refuse_belongings(seen, facts))
    if refusal is not None:
        return refusal
    warnings: list[str] = []
    if facts.fit.cpu_compatible is None and live:
        warnings.append(f"{destination.id} could not say whether its CPU fits")
    probes = {probe.path: probe for probe in facts.probes}
    at_source = {probe.path: probe for probe in facts.at_source}
    for disk in seen.vm.disks:
        if not disk.source:
            continue
        probe = probes.get(disk.source, DiskProbe(path=disk.source, visible=False, detail="it was not probed"))
        answer = _judge_disk(seen, destination, disk, probe, live=live, copy_storage=copy_storage)
        if isinstance(answer, Refusal):
            return answer
        warnings += [answer] if answer else []
        if not live and not _is_medium(disk):
            same = _judge_same(seen, destination, disk, at_source.get(disk.source), probe)
            if isinstance(same, Refusal):
                return same
            warnings += [same] if same else []
    return Verdict(warnings=tuple(warnings))


def writable_paths(seen: Sighting) -> tuple[str, ...]:
    """Return every path the destination has to be asked about."""
    return tuple(disk.source for disk in seen.vm.disks if disk.source)


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


def _judge_disk(
    seen: Sighting, destination: Host, disk: VmDisk, probe: DiskProbe, *, live: bool, copy_storage: bool
) -> Refusal | str:
    """Return why this disk forbids the move, or a warning about it (empty: none)."""
    read_only = _is_medium(disk)
    if copy_storage and not read_only:
        return _judge_copy(seen, destination, disk, probe)
    if not probe.visible:
        detail = f": {probe.detail}" if probe.detail else ""
        way = f"eject it, or copy it to {destination.id}" if read_only else "copy the storage along"
        return _incompatible(seen.vm.name, f"{disk.source} is not on {destination.id}{detail}", way)
    if read_only or not live:
        return ""
    if disk.shareable:
        return _not_exclusive(
            seen, disk, "is marked as shareable, so QEMU takes no exclusive lock on it", "move it shut off"
        )
    if probe.lock_seen is not True:
        where = f" ({probe.file_system})" if probe.file_system else ""
        detail = f": {probe.detail}" if probe.detail else ""
        return _not_exclusive(
            seen,
            disk,
            f"is not provably exclusive: {destination.id}{where} does not see the lock {seen.host.id} holds{detail}",
            "copy the storage along, move it shut off, or put it on storage that carries locks",
        )
    return ""


def _refuse_belongings(seen: Sighting, facts: MigrationFacts) -> Refusal | None:
    if not facts.left_behind:
        return None
    what = " and ".join(facts.left_behind)
    return _incompatible(
        seen.vm.name,
        f"{what} would stay on {seen.host.id} when only its definition and disks move",
        "start it and migrate it live, or do without them first",
    )


def _judge_same(
    seen: Sighting, destination: Host, disk: VmDisk, here: DiskProbe | None, there: DiskProbe
) -> Refusal | str:
    """Return why a shut-off VM may not go on there from this disk, or a warning: a path is a name, not a file."""
    if disk.storage == "block":
        return f"make sure that {disk.source} is the same device on {destination.id}"
    if here is not None and here.identity and here.identity == there.identity:
        return ""
    return _incompatible(
        seen.vm.name,
        f"{disk.source} on {destination.id} is not provably the file that it is on {seen.host.id}: "
        "it may be an old copy",
        "start it and migrate it live with its storage",
    )


def _is_medium(disk: VmDisk) -> bool:
    return disk.readonly or disk.kind in {"cdrom", "floppy"}


def _judge_copy(seen: Sighting, destination: Host, disk: VmDisk, probe: DiskProbe) -> Refusal | str:
    there = destination.id
    if disk.shareable:
        return _not_exclusive(seen, disk, "is shared between VMs, so a copy would divide them", "detach it first")
    if disk.storage not in _COPIED_STORAGE:
        return _incompatible(
            seen.vm.name,
            f"{disk.source} is {disk.storage} storage, which {there} may reach too: a copy would overwrite itself",
            "migrate without copying storage, or move it shut off",
        )
    same_file = probe.visible and (
        probe.lock_seen is True or is_shared(probe.file_system) or _on_shared_pool(disk, destination)
    )
    if same_file:
        return _incompatible(
            seen.vm.name,
            f"{disk.source} is on storage that {there} reaches too: a copy would overwrite itself",
            "migrate without copying storage",
        )
    if probe.visible and probe.lock_seen is False:
        return _not_exclusive(
            seen,
            disk,
            f"exists on {there}, where locks are not kept: it may be the very same one",
            f"delete it on {there} if it is a left-over",
        )
    needed_mib = disk.allocation_mib or 0
    if probe.free_mib is not None and not probe.visible and probe.free_mib < needed_mib:
        return Refusal(
            code=RefusalCode.NO_ROOM,
            subject=disk.source,
            reason=f"it needs {needed_mib} MiB and {there} has {probe.free_mib} MiB free there",
            remedy=f"make room on {there}",
        )
    return f"overwrites the left-over {disk.source} on {there}" if probe.visible else ""


def _on_shared_pool(disk: VmDisk, host: Host) -> bool:
    pools = host.reading.pools if host.reading else ()
    return any(pool.shared and pool.path and disk.source.startswith(pool.path.rstrip("/") + "/") for pool in pools)


def _incompatible(subject: str, reason: str, remedy: str) -> Refusal:
    return Refusal(code=RefusalCode.INCOMPATIBLE, subject=subject, reason=reason, remedy=remedy)


def _not_exclusive(seen: Sighting, disk: VmDisk, reason: str, remedy: str) -> Refusal:
    return Refusal(
        code=RefusalCode.DISK_NOT_EXCLUSIVE,
        subject=seen.vm.name,
        reason=f"{disk.source} {reason}; a failed migration could leave two copies writing to it",
        remedy=remedy,
    )
