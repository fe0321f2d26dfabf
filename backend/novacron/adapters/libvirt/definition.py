"""A domain's XML: what we read from it, and how a new one is written."""

import re
from dataclasses import dataclass

from lxml import etree

from novacron.adapters.libvirt import xml
from novacron.model.intent import CreateVm
from novacron.model.vm import VmDisk, VmNic

_NAMESPACE = "urn:novacron:vm:1"
_BALLOON_PERIOD_S = "2"
_NUMBER = re.compile(r"\s*([0-9]{1,20})\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What the panes show of a definition."""

    disks: tuple[VmDisk, ...]
    nics: tuple[VmNic, ...]
    description: str
    has_serial: bool
    vcpus: int
    memory_mib: int


def read(text: str, subject: str) -> Definition:
    """Read a definition. Raises OperationError for XML that is none."""
    root = xml.parse(text, subject)
    vcpu = root.find("vcpu")
    return Definition(
        disks=tuple(_disk(element) for element in root.iterfind("devices/disk")),
        nics=tuple(_nic(element) for element in root.iterfind("devices/interface")),
        description=root.findtext("description") or "",
        has_serial=root.find("devices/console") is not None or root.find("devices/serial") is not None,
        vcpus=(_number(vcpu.get("current") or vcpu.text) or 1) if vcpu is not None else 1,
        memory_mib=_mib(root.find("currentMemory")) or _mib(root.find("memory")),
    )


def write(intent: CreateVm, *, disk_path: str, domain_type: str, direct_io: bool) -> str:
    """Return the XML of a new VM: q35, virtio, a serial console, a balloon that reports.

    `direct_io`: its disk's storage takes O_DIRECT. Migration on shared storage then never meets a stale page cache.
    """
    root = etree.Element("domain", {"type": domain_type}, nsmap={"novacron": _NAMESPACE})
    xml.add(root, "name", intent.name)
    xml.add(root, "uuid", intent.vm)
    if intent.description:
        xml.add(root, "description", intent.description)
    metadata = xml.add(root, "metadata")
    etree.SubElement(metadata, f"{{{_NAMESPACE}}}created").text = intent.vm
    xml.add(root, "memory", str(intent.memory_mib), unit="MiB")
    xml.add(root, "currentMemory", str(intent.memory_mib), unit="MiB")
    xml.add(root, "vcpu", str(intent.vcpus))
    _add_boot(root, intent)
    features = xml.add(root, "features")
    xml.add(features, "acpi")
    xml.add(features, "apic")
    if domain_type == "kvm":
        xml.add(root, "cpu", mode="host-model", check="partial")
    xml.add(root, "clock", offset="utc")
    for event, action in (("on_poweroff", "destroy"), ("on_reboot", "restart"), ("on_crash", "destroy")):
        xml.add(root, event, action)
    _add_devices(root, intent, disk_path, direct_io=direct_io)
    return xml.write(root)


def resize(text: str, subject: str, vcpus: int | None, memory_mib: int | None) -> str:
    """Return a definition with other sizes and everything else untouched."""
    root = xml.parse(text, subject)
    if vcpus is not None:
        element = root.find("vcpu")
        if element is None:
            element = xml.add(root, "vcpu")
        element.text = str(vcpus)
        if "current" in element.attrib:
            del element.attrib["current"]
    if memory_mib is not None:
        for tag in ("memory", "currentMemory"):
            element = root.find(tag)
            if element is None:
                element = xml.add(root, tag)
            element.text = str(memory_mib)
            element.set("unit", "MiB")
    return xml.write(root)


def created_by_us(text: str, subject: str) -> bool:
    """Return whether the definition carries our mark for its own UUID."""
    root = xml.parse(text, subject)
    mark = root.findtext(f"metadata/{{{_NAMESPACE}}}created")
    return mark is not None and mark == root.findtext("uuid")


def _add_boot(root: etree._Element, intent: CreateVm) -> None:
    boot = xml.add(root, "os")
    xml.add(boot, "type", "hvm", arch="x86_64", machine="q35")
    if intent.kernel:
        xml.add(boot, "kernel", intent.kernel)
        if intent.initrd:
            xml.add(boot, "initrd", intent.initrd)
        if intent.cmdline:
            xml.add(boot, "cmdline", intent.cmdline)
    else:
        xml.add(boot, "boot", dev="hd")


def _add_devices(root: etree._Element, intent: CreateVm, disk_path: str, *, direct_io: bool) -> None:
    devices = xml.add(root, "devices")
    if disk_path:
        disk = xml.add(devices, "disk", type="file", device="disk")
        driver = xml.add(disk, "driver", name="qemu", type="qcow2")
        if direct_io:
            driver.set("cache", "none")
        xml.add(disk, "source", file=disk_path)
        xml.add(disk, "target", dev="vda", bus="virtio")
    if intent.network:
        nic = xml.add(devices, "interface", type="network")
        xml.add(nic, "source", network=intent.network)
        xml.add(nic, "model", type="virtio")
    serial = xml.add(devices, "serial", type="pty")
    xml.add(serial, "target", port="0")
    console = xml.add(devices, "console", type="pty")
    xml.add(console, "target", type="serial", port="0")
    balloon = xml.add(devices, "memballoon", model="virtio")
    xml.add(balloon, "stats", period=_BALLOON_PERIOD_S)


def _disk(element: etree._Element) -> VmDisk:
    driver, target = element.find("driver"), element.find("target")
    return VmDisk(
        target=(target.get("dev") if target is not None else None) or "",
        source=_source(element.find("source")),
        format=(driver.get("type") if driver is not None else None) or "raw",
        readonly=element.find("readonly") is not None or element.get("device") == "cdrom",
        shareable=element.find("shareable") is not None,
        kind=element.get("device") or "disk",
        storage=element.get("type") or "file",
    )


def _source(source: etree._Element | None) -> str:
    if source is None:
        return ""
    if source.get("volume"):
        return f"{source.get('pool') or ''}/{source.get('volume')}"
    return next((value for key in ("file", "dev", "dir", "name") if (value := source.get(key))), "")


def _nic(element: etree._Element) -> VmNic:
    source, target = element.find("source"), element.find("target")
    mac, model = element.find("mac"), element.find("model")
    network = "" if source is None else source.get("network") or source.get("bridge") or source.get("dev") or ""
    return VmNic(
        mac=(mac.get("address") if mac is not None else None) or "",
        network=network,
        model=(model.get("type") if model is not None else None) or "",
        link=(target.get("dev") if target is not None else None) or "",
    )


_UNITS = {"b": 1, "bytes": 1, "KB": 1000, "k": 1024, "KiB": 1024, "MB": 10**6, "M": 1 << 20, "MiB": 1 << 20}
_UNITS |= {"GB": 10**9, "G": 1 << 30, "GiB": 1 << 30, "TB": 10**12, "T": 1 << 40, "TiB": 1 << 40}


def _mib(element: etree._Element | None) -> int:
    if element is None:
        return 0
    return _number(element.text) * _UNITS.get(element.get("unit") or "KiB", 1024) // (1 << 20)


def _number(text: str | None) -> int:
    """Return a whole number of at most 64 bits' length; 0 for anything else."""
    found = _NUMBER.fullmatch(text or "")
    return int(found[1]) if found else 0
