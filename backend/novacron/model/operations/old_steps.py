"""Steps as journals of before steps were data hold them: a name, whose meaning was in the operation's intent."""

from novacron.model.operations import creation, deletion, migration, power, power_steps, storage
from novacron.model.operations.definition import RenameArgs, RenameVm, SetAutostart, SetAutostartArgs
from novacron.model.operations.intent import Intent
from novacron.model.operations.resizing import ResizeArgs, ResizeVm
from novacron.model.operations.step import StepArgs


def args_of_old_step(intent: Intent, name: str, expects: str) -> StepArgs:
    """Return what a step of that name was told.

    `expects` is which file it was about, by its identity; empty when about none.

    Raises:
        ValueError: no version had such a step in such an operation.
    """
    found = (
        _power_args(intent, name)
        or _definition_args(intent, name)
        or _creation_args(intent, name)
        or _deletion_args(intent, name, expects)
        or _migration_args(intent, name)
    )
    if found is None:
        msg = f"an operation of the kind {intent.kind} has no step {name!r}"
        raise ValueError(msg)
    return found


def _power_args(intent: Intent, name: str) -> StepArgs | None:
    host = intent.host
    match intent, name:
        case power.StartVm(), "start":
            return power_steps.SetRunningArgs(host=host, vm=intent.vm, vouched=intent.vouched)
        case power.ResumeVm(), "resume":
            return power_steps.SetRunningArgs(host=host, vm=intent.vm, resume=True, vouched=intent.vouched)
        case power.ShutdownVm(), power.SHUTDOWN:
            return power_steps.PressPowerButtonArgs(host=host, vm=intent.vm)
        case power.ShutdownVm(), power.AWAIT_OFF:
            return power_steps.AwaitOffArgs(host=host, vm=intent.vm, timeout_s=intent.timeout_s)
        case power.RebootVm(), "reboot":
            return power_steps.RebootArgs(host=host, vm=intent.vm)
        case power.ForceOffVm(), "force-off":
            return power_steps.ForceOffArgs(host=host, vm=intent.vm)
        case power.PauseVm(), "pause":
            return power_steps.PauseArgs(host=host, vm=intent.vm)
    return None


def _definition_args(intent: Intent, name: str) -> StepArgs | None:
    host = intent.host
    match intent, name:
        case RenameVm(), "rename":
            return RenameArgs(host=host, vm=intent.vm, new_name=intent.new_name)
        case SetAutostart(), "autostart":
            return SetAutostartArgs(host=host, vm=intent.vm, enabled=intent.enabled)
        case ResizeVm(), "resize":
            return ResizeArgs(host=host, vm=intent.vm, vcpus=intent.vcpus, memory_mib=intent.memory_mib)
    return None


def _creation_args(intent: Intent, name: str) -> StepArgs | None:
    match intent, name:
        case creation.CreateVm(), creation.CREATE_DISK:
            return creation.CreateDiskArgs(host=intent.host, disk=creation.disk_of(intent))
        case creation.CreateVm(), creation.DEFINE:
            disk_step = creation.CREATE_DISK if intent.pool else ""
            definition = creation.definition_of(intent)
            return creation.DefineArgs(host=intent.host, definition=definition, disk_step=disk_step)
        case creation.CreateVm(), creation.START:
            return power_steps.SetRunningArgs(host=intent.host, vm=intent.vm)
    return None


def _deletion_args(intent: Intent, name: str, expects: str) -> StepArgs | None:
    host = intent.host
    match intent, name:
        case deletion.DeleteVm(), "undefine":
            return deletion.UndefineArgs(host=host, vm=intent.vm)
        case deletion.DeleteVm(), _ if name.startswith(deletion.DELETE_DISK):
            path = name.removeprefix(deletion.DELETE_DISK)
            return deletion.DeleteDiskArgs(host=host, path=path, expects=expects, vouched=intent.vouched)
        case storage.SetPoolActive(), "pool-active":
            return storage.SwitchPoolArgs(host=host, pool=intent.pool, active=intent.active)
        case storage.DeleteVolume(), "delete-volume":
            return storage.DeleteVolumeArgs(
                host=host, pool=intent.pool, volume=intent.volume, expects=expects, vouched=intent.vouched
            )
    return None


def _migration_args(intent: Intent, name: str) -> StepArgs | None:
    if not isinstance(intent, migration.MigrateVm):
        return None
    if name == migration.AUTOSTART:
        return migration.KeepAutostartArgs(host=intent.destination, vm=intent.vm)
    steps = (*migration.live_steps(intent, ""), *migration.cold_steps(intent, ""))
    return next((step.args for step in steps if step.id == name), None)
