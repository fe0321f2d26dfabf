"""Changes power states of simulated VMs (ports.hypervisor.VmPower)."""

from collections.abc import Callable

from novacron.adapters.simulated.host_role import HostRole
from novacron.adapters.simulated.machine import Job, Verb, paused, require, stopped
from novacron.model.ids import VmId
from novacron.model.vm import StateReason


class Power(HostRole):
    """The power switch."""

    async def start(self, vm: VmId, *, deadline_s: float) -> None:
        """Power on."""
        await self._do("start", lambda: self.world.start(self.host, vm), deadline_s)

    async def shutdown(self, vm: VmId, *, deadline_s: float) -> None:
        """Press the power button."""

        def press() -> None:
            require(self.host.machine(vm), Verb.SHUTDOWN)
            self.world.press_power_button(self.host, vm)

        await self._do("shutdown", press, deadline_s)

    async def reboot(self, vm: VmId, *, deadline_s: float) -> None:
        """Ask the guest to restart."""
        await self._do("reboot", lambda: self.world.ask_to_restart(self.host, vm), deadline_s)

    async def force_off(self, vm: VmId, *, deadline_s: float) -> None:
        """Pull the plug."""

        def pull() -> None:
            machine = self.host.machine(vm)
            require(machine, Verb.FORCE_OFF)
            self.host.put(stopped(machine, StateReason.DESTROYED), "destroyed")

        await self._do("force off", pull, deadline_s)

    async def pause(self, vm: VmId, *, deadline_s: float) -> None:
        """Stop its CPUs."""

        def stop() -> None:
            machine = self.host.machine(vm)
            require(machine, Verb.PAUSE)
            self.host.put(paused(machine), "paused")
            if machine.job is Job.MIGRATING_OUT:
                self.world.migrations[vm].guest_paused()

        await self._do("pause", stop, deadline_s)

    async def resume(self, vm: VmId, *, deadline_s: float) -> None:
        """Let its CPUs go on."""
        await self._do("resume", lambda: self.world.resume(self.host, vm), deadline_s)

    async def _do(self, what: str, act: Callable[[], None], deadline_s: float) -> None:
        await self.link.call(what, act, deadline_s=deadline_s, effects=True)
