"""Definitions of VMs."""

from contextlib import suppress
from typing import Any

from novacron.adapters.libvirt import definition, xml
from novacron.adapters.libvirt.channel import Connection
from novacron.adapters.libvirt.role import Domain, Role
from novacron.model.errors import Conflict, NotFound
from novacron.model.ids import VmId
from novacron.model.migration import Belongings
from novacron.model.operations.creation import CreateVm


class Definer(Role):
    """ports.hypervisor.VmDefiner."""

    async def define(self, intent: CreateVm, disk_path: str, *, deadline_s: float) -> None:
        """Define the VM. Source: virDomainDefineXMLFlags with validation against libvirt's own schema."""
        direct_io = bool(disk_path) and await self._takes_direct_io(disk_path, deadline_s)
        await self.tell(
            "defining it",
            lambda connection: self._define(connection, intent, disk_path, direct_io),
            deadline_s=deadline_s,
        )

    async def define_xml(self, xml: str, *, deadline_s: float) -> None:
        """Define a VM from another host's definition."""
        await self.tell("defining it", lambda connection: connection.defineXML(xml), deadline_s=deadline_s)

    async def belongings(self, vm: VmId, *, deadline_s: float) -> Belongings:
        """Tell what lies beside its definition.

        Source: virDomainSnapshotNum, virDomainListAllCheckpoints, virDomainHasManagedSaveImage.
        """
        return await self.ask_vm("asking what belongs to it", vm, self._belongings, deadline_s=deadline_s)

    async def rename(self, vm: VmId, new_name: str, *, deadline_s: float) -> None:
        """Rename a VM that is off. Source: virDomainRename."""
        await self.tell_vm("renaming it", vm, lambda domain: domain.rename(new_name, 0), deadline_s=deadline_s)

    async def set_autostart(self, vm: VmId, enabled: bool, *, deadline_s: float) -> None:
        """Start it with the host, or not. Source: virDomainSetAutostart."""
        await self.tell_vm(
            "switching autostart", vm, lambda domain: domain.setAutostart(int(enabled)), deadline_s=deadline_s
        )

    async def undefine(self, vm: VmId, *, deadline_s: float) -> None:
        """Remove its definition and what libvirt keeps beside it. Source: virDomainUndefineFlags."""
        with suppress(NotFound):
            await self.tell_vm("removing it", vm, self._undefine, deadline_s=deadline_s)

    async def _takes_direct_io(self, path: str, deadline_s: float) -> bool:
        """Whether the storage under a disk takes O_DIRECT: asked by doing it; a tmpfs does not."""
        if not self.access.has_shell:
            return False
        argv = ("dd", f"if={path}", "of=/dev/null", "iflag=direct", "bs=4096", "count=1", "status=none")
        return (await self.access.run(argv, deadline_s=deadline_s)).exit_status == 0

    def _define(self, connection: Connection, intent: CreateVm, disk_path: str, direct_io: bool) -> None:
        libvirt = self.libvirt
        try:
            known = connection.lookupByUUIDString(intent.vm)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
        else:
            if known.name() == intent.name and definition.created_by_us(known.XMLDesc(0), intent.name):
                return
            raise Conflict(intent.name, f"UUID {intent.vm} is VM {known.name()} already", "create it anew")
        _refuse_taken_name(libvirt, connection, intent)
        text = definition.write(
            intent, disk_path=disk_path, domain_type=self._domain_type(connection), direct_io=direct_io
        )
        connection.defineXMLFlags(text, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)

    def _belongings(self, domain: Domain) -> Belongings:
        root = xml.parse(domain.XMLDesc(0), domain.UUIDString())
        return Belongings(
            snapshots=domain.snapshotNum(0),
            checkpoints=self._checkpoints(domain),
            saved_memory=bool(domain.hasManagedSaveImage(0)),
            uefi_variables=root.find("os/nvram") is not None,
            tpm=root.find("devices/tpm") is not None,
        )

    def _checkpoints(self, domain: Domain) -> int:
        libvirt = self.libvirt
        try:
            return len(domain.listAllCheckpoints(0))
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
                return 0  # a driver that knows of none has none
            raise

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


def _refuse_taken_name(libvirt: Any, connection: Connection, intent: CreateVm) -> None:  # noqa: ANN401 - the module
    try:
        other = connection.lookupByName(intent.name)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise
        return
    raise Conflict(intent.name, f"another VM has this name ({other.UUIDString()})", "choose another name")
