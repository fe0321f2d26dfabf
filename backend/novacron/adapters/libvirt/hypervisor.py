"""One connected libvirt hypervisor: all roles of the port."""

from novacron.adapters.libvirt.definer import Definer
from novacron.adapters.libvirt.migrator import Migrator
from novacron.adapters.libvirt.power import Power
from novacron.adapters.libvirt.reader import Reader
from novacron.adapters.libvirt.resizer import Resizer
from novacron.adapters.libvirt.serial import LibvirtSerial
from novacron.adapters.libvirt.storekeeper import Storekeeper
from novacron.model.errors import Conflict, OperationError
from novacron.model.ids import VmId
from novacron.ports.hypervisor import SerialLink


class LibvirtHypervisor(Reader, Power, Definer, Resizer, Storekeeper, Migrator):
    """A libvirt host, connected (ports.hypervisor.Hypervisor)."""

    async def open_serial(self, vm: VmId, *, force: bool, deadline_s: float) -> SerialLink:
        """Open the VM's serial console. Source: virDomainOpenConsole."""
        libvirt = self.libvirt
        flags = libvirt.VIR_DOMAIN_CONSOLE_FORCE if force else libvirt.VIR_DOMAIN_CONSOLE_SAFE
        channel = await self.access.open_channel(deadline_s=deadline_s)

        try:
            link = await LibvirtSerial.open(channel, vm, flags, deadline_s=deadline_s)
        except OperationError as error:
            channel.abort()
            if "Active console session" in error.detail:
                raise Conflict(
                    error.subject, "somebody else has its console open", "take it over if you must"
                ) from error
            raise
        except BaseException:
            channel.abort()
            raise
        # The console belongs to this connection: it must not outlive it unseen.
        self.channel.on_closed(channel.abort)
        return link

    async def close(self) -> None:
        """Let go at once."""
        self.close_reader()
        self.channel.abort()
        self.access.abort()
