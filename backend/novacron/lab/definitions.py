"""libvirt XML of the lab's pools, networks and guests, built element by element."""

from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from novacron.lab.guest.image import CMDLINE
from novacron.lab.layout import GUEST

BASE_IMAGE = "tiny.qcow2"
"""An empty disk in the shared pool to make VMs from."""
BASE_IMAGE_MIB = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class VmDefinition:
    """A VM that runs the tiny guest."""

    name: str
    domain_type: str
    """kvm, or qemu for TCG."""
    disk: Path | None = None
    """A qcow2 file as the host sees it; None: no disk."""
    memory_mib: int = 128
    vcpus: int = 1
    dirty_mib_s: int = 0
    """How much memory the guest dirties."""
    network: bool = True
    uuid: str = ""
    """Empty: libvirt chooses."""
    cmdline: str = ""
    """More novacron.* parameters of the guest."""


def pool_xml(name: str, path: Path) -> str:
    """Return a pool of a folder."""
    pool = etree.Element("pool", type="dir")
    _text(pool, "name", name)
    _text(etree.SubElement(pool, "target"), "path", str(path))
    return _string(pool)


def network_xml() -> str:
    """Return the network `default`: the host's own bridge."""
    network = etree.Element("network")
    _text(network, "name", "default")
    etree.SubElement(network, "forward", mode="bridge")
    etree.SubElement(network, "bridge", name="br0")
    return _string(network)


def vm_xml(vm: VmDefinition) -> str:
    """Return a VM that boots the tiny guest directly from its kernel."""
    domain = etree.Element("domain", type=vm.domain_type)
    _text(domain, "name", vm.name)
    if vm.uuid:
        _text(domain, "uuid", vm.uuid)
    _text(domain, "memory", str(vm.memory_mib), unit="MiB")
    _text(domain, "vcpu", str(vm.vcpus))
    system = etree.SubElement(domain, "os")
    _text(system, "type", "hvm", arch="x86_64", machine="q35")
    _text(system, "kernel", str(GUEST / "vmlinuz"))
    _text(system, "initrd", str(GUEST / "initrd"))
    parameters = [CMDLINE, f"novacron.name={vm.name}", vm.cmdline]
    if vm.dirty_mib_s:
        parameters.append(f"novacron.dirty={vm.dirty_mib_s}")
    _text(system, "cmdline", " ".join(part for part in parameters if part))
    etree.SubElement(etree.SubElement(domain, "features"), "acpi")
    if vm.domain_type == "kvm":
        etree.SubElement(domain, "cpu", mode="host-model")
    _devices(domain, vm)
    return _string(domain)


def _devices(domain: "etree._Element", vm: VmDefinition) -> None:
    devices = etree.SubElement(domain, "devices")
    if vm.disk is not None:
        disk = etree.SubElement(devices, "disk", type="file", device="disk")
        etree.SubElement(disk, "driver", name="qemu", type="qcow2", discard="unmap")
        etree.SubElement(disk, "source", file=str(vm.disk))
        etree.SubElement(disk, "target", dev="vda", bus="virtio")
    if vm.network:
        nic = etree.SubElement(devices, "interface", type="network")
        etree.SubElement(nic, "source", network="default")
        etree.SubElement(nic, "model", type="virtio")
        # The card's own boot program would cost a second of each start.
        etree.SubElement(nic, "rom", enabled="no")
    serial = etree.SubElement(devices, "serial", type="pty")
    etree.SubElement(serial, "target", port="0")
    console = etree.SubElement(devices, "console", type="pty")
    etree.SubElement(console, "target", type="serial", port="0")
    balloon = etree.SubElement(devices, "memballoon", model="virtio")
    etree.SubElement(balloon, "stats", period="5")


def _text(parent: "etree._Element", tag: str, text: str, **attributes: str) -> None:
    etree.SubElement(parent, tag, attributes).text = text


def _string(root: "etree._Element") -> str:
    return etree.tostring(root, pretty_print=True, encoding="unicode")
