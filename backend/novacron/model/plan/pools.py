"""Plans for storage pools: start and stop."""

from novacron.model.fleet import Fleet
from novacron.model.intent import SetPoolActive
from novacron.model.plan.guards import find_host
from novacron.model.plan.plan import Danger, Plan, PlannedStep
from novacron.model.refusal import Refusal, RefusalCode


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
        steps=(PlannedStep(name="pool-active", title=title),),
        touches=(f"pool {pool.name} on {intent.host}",),
        warnings=(f"{', '.join(running)} runs from it",) if running and not intent.active else (),
        danger=Danger.NONE if intent.active else Danger.CONFIRM,
        undo_how="stop it again" if intent.active else "start it again",
        basis=(
            f"pool {pool.name} ({pool.id}) on {intent.host} is {'active' if pool.active else 'inactive'}",
            *(f"{name} runs from it" for name in running),
        ),
    )
