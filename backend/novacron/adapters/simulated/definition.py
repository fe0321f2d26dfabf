"""Simulated VMs as libvirt's domain XML, and back.

Built with lxml's element API and parsed without entities or network, as everywhere. Only what a Machine has
is written and read.
"""

from lxml import etree

from novacron.adapters.simulated.machine import Machine
from novacron.model.errors import OperationError
from novacron.model.ids import VmId
from novacron.model.vm import VmDisk, VmNic

_ILLEGAL_IN_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32)), "�")


def to_xml(machine: Machine) -> str:
    """Return its definition as a libvirt would write it."""
    domain = etree.Element("domain", type=machine.domain_type)
    _text(domain, "name", machine.name)
    _text(domain, "uuid", machine.id)
    if machine.description:
        _text(domain, "description", machine.description)
    memory_kib = 1024 * max(machine.memory_max_mib, machine.next_memory_mib or 0)
    _text(domain, "memory", str(memory_kib), unit="KiB")
    _text(domain, "currentMemory", str(1024 * (machine.stored_memory_mib)), unit="KiB")
    vcpus, vcpus_max = machine.stored_vcpus, max(machine.vcpus_max, machine.stored_vcpus)
    _text(
        domain,
        "vcpu",
        str(vcpus_max),
        placement="static",
        **({} if vcpus == vcpus_max else {"current": str(vcpus)}),
    )
    _add_os(domain, machine)
    features = etree.SubElement(domain, "features")
    etree.SubElement(features, "acpi")
    etree.SubElement(features, "apic")
    cpu = etree.SubElement(domain, "cpu", mode="custom", match="exact", check="partial")
    _text(cpu, "model", machine.cpu, fallback="forbid")
    etree.SubElement(domain, "clock", offset="utc")
    actions = {"on_poweroff": machine.on_poweroff, "on_reboot": machine.on_reboot, "on_crash": "destroy"}
    for event, action in actions.items():
        _text(domain, event, action)
    _add_devices(domain, machine)
    return etree.tostring(domain, pretty_print=True, encoding="unicode")


def from_xml(xml: str) -> Machine:
    """Return the VM that a definition describes, shut off.

    Raises:
        OperationError: it is not a definition.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    try:
        domain = etree.fromstring(xml.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise OperationError("definition", f"XML error: {error}") from error
    name, identity = domain.findtext("name"), domain.findtext("uuid")
    if domain.tag != "domain" or not name or not identity:
        raise OperationError("definition", "XML error: it has no name or no uuid")
    memory_max_mib = _mib(domain.find("memory"))
    vcpu = domain.find("vcpu")
    vcpus_max = int(vcpu.text or 1) if vcpu is not None else 1
    os = domain.find("os")
    os_type = None if os is None else os.find("type")
    return Machine(
        id=VmId(identity.lower()),
        name=name,
        description=domain.findtext("description") or "",
        vcpus=int(vcpu.get("current", vcpus_max)) if vcpu is not None else 1,
        vcpus_max=vcpus_max,
        memory_mib=_mib(domain.find("currentMemory")) or memory_max_mib,
        memory_max_mib=memory_max_mib,
        domain_type=domain.get("type", "kvm"),
        cpu=domain.findtext("cpu/model") or "EPYC",
        machine_type="pc-q35-7.2" if os_type is None else os_type.get("machine", "pc-q35-7.2"),
        kernel=domain.findtext("os/kernel") or "",
        initrd=domain.findtext("os/initrd") or "",
        cmdline=domain.findtext("os/cmdline") or "",
        on_poweroff=domain.findtext("on_poweroff") or "destroy",
        on_reboot=domain.findtext("on_reboot") or "restart",
        disks=tuple(_disk(element) for element in domain.iterfind("devices/disk")),
        nics=tuple(_nic(element) for element in domain.iterfind("devices/interface")),
    )


def _add_os(domain: etree._Element, machine: Machine) -> None:
    os = etree.SubElement(domain, "os")
    _text(os, "type", "hvm", arch="x86_64", machine=machine.machine_type)
    if machine.kernel:
        for tag, value in (
            ("kernel", machine.kernel),
            ("initrd", machine.initrd),
            ("cmdline", machine.cmdline),
        ):
            if value:
                _text(os, tag, value)
    else:
        etree.SubElement(os, "boot", dev="hd")


def _add_devices(domain: etree._Element, machine: Machine) -> None:
    devices = etree.SubElement(domain, "devices")
    _text(devices, "emulator", "/usr/bin/qemu-system-x86_64")
    for disk in machine.disks:
        element = etree.SubElement(devices, "disk", type=disk.storage, device=disk.kind)
        etree.SubElement(element, "driver", name="qemu", type=disk.format)
        etree.SubElement(element, "source", file=_legal(disk.source))
        etree.SubElement(element, "target", dev=disk.target, bus="virtio")
        if disk.readonly:
            etree.SubElement(element, "readonly")
        if disk.shareable:
            etree.SubElement(element, "shareable")
    for nic in machine.nics:
        element = etree.SubElement(devices, "interface", type="network")
        etree.SubElement(element, "mac", address=nic.mac)
        etree.SubElement(element, "source", network=nic.network)
        if nic.link:
            etree.SubElement(element, "target", dev=nic.link)
        etree.SubElement(element, "model", type=nic.model or "virtio")
    for tag in ("serial", "console"):
        element = etree.SubElement(devices, tag, type="pty")
        etree.SubElement(element, "target", port="0")
    etree.SubElement(devices, "memballoon", model="virtio")


def _disk(element: etree._Element) -> VmDisk:
    return VmDisk(
        target=_attribute(element, "target", "dev") or "vda",
        source=_attribute(element, "source", "file"),
        format=_attribute(element, "driver", "type") or "raw",
        readonly=element.find("readonly") is not None,
        shareable=element.find("shareable") is not None,
        kind=element.get("device", "disk"),
        storage=element.get("type", "file"),
    )


def _nic(element: etree._Element) -> VmNic:
    return VmNic(
        mac=_attribute(element, "mac", "address"),
        network=_attribute(element, "source", "network") or _attribute(element, "source", "bridge"),
        model=_attribute(element, "model", "type"),
    )


def _attribute(element: etree._Element, child: str, attribute: str) -> str:
    found = element.find(child)
    return "" if found is None else found.get(attribute, "")


_UNITS_KIB = {"KiB": 1, "k": 1, "MiB": 1024, "M": 1024, "GiB": 1024 * 1024, "G": 1024 * 1024}


def _mib(element: etree._Element | None) -> int:
    if element is None or not element.text:
        return 0
    return int(element.text) * _UNITS_KIB.get(element.get("unit", "KiB"), 1) // 1024


def _text(parent: etree._Element, tag: str, text: str, **attributes: str) -> None:
    element = etree.SubElement(parent, tag, attributes)
    element.text = _legal(text)


def _legal(text: str) -> str:
    """Make hostile text fit for XML, which has no way to write most control characters."""
    return text.translate(_ILLEGAL_IN_XML)
