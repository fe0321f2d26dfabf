"""Which step stands behind each name in a plan. The names are in journals: they are never given a new meaning."""

from novacron.engine.settings import EngineSettings
from novacron.engine.steps.cold_migration import DefineThere, UndefineHere
from novacron.engine.steps.creation import CreateDisk, Define
from novacron.engine.steps.definition import KeepAutostart, rename, set_autostart
from novacron.engine.steps.migrating import Migrate
from novacron.engine.steps.power import AwaitOff, Pause, PressPowerButton, Reboot, SetRunning, force_off
from novacron.engine.steps.removal import DeleteDisk, DeleteVolumeStep, SetPool, Undefine
from novacron.engine.steps.resizing import Resize
from novacron.engine.steps.settling import SettleMigration
from novacron.engine.steps.work import Step
from novacron.model.errors import JournalError
from novacron.model.operations import creation, power
from novacron.model.operations import migration as relocation
from novacron.model.operations.creation import CreateVm
from novacron.model.operations.definition import RenameVm, SetAutostart
from novacron.model.operations.deletion import DELETE_DISK, DeleteVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.power import ForceOffVm, PauseVm, RebootVm, ResumeVm, ShutdownVm, StartVm
from novacron.model.operations.resizing import ResizeVm
from novacron.model.operations.storage import DeleteVolume, SetPoolActive

BEGIN_UNWRITTEN = frozenset({relocation.SETTLE, power.AWAIT_OFF})
"""Steps that end what runs, and only look before they act: they do not wait for a journal that cannot be written."""


def step_of(intent: Intent, name: str, settings: EngineSettings) -> Step:
    """Return the step of that name.

    Raises:
        JournalError: no version of NovaCron we know has such a step.
    """
    deadline_s = settings.call_deadline_s
    match intent, name:
        case StartVm(), "start":
            return SetRunning(host=intent.host, vm=intent.vm, vouched=intent.vouched)
        case ResumeVm(), "resume":
            return SetRunning(host=intent.host, vm=intent.vm, resume=True, vouched=intent.vouched)
        case ShutdownVm(), power.SHUTDOWN:
            return PressPowerButton(intent=intent)
        case ShutdownVm(), power.AWAIT_OFF:
            return AwaitOff(intent=intent)
        case RebootVm(), "reboot":
            return Reboot(intent=intent)
        case ForceOffVm(), "force-off":
            return force_off(intent, deadline_s)
        case PauseVm(), "pause":
            return Pause(intent=intent)
        case RenameVm(), "rename":
            return rename(intent, deadline_s)
        case SetAutostart(), "autostart":
            return set_autostart(intent, deadline_s)
        case ResizeVm(), "resize":
            return Resize(intent=intent)
        case SetPoolActive(), "pool-active":
            return SetPool(intent=intent)
        case DeleteVolume(), "delete-volume":
            return DeleteVolumeStep(intent=intent)
        case _:
            return _step_of_many(intent, name)


def _step_of_many(intent: Intent, name: str) -> Step:
    match intent, name:
        case CreateVm(), creation.CREATE_DISK:
            return CreateDisk(intent=intent)
        case CreateVm(), creation.DEFINE:
            return Define(intent=intent)
        case CreateVm(), creation.START:
            return SetRunning(host=intent.host, vm=intent.vm)
        case DeleteVm(), "undefine":
            return Undefine(host=intent.host, vm=intent.vm)
        case DeleteVm(), _ if name.startswith(DELETE_DISK):
            return DeleteDisk(intent=intent, path=name.removeprefix(DELETE_DISK))
        case MigrateVm(), relocation.MIGRATE:
            return Migrate(intent=intent)
        case MigrateVm(), relocation.SETTLE:
            return SettleMigration(intent=intent)
        case MigrateVm(), relocation.DEFINE_THERE:
            return DefineThere(intent=intent)
        case MigrateVm(), relocation.UNDEFINE_HERE:
            return UndefineHere(intent=intent)
        case MigrateVm(), relocation.AUTOSTART:
            return KeepAutostart(intent=intent)
        case _:
            raise JournalError(
                intent.kind, f"has no step {name!r} in this version", "finish it with the version that began it"
            )
