"""Changing a VM's size: in its stored definition, and in its process.

libvirt's own calls do it rather than a definition written anew: they keep vCPU pins, `<vcpus>` and the room for
hot-plug, and refuse, with a reason, what a CPU topology or NUMA cells do not allow.
"""

from novacron.adapters.libvirt import xml
from novacron.adapters.libvirt.binding import load_libvirt
from novacron.adapters.libvirt.host_role import Domain
from novacron.adapters.libvirt.sizing import read_size, read_sizing
from novacron.model.errors import OperationError

_KIB_PER_MIB = 1024


def resize_stored(domain: Domain, vcpus: int | None, memory_mib: int | None) -> None:
    """Set the size in the stored definition. Source: virDomainSetVcpusFlags, virDomainSetMemoryFlags."""
    libvirt = load_libvirt()
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


def resize_live(domain: Domain, vcpus: int | None, memory_mib: int | None) -> None:
    """Set the size of its process, within the maxima that it was started with."""
    live = load_libvirt().VIR_DOMAIN_AFFECT_LIVE
    if vcpus is not None:
        domain.setVcpusFlags(vcpus, live)
    if memory_mib is not None:
        domain.setMemoryFlags(memory_mib * _KIB_PER_MIB, live)
