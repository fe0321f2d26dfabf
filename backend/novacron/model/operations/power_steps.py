"""What steps on a VM's power are told."""

from dataclasses import dataclass
from typing import Literal

from novacron.model.ids import HostId, VmId
from novacron.model.operations.step import StepArgs


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRunningArgs(StepArgs):
    """Have a VM run: power on, or let its CPUs go on."""

    vm: VmId
    resume: bool = False
    """Whether it is paused or asleep, and not off."""
    vouched: tuple[HostId, ...] = ()
    """Hosts of which a person said that it cannot run there, should they not answer."""
    type: Literal["set-running"] = "set-running"


@dataclass(frozen=True, slots=True, kw_only=True)
class PressPowerButtonArgs(StepArgs):
    """Ask the guest to power off, once."""

    vm: VmId
    type: Literal["press-power-button"] = "press-power-button"


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitOffArgs(StepArgs):
    """Wait until the guest has powered off."""

    vm: VmId
    timeout_s: float
    type: Literal["await-off"] = "await-off"


@dataclass(frozen=True, slots=True, kw_only=True)
class RebootArgs(StepArgs):
    """Ask the guest to restart."""

    vm: VmId
    type: Literal["reboot"] = "reboot"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceOffArgs(StepArgs):
    """Pull the plug."""

    vm: VmId
    type: Literal["force-off"] = "force-off"


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseArgs(StepArgs):
    """Stop the VM's CPUs."""

    vm: VmId
    type: Literal["pause"] = "pause"
