"""Definitions of VMs."""

from contextlib import suppress
from typing import Any

from novacron.adapters.libvirt import resizer, xml
from novacron.adapters.libvirt.channel import Connection
from novacron.adapters.libvirt.definition import created_by_us, write
from novacron.adapters.libvirt.direct_io import takes_direct_io
from novacron.adapters.libvirt.host_role import Domain, HostRole
from novacron.model.errors import Conflict, NotFound
from novacron.model.ids import VmId
from novacron.model.vm_definition import VmDefinition


class Definer(HostRole):
    """ports.hypervisor.VmDefiner."""

    async def define(self, definition: VmDefinition, *, deadline_s: float) -> None:
        """Define the VM. Source: virDomainDefineXMLFlags with validation against libvirt's own schema."""
        direct_io = bool(definition.disk_path) and await takes_direct_io(
            self.access, definition.disk_path, deadline_s=deadline_s
        )
        await self.change(
            "defining it",
            lambda connection: self._define(connection, definition, direct_io),
            deadline_s=deadline_s,
        )

    async def define_xml(self, xml: str, *, deadline_s: float) -> None:
        """Define a VM from another host's definition."""
        await self.change("defining it", lambda connection: connection.defineXML(xml), deadline_s=deadline_s)

    async def rename(self, vm: VmId, new_name: str, *, deadline_s: float) -> None:
        """Rename a VM that is off. Source: virDomainRename."""
        await self.change_vm("renaming it", vm, lambda domain: domain.rename(new_name, 0), deadline_s=deadline_s)

    async def set_autostart(self, vm: VmId, enabled: bool, *, deadline_s: float) -> None:
        """Start it with the host, or not. Source: virDomainSetAutostart."""
        await self.change_vm(
            "switching autostart", vm, lambda domain: domain.setAutostart(int(enabled)), deadline_s=deadline_s
        )

    async def resize_stored(self, vm: VmId, vcpus: int | None, memory_mib: int | None, *, deadline_s: float) -> None:
        """Set the size in the stored definition."""
        await self.change_vm(
            "resizing it", vm, lambda domain: resizer.resize_stored(domain, vcpus, memory_mib), deadline_s=deadline_s
        )

    async def resize_live(self, vm: VmId, vcpus: int | None, memory_mib: int | None, *, deadline_s: float) -> None:
        """Set the size of its process, within the maxima that it was started with."""
        await self.change_vm(
            "resizing it", vm, lambda domain: resizer.resize_live(domain, vcpus, memory_mib), deadline_s=deadline_s
        )

    async def undefine(self, vm: VmId, *, deadline_s: float) -> None:
        """Remove its definition and what libvirt keeps beside it. Source: virDomainUndefineFlags."""
        with suppress(NotFound):
            await self.change_vm("removing it", vm, self._undefine, deadline_s=deadline_s)

    def _define(self, connection: Connection, vm: VmDefinition, direct_io: bool) -> None:
        libvirt = self.libvirt
        try:
            known = connection.lookupByUUIDString(vm.id)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
        else:
            if known.name() == vm.name and created_by_us(known.XMLDesc(0), vm.name):
                return
            raise Conflict(vm.name, f"UUID {vm.id} is VM {known.name()} already", "create it anew")
        _refuse_taken_name(libvirt, connection, vm.name)
        text = write(vm, domain_type=self._domain_type(connection), direct_io=direct_io)
        connection.defineXMLFlags(text, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)

    def _undefine(self, domain: Domain) -> None:
        """Name all that may lie beside it; a driver that does not know of one of them has none to remove."""
        libvirt = self.libvirt
        kept = libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        also = libvirt.VIR_DOMAIN_UNDEFINE_NVRAM | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
        for flags in (kept | also, kept):
            try:
                domain.undefineFlags(flags)
            except libvirt.libvirtError as error:
                if error.get_error_code() not in (libvirt.VIR_ERR_INVALID_ARG, libvirt.VIR_ERR_NO_SUPPORT):
                    raise
            else:
                return
        domain.undefine()

    def _domain_type(self, connection: Connection) -> str:
        """kvm where the host offers it, unless its label says that it is not to be used."""
        forced = self.spec.labels.get("domain-type", "")
        if forced:
            return forced
        root = xml.parse(connection.getCapabilities(), "capabilities")
        return "kvm" if root.find("guest/arch/domain[@type='kvm']") is not None else "qemu"


def _refuse_taken_name(libvirt: Any, connection: Connection, name: str) -> None:  # noqa: ANN401 - the module
    try:
        other = connection.lookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise
        return
    raise Conflict(name, f"another VM has this name ({other.UUIDString()})", "choose another name")
