"""Power states. Each call returns when libvirt accepted it; whether it came about is for a look to tell."""

from novacron.adapters.libvirt.host_role import Domain, HostRole
from novacron.model.ids import VmId


class Power(HostRole):
    """ports.hypervisor.VmPower."""

    async def start(self, vm: VmId, *, deadline_s: float) -> None:
        """Power on. Source: virDomainCreate."""
        await self.change_vm("starting it", vm, lambda domain: domain.create(), deadline_s=deadline_s)

    async def shutdown(self, vm: VmId, *, deadline_s: float) -> None:
        """Press the power button. Source: virDomainShutdown."""
        await self.change_vm("asking it to shut down", vm, lambda domain: domain.shutdown(), deadline_s=deadline_s)

    async def reboot(self, vm: VmId, *, deadline_s: float) -> None:
        """Ask the guest to restart. Source: virDomainReboot."""
        await self.change_vm("asking it to reboot", vm, lambda domain: domain.reboot(0), deadline_s=deadline_s)

    async def force_off(self, vm: VmId, *, deadline_s: float) -> None:
        """Pull the plug. Source: virDomainDestroy."""
        await self.change_vm("forcing it off", vm, lambda domain: domain.destroy(), deadline_s=deadline_s)

    async def pause(self, vm: VmId, *, deadline_s: float) -> None:
        """Stop its CPUs. Source: virDomainSuspend."""
        await self.change_vm("pausing it", vm, lambda domain: domain.suspend(), deadline_s=deadline_s)

    async def resume(self, vm: VmId, *, deadline_s: float) -> None:
        """Let its CPUs go on. Source: virDomainResume, or a wake-up for a guest that put itself to sleep."""
        asleep = self.libvirt.VIR_DOMAIN_PMSUSPENDED

        def resume(domain: Domain) -> None:
            if domain.state()[0] == asleep:
                domain.pMWakeup(0)
            else:
                domain.resume()

        await self.change_vm("resuming it", vm, resume, deadline_s=deadline_s)
