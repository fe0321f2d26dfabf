"""A domain's XML: what we read from it, and how a new one is written."""

from dataclasses import dataclass

from lxml import etree

from novacron.adapters.libvirt import xml
from novacron.adapters.libvirt.devices import read_disk, read_host_devices
from novacron.adapters.libvirt.nics import read_nic
from novacron.adapters.libvirt.other_devices import read_other_devices
from novacron.adapters.libvirt.serial_device import serial_console
from novacron.adapters.libvirt.sizing import read_size, read_sizing
from novacron.model.vm import VmDisk, VmNic, VmSize, VmSizing
from novacron.model.vm_definition import KernelBoot, VmDefinition

_NAMESPACE = "urn:novacron:vm:1"
_BALLOON_PERIOD_S = "2"
_SPARE_PCIE_PORTS = 4
"""How many devices can be attached while it runs: libvirt adds no port to a machine that runs."""
_OWN_PCIE_PORTS = 2
"""Of the balloon and of the USB controller that libvirt adds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What the panes show of a definition."""

    disks: tuple[VmDisk, ...]
    nics: tuple[VmNic, ...]
    host_devices: tuple[str, ...] = ()
    on_poweroff: str = "destroy"
    on_reboot: str = "restart"
    description: str
    serial_problem: str
    other_devices: tuple[str, ...]
    size: VmSize
    sizing: VmSizing
    """As if the definition were the stored one."""


def read(text: str, subject: str) -> Definition:
    """Read a definition. Raises OperationError for XML that is none."""
    root = xml.parse(text, subject)
    return Definition(
        disks=tuple(read_disk(element) for element in root.iterfind("devices/disk")),
        nics=tuple(read_nic(element) for element in root.iterfind("devices/interface")),
        host_devices=tuple(read_host_devices(root)),
        on_poweroff=(root.findtext("on_poweroff") or "destroy").strip(),
        on_reboot=(root.findtext("on_reboot") or "restart").strip(),
        description=root.findtext("description") or "",
        serial_problem=serial_console(root).problem,
        other_devices=read_other_devices(root),
        size=read_size(root),
        sizing=read_sizing(root),
    )


def differing_disks(now: Definition, stored: Definition) -> tuple[VmDisk, ...] | None:
    """Return the disks of the stored definition; None where they are those that it has now."""
    return None if _same_disks(now) == _same_disks(stored) else stored.disks


def differing_nics(now: Definition, stored: Definition) -> tuple[VmNic, ...] | None:
    """Return the network interfaces of the stored definition; None where they are those that it has now."""
    return None if _same_nics(now) == _same_nics(stored) else stored.nics


def write(vm: VmDefinition, *, domain_type: str, direct_io: bool) -> str:
    """Return the XML of a new VM: q35, virtio, a serial console, a balloon that reports.

    `direct_io`: its disk's storage takes O_DIRECT. Migration on shared storage then never meets a stale page cache.
    """
    root = etree.Element("domain", {"type": domain_type}, nsmap={"novacron": _NAMESPACE})
    xml.add(root, "name", vm.name)
    xml.add(root, "uuid", vm.id)
    if vm.description:
        xml.add(root, "description", vm.description)
    metadata = xml.add(root, "metadata")
    etree.SubElement(metadata, f"{{{_NAMESPACE}}}created").text = vm.id
    xml.add(root, "memory", str(vm.memory_mib), unit="MiB")
    xml.add(root, "currentMemory", str(vm.memory_mib), unit="MiB")
    xml.add(root, "vcpu", str(vm.vcpus))
    _add_boot(root, vm.boot)
    features = xml.add(root, "features")
    xml.add(features, "acpi")
    xml.add(features, "apic")
    if domain_type == "kvm":
        xml.add(root, "cpu", mode="host-model", check="partial")
    xml.add(root, "clock", offset="utc")
    for event, action in (("on_poweroff", "destroy"), ("on_reboot", "restart"), ("on_crash", "destroy")):
        xml.add(root, event, action)
    _add_devices(root, vm, direct_io=direct_io)
    return xml.write(root)


def created_by_us(text: str, subject: str) -> bool:
    """Return whether the definition carries our mark for its own UUID."""
    root = xml.parse(text, subject)
    mark = root.findtext(f"metadata/{{{_NAMESPACE}}}created")
    return mark is not None and mark == root.findtext("uuid")


def _same_disks(definition: Definition) -> list[tuple[object, ...]]:
    """Return what a process does not change by itself: of a disk it knows more than its definition says."""
    return [(disk.target, disk.source, disk.kind, disk.readonly, disk.shareable) for disk in definition.disks]


def _same_nics(definition: Definition) -> list[tuple[object, ...]]:
    return [(nic.mac, nic.kind, nic.network, nic.model) for nic in definition.nics]


def _add_boot(root: etree._Element, direct: KernelBoot | None) -> None:
    boot = xml.add(root, "os")
    xml.add(boot, "type", "hvm", arch="x86_64", machine="q35")
    if direct is not None:
        xml.add(boot, "kernel", direct.kernel)
        if direct.initrd:
            xml.add(boot, "initrd", direct.initrd)
        if direct.cmdline:
            xml.add(boot, "cmdline", direct.cmdline)
    else:
        xml.add(boot, "boot", dev="hd")


def _add_devices(root: etree._Element, vm: VmDefinition, *, direct_io: bool) -> None:
    devices = xml.add(root, "devices")
    ports = _SPARE_PCIE_PORTS + _OWN_PCIE_PORTS + bool(vm.disk_path) + bool(vm.network)
    xml.add(devices, "controller", type="pci", model="pcie-root")
    for _ in range(ports):
        xml.add(devices, "controller", type="pci", model="pcie-root-port")
    if vm.disk_path:
        disk = xml.add(devices, "disk", type="file", device="disk")
        driver = xml.add(disk, "driver", name="qemu", type="qcow2")
        if direct_io:
            driver.set("cache", "none")
        xml.add(disk, "source", file=vm.disk_path)
        xml.add(disk, "target", dev="vda", bus="virtio")
    if vm.network:
        nic = xml.add(devices, "interface", type="network")
        xml.add(nic, "source", network=vm.network)
        xml.add(nic, "model", type="virtio")
    serial = xml.add(devices, "serial", type="pty")
    xml.add(serial, "target", port="0")
    console = xml.add(devices, "console", type="pty")
    xml.add(console, "target", type="serial", port="0")
    balloon = xml.add(devices, "memballoon", model="virtio")
    xml.add(balloon, "stats", period=_BALLOON_PERIOD_S)
