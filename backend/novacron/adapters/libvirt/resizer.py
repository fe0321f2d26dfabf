"""Changing a VM's size: in its stored definition, and in its process.

libvirt's own calls do it rather than a definition written anew: they keep vCPU pins, `<vcpus>` and the room for
hot-plug, and refuse, with a reason, what a CPU topology or NUMA cells do not allow.
"""

from novacron.adapters.libvirt import xml
from novacron.adapters.libvirt.role import Domain, Role
from novacron.adapters.libvirt.sizing import read_size, read_sizing
from novacron.model.errors import OperationError
from novacron.model.ids import VmId

_KIB_PER_MIB = 1024


class Resizer(Role):
    """The sizes of ports.hypervisor.VmDefiner."""

    async def resize_stored(self, vm: VmId, vcpus: int | None, memory_mib: int | None, *, deadline_s: float) -> None:
        """Set the size in the stored definition. Source: virDomainSetVcpusFlags, virDomainSetMemoryFlags."""
        await self.tell_vm(
            "resizing it", vm, lambda domain: self._resize_stored(domain, vcpus, memory_mib), deadline_s=deadline_s
        )

    async def resize_live(self, vm: VmId, vcpus: int | None, memory_mib: int | None, *, deadline_s: float) -> None:
        """Set the size of its process, within the maxima that it was started with."""
        await self.tell_vm(
            "resizing it", vm, lambda domain: self._resize_live(domain, vcpus, memory_mib), deadline_s=deadline_s
        )

    def _resize_stored(self, domain: Domain, vcpus: int | None, memory_mib: int | None) -> None:
        libvirt = self.libvirt
        config = libvirt.VIR_DOMAIN_AFFECT_CONFIG
        if not domain.isActive() and domain.hasManagedSaveImage(0):
            raise OperationError(
                domain.name(),
                "its memory was saved, and its next start restores the size of that time",
                "start it, and resize it while it runs",
            )
        root = xml.parse(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE), domain.name())
        size = read_size(root)
        if vcpus is not None:
            if vcpus > size.vcpus_max:
                domain.setVcpusFlags(vcpus, config | libvirt.VIR_DOMAIN_VCPU_MAXIMUM)
            domain.setVcpusFlags(vcpus, config)
        if memory_mib is not None:
            # Without a balloon the guest has all that it is started with.
            if memory_mib > size.memory_max_mib or not read_sizing(root).has_balloon:
                domain.setMemoryFlags(memory_mib * _KIB_PER_MIB, config | libvirt.VIR_DOMAIN_MEM_MAXIMUM)
            domain.setMemoryFlags(memory_mib * _KIB_PER_MIB, config)

    def _resize_live(self, domain: Domain, vcpus: int | None, memory_mib: int | None) -> None:
        live = self.libvirt.VIR_DOMAIN_AFFECT_LIVE
        if vcpus is not None:
            domain.setVcpusFlags(vcpus, live)
        if memory_mib is not None:
            domain.setMemoryFlags(memory_mib * _KIB_PER_MIB, live)
