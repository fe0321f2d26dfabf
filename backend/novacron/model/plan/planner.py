"""The one door to all plans: an intent and a fleet in, a plan or a refusal out."""

from novacron.model.fleet import Fleet
from novacron.model.intent import (
    CreateVm,
    DeleteVm,
    DeleteVolume,
    ForceOffVm,
    Intent,
    MigrateVm,
    PauseVm,
    RebootVm,
    RenameVm,
    ResizeVm,
    ResumeVm,
    SetAutostart,
    SetPoolActive,
    ShutdownVm,
    StartVm,
)
from novacron.model.plan.compatibility import MigrationFacts
from novacron.model.plan.creation import plan_create
from novacron.model.plan.definition import plan_autostart, plan_rename
from novacron.model.plan.deletion import plan_delete, plan_delete_volume
from novacron.model.plan.plan import Plan, with_digest
from novacron.model.plan.pools import plan_pool_active
from novacron.model.plan.power import (
    plan_force_off,
    plan_pause,
    plan_reboot,
    plan_resume,
    plan_shutdown,
    plan_start,
)
from novacron.model.plan.relocation import plan_migration, refuse_migration
from novacron.model.plan.resizing import plan_resize
from novacron.model.refusal import Refusal, RefusalCode


def plan(intent: Intent, fleet: Fleet, facts: MigrationFacts | None = None) -> Plan | Refusal:
    """Say what the intent would do to this fleet; `facts` is what a migration's destination answered."""
    answer = _plan(intent, fleet, facts)
    return answer if isinstance(answer, Refusal) else with_digest(answer)


def _plan(intent: Intent, fleet: Fleet, facts: MigrationFacts | None) -> Plan | Refusal:
    match intent:
        case StartVm():
            return plan_start(intent, fleet)
        case ShutdownVm():
            return plan_shutdown(intent, fleet)
        case RebootVm():
            return plan_reboot(intent, fleet)
        case ForceOffVm():
            return plan_force_off(intent, fleet)
        case PauseVm():
            return plan_pause(intent, fleet)
        case ResumeVm():
            return plan_resume(intent, fleet)
        case RenameVm():
            return plan_rename(intent, fleet)
        case SetAutostart():
            return plan_autostart(intent, fleet)
        case ResizeVm():
            return plan_resize(intent, fleet)
        case DeleteVm():
            return plan_delete(intent, fleet)
        case CreateVm():
            return plan_create(intent, fleet)
        case MigrateVm():
            return _plan_migration(intent, fleet, facts)
        case SetPoolActive():
            return plan_pool_active(intent, fleet)
        case DeleteVolume():
            return plan_delete_volume(intent, fleet)


def _plan_migration(intent: MigrateVm, fleet: Fleet, facts: MigrationFacts | None) -> Plan | Refusal:
    if facts is not None:
        return plan_migration(intent, fleet, facts)
    return refuse_migration(intent, fleet) or Refusal(
        code=RefusalCode.INCOMPATIBLE,
        subject=intent.destination,
        reason="it was not asked whether it could take the VM",
        remedy="ask again",
    )
