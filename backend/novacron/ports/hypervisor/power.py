"""Changes the power states of a host's VMs."""

from typing import Protocol

from novacron.model.ids import VmId


class VmPower(Protocol):
    """Changes power states. Each returns once the hypervisor accepted it."""

    async def start(self, vm: VmId, *, deadline_s: float) -> None:
        """Power on."""

    async def shutdown(self, vm: VmId, *, deadline_s: float) -> None:
        """Press the power button; the guest decides when."""

    async def reboot(self, vm: VmId, *, deadline_s: float) -> None:
        """Ask the guest to restart."""

    async def force_off(self, vm: VmId, *, deadline_s: float) -> None:
        """Pull the plug."""

    async def pause(self, vm: VmId, *, deadline_s: float) -> None:
        """Stop its CPUs."""

    async def resume(self, vm: VmId, *, deadline_s: float) -> None:
        """Let its CPUs go on."""
