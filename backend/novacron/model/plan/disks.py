"""What becomes of a VM's disks when it is deleted with them: which may go, which are kept, and why."""

from collections.abc import Collection
from dataclasses import dataclass

from novacron.model.files import FileIdentity
from novacron.model.fleet import Fleet, Host, Sighting
from novacron.model.ids import HostId
from novacron.model.plan.file_users import depends_on, doubts_about, users_of
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmDisk


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFate:
    """What becomes of one disk when its VM is deleted with its disks."""

    disk: VmDisk
    keep_because: str = ""
    """Why it stays; empty when it goes."""


def disk_fates(fleet: Fleet, seen: Sighting, vouched: Collection[HostId] = ()) -> tuple[DiskFate, ...]:
    """Judge every disk of a VM: never one that something else may need."""
    return tuple(
        DiskFate(disk=disk, keep_because=_keep_because(fleet, seen, disk, vouched))
        for disk in seen.vm.disks
        if disk.source
    )


def refuse_unknown_users(fleet: Fleet, host: Host, path: str, vouched: Collection[HostId]) -> Refusal | None:
    """Say which hosts may need the file and cannot be asked, or None."""
    doubts = doubts_about(fleet, host, path, vouched=vouched)
    if not doubts:
        return None
    first, names = doubts[0], ", ".join(doubt.host for doubt in doubts)
    more = f"; {len(doubts) - 1} more hosts cannot tell either" if len(doubts) > 1 else ""
    return Refusal(
        code=RefusalCode.UNKNOWN_ELSEWHERE,
        subject=path,
        reason=f"it is not known whether {first.host} needs it: {first.reason}{more}",
        remedy=f"have {names} answer; or, if you know that nothing there needs it, vouch for {names} by name (--vouch)",
        vouch_for=tuple(doubt.host for doubt in doubts),
    )


def fate_line(fate: DiskFate) -> str:
    """Say of one disk what decides about it: which file it is, and whether it goes."""
    return f"{'keeps' if fate.keep_because else 'deletes'} {fate.disk.source} ({identity_text(fate.disk.file)})"


def identity_text(file: FileIdentity | None) -> str:
    """Name a file's identity in a word."""
    return f"file {file.device}:{file.inode}" if file is not None else "not looked at"


def _keep_because(fleet: Fleet, seen: Sighting, disk: VmDisk, vouched: Collection[HostId]) -> str:
    if disk.readonly or disk.kind in {"cdrom", "floppy"}:
        return "it is read-only media"
    if disk.shareable:
        return "it is marked as shared between VMs"
    if disk.file is not None and not disk.file.is_there:
        return "it is not there"
    if disk.pool_id is None:
        return f"it is in no active storage pool of {seen.host.id}: only a person can delete it there"
    users = users_of(fleet, seen.host, disk.source, besides=seen.vm.id, vouched=vouched)
    if users:
        return f"{', '.join(users)} uses it too"
    dependants = depends_on(fleet, seen.host, disk.source, vouched=vouched)
    return f"it is the base of {', '.join(dependants)}" if dependants else ""
