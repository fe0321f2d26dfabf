"""Attaching and detaching disks and network interfaces of a VM.

Each side, the process and the stored definition, is read first and changed by a call of its own: what is so already
stays, and libvirt is given the device as that side has it.
"""

from collections.abc import Callable

from lxml import etree

from novacron.adapters.libvirt import xml
from novacron.adapters.libvirt.device_xml import add_disk, add_nic, disk_sources, find_disk, find_nic, nic_network
from novacron.adapters.libvirt.direct_io import takes_direct_io
from novacron.adapters.libvirt.host_role import Domain, HostRole
from novacron.model.device import DiskAttachment, NicAttachment
from novacron.model.errors import Conflict, NotFound, OperationError
from novacron.model.ids import VmId

_UNPLUGGING = "already in the process of unplug"
"""QEMU's word on a device that the guest was asked for before."""
_Find = Callable[[etree._Element], etree._Element | None]


class DeviceChanger(HostRole):
    """ports.hypervisor.VmDevices."""

    async def attach_disk(self, vm: VmId, disk: DiskAttachment, *, live: bool, stored: bool, deadline_s: float) -> None:
        """Attach a disk. Source: virDomainAttachDeviceFlags."""
        await self._require_file(disk.path, deadline_s)
        direct_io = await takes_direct_io(self.access, disk.path, deadline_s=deadline_s)
        device = add_disk(etree.Element("devices"), disk, direct_io=direct_io)

        def find_same(root: etree._Element) -> etree._Element | None:
            found = find_disk(root, disk.target)
            if found is not None and disk.path not in disk_sources(found):
                raise Conflict(
                    root.findtext("name") or vm,
                    f"it has another disk as {disk.target}",
                    "choose another target, or detach that one first",
                )
            return found

        await self.change_vm(
            f"attaching {disk.target}",
            vm,
            lambda domain: self._attach(domain, device, find_same, live=live, stored=stored),
            deadline_s=deadline_s,
        )

    async def attach_nic(self, vm: VmId, nic: NicAttachment, *, live: bool, stored: bool, deadline_s: float) -> None:
        """Attach a network interface. Source: virDomainAttachDeviceFlags."""
        device = add_nic(etree.Element("devices"), nic)

        def find_same(root: etree._Element) -> etree._Element | None:
            found = find_nic(root, nic.mac)
            if found is not None and nic_network(found) != nic.network:
                raise Conflict(
                    root.findtext("name") or vm,
                    f"it has another network interface with MAC address {nic.mac}",
                    "choose another MAC address, or detach that one first",
                )
            return found

        def attach(domain: Domain) -> None:
            domain.connect().networkLookupByName(nic.network)
            self._attach(domain, device, find_same, live=live, stored=stored)

        await self.change_vm(f"attaching {nic.mac}", vm, attach, deadline_s=deadline_s)

    async def detach_disk(self, vm: VmId, target: str, *, live: bool, stored: bool, deadline_s: float) -> None:
        """Have a disk taken away. Source: virDomainDetachDeviceFlags."""
        await self.change_vm(
            f"detaching {target}",
            vm,
            lambda domain: self._detach(domain, lambda root: find_disk(root, target), live=live, stored=stored),
            deadline_s=deadline_s,
        )

    async def detach_nic(self, vm: VmId, mac: str, *, live: bool, stored: bool, deadline_s: float) -> None:
        """Have a network interface taken away. Source: virDomainDetachDeviceFlags."""
        await self.change_vm(
            f"detaching {mac}",
            vm,
            lambda domain: self._detach(domain, lambda root: find_nic(root, mac), live=live, stored=stored),
            deadline_s=deadline_s,
        )

    def _attach(self, domain: Domain, device: etree._Element, find_same: _Find, *, live: bool, stored: bool) -> None:
        # Both sides are looked at before one is changed, so that a conflict at the second leaves the first as it was.
        wanted = [side for side in self._sides(domain, live=live, stored=stored) if find_same(side[1]) is None]
        text = xml.write(device)
        for flag, _ in wanted:
            domain.attachDeviceFlags(text, flag)

    def _detach(self, domain: Domain, find: _Find, *, live: bool, stored: bool) -> None:
        for flag, root in self._sides(domain, live=live, stored=stored):
            device = find(root)
            if device is None:
                continue
            try:
                domain.detachDeviceFlags(xml.write(device), flag)
            except self.libvirt.libvirtError as error:
                if _UNPLUGGING not in (error.get_error_message() or ""):
                    raise

    def _sides(self, domain: Domain, *, live: bool, stored: bool) -> list[tuple[int, etree._Element]]:
        """Return the flag and the definition of each side to be changed, the process first.

        Raises:
            OperationError: the VM has no such side.
        """
        libvirt, name, is_active = self.libvirt, domain.name(), bool(domain.isActive())
        if live and not is_active:
            raise OperationError(name, "it does not run", "change its stored definition")
        if stored and not domain.isPersistent():
            raise OperationError(name, "it is transient: it has no stored definition", "change it while it runs only")
        if stored and not is_active and domain.hasManagedSaveImage(0):
            raise OperationError(
                name,
                "its memory was saved, and its next start restores the devices of that time",
                "start it, and change it while it runs",
            )
        sides = []
        if live:
            sides.append((libvirt.VIR_DOMAIN_AFFECT_LIVE, 0))
        if stored:
            sides.append((libvirt.VIR_DOMAIN_AFFECT_CONFIG, libvirt.VIR_DOMAIN_XML_INACTIVE))
        return [(flag, xml.parse(domain.XMLDesc(which), name)) for flag, which in sides]

    async def _require_file(self, path: str, deadline_s: float) -> None:
        """Raise NotFound for a file that is not there: the stored definition would take it all the same."""
        if self.access.has_shell:
            if (await self.access.run(("test", "-e", path), deadline_s=deadline_s)).exit_status != 0:
                raise NotFound(
                    path, f"there is no such file on {self.spec.id}", "look again: it was removed, or has moved"
                )
        else:
            await self.query(
                "looking for the volume",
                lambda connection: str(connection.storageVolLookupByPath(path).path()),
                deadline_s=deadline_s,
            )
