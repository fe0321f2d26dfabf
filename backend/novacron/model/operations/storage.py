"""Storage: pools are started and stopped, volumes deleted."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from novacron.model.fleet import Fleet
from novacron.model.ids import HostId
from novacron.model.operations.intent import Intent
from novacron.model.operations.step import StepArgs
from novacron.model.operations.type import OperationType, Permission, Texts
from novacron.model.plan.disks import identity_text, refuse_unknown_users
from novacron.model.plan.file_users import depends_on, users_of
from novacron.model.plan.guards import find_host, vouched_lines
from novacron.model.plan.plan import Danger, Plan, PlannedStep, Undo
from novacron.model.plan.resources import pool_key, volume_keys
from novacron.model.refusal import Refusal, RefusalCode, refuse
from novacron.model.storage import Volume
from novacron.model.work.claim import Claim, exclusive, shared


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPoolActive(Intent):
    """Start or stop a storage pool."""

    pool: str
    active: bool
    kind: Literal["pool-active"] = "pool-active"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVolume(Intent):
    """Delete one volume that no VM uses."""

    pool: str
    volume: str
    vouched: tuple[HostId, ...] = ()
    """Hosts that do not answer, of which a person vouches that they do not have or need it."""
    kind: Literal["delete-volume"] = "delete-volume"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPoolArgs(StepArgs):
    """Start or stop a pool."""

    pool: str
    active: bool
    type: Literal["switch-pool"] = "switch-pool"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVolumeArgs(StepArgs):
    """Delete one volume of a pool."""

    pool: str
    volume: str
    expects: str = ""
    """Which file it is about, by its identity, as it was confirmed; empty when that was not known."""
    vouched: tuple[HostId, ...] = ()
    """Hosts that do not answer, of which a person vouches that they do not need it."""
    type: Literal["delete-volume"] = "delete-volume"


def plan_pool_active(intent: SetPoolActive, fleet: Fleet) -> Plan | Refusal:
    """Plan to start or stop a pool."""
    host = find_host(fleet, intent.host)
    if isinstance(host, Refusal):
        return host
    reading = host.reading
    pool = next((p for p in (reading.pools if reading else ()) if p.name == intent.pool), None)
    if pool is None:
        return Refusal(
            code=RefusalCode.NOT_FOUND,
            subject=intent.pool,
            reason=f"{intent.host} has no pool of this name",
            remedy="look again",
        )
    verb = "start" if intent.active else "stop"
    if pool.active is intent.active:
        return Refusal(
            code=RefusalCode.WRONG_STATE,
            subject=intent.pool,
            reason=f"it is {'active' if pool.active else 'inactive'} on {intent.host} already",
        )
    running = [
        vm.name
        for vm in (reading.vms if reading else ())
        if vm.is_active and any(disk.pool_id == pool.id for disk in vm.disks)
    ]
    title = f"{verb} pool {pool.name} on {intent.host}"
    return Plan(
        intent=intent,
        title=title,
        subject=pool.name,
        steps=(_switch_pool(intent, title),),
        touches=(f"pool {pool.name} on {intent.host}",),
        warnings=(f"{', '.join(running)} runs from it",) if running and not intent.active else (),
        danger=Danger.NONE if intent.active else Danger.CONFIRM,
        undo_how="stop it again" if intent.active else "start it again",
        basis=(
            f"pool {pool.name} ({pool.id}) on {intent.host} is {'active' if pool.active else 'inactive'}",
            *(f"{name} runs from it" for name in running),
        ),
    )


def plan_delete_volume(intent: DeleteVolume, fleet: Fleet) -> Plan | Refusal:
    """Plan to delete one volume that nothing uses."""
    host = find_host(fleet, intent.host)
    if isinstance(host, Refusal):
        return host
    pools = host.reading.pools if host.reading else ()
    pool = next((pool for pool in pools if pool.name == intent.pool), None)
    volume = next((v for v in (pool.volumes if pool else ()) if v.name == intent.volume), None)
    if pool is None or volume is None:
        what = f"no volume {intent.volume} in pool" if pool else "no pool"
        return refuse(RefusalCode.NOT_FOUND, intent.volume, f"{intent.host} has {what} {intent.pool}", "look again")
    users = users_of(fleet, host, volume.path, vouched=intent.vouched)
    if users:
        return refuse(RefusalCode.IN_USE, intent.volume, f"{', '.join(users)} uses it", "delete that VM first")
    dependants = depends_on(fleet, host, volume.path, vouched=intent.vouched)
    if dependants:
        reason = f"it is the base image of {', '.join(dependants)}"
        return refuse(RefusalCode.IN_USE, intent.volume, reason, "delete those first")
    unknown = refuse_unknown_users(fleet, host, volume.path, intent.vouched)
    if unknown is not None:
        return unknown
    title = f"delete volume {volume.name} in {pool.name} on {intent.host}"
    return Plan(
        intent=intent,
        title=title,
        subject=volume.name,
        steps=(_delete_volume(intent, volume, title),),
        touches=(f"volume {volume.path} on {intent.host}: {volume.allocation_mib} MiB of data are lost",),
        warnings=vouched_lines(intent.vouched),
        danger=Danger.TYPE_NAME,
        undo=Undo.NEVER,
        basis=(f"volume {volume.path} ({identity_text(volume.file)}) of pool {pool.name} ({pool.id})",),
    )


def _switch_pool(intent: SetPoolActive, title: str) -> PlannedStep:
    args = SwitchPoolArgs(host=intent.host, pool=intent.pool, active=intent.active)
    return PlannedStep(id="pool-active", args=args, title=title)


def _delete_volume(intent: DeleteVolume, volume: Volume, title: str) -> PlannedStep:
    args = DeleteVolumeArgs(
        host=intent.host,
        pool=intent.pool,
        volume=intent.volume,
        expects=identity_text(volume.file),
        vouched=intent.vouched,
    )
    return PlannedStep(id="delete-volume", args=args, title=title)


def _files(intent: DeleteVolume, fleet: Fleet) -> tuple[str, ...]:
    host = fleet.hosts.get(intent.host)
    pools = host.reading.pools if host and host.reading else ()
    found = (pool for pool in pools if pool.name == intent.pool)
    return tuple(volume.path for pool in found for volume in pool.volumes if volume.name == intent.volume)


def _claims_of_deletion(intent: DeleteVolume, fleet: Fleet) -> Iterator[Claim]:
    yield shared(pool_key(intent.host, intent.pool))
    yield from map(exclusive, volume_keys(intent.host, intent.pool, intent.volume, fleet))


TYPES: Final[tuple[OperationType[Any], ...]] = (
    OperationType(
        intent=SetPoolActive,
        plan=plan_pool_active,
        claims=lambda intent, _fleet: [exclusive(pool_key(intent.host, intent.pool))],
        steps=(SwitchPoolArgs,),
        texts=Texts(verb="switch", doing="switching pool", noun="pool"),
        verb=lambda intent: "start" if intent.active else "stop",
        permission=Permission.POOL_SWITCH,
        danger=Danger.CONFIRM,
        undo=Undo.REVERSIBLE,
        subject=lambda intent, _fleet: intent.pool,
        needs_inventory=lambda _intent: True,
    ),
    OperationType(
        intent=DeleteVolume,
        plan=plan_delete_volume,
        claims=_claims_of_deletion,
        claims_unread=lambda operation: [exclusive(pool_key(operation.intent.host, operation.intent.pool))],
        steps=(DeleteVolumeArgs,),
        texts=Texts(verb="delete", doing="deleting volume", noun="volume"),
        permission=Permission.VOLUME_DELETE,
        danger=Danger.TYPE_NAME,
        undo=Undo.NEVER,
        subject=lambda intent, _fleet: intent.volume,
        needs_inventory=lambda _intent: True,
        files=_files,
    ),
)
