"""Disks and network interfaces to be attached or detached, as elements of a definition."""

from collections.abc import Iterator

from lxml import etree

from novacron.adapters.libvirt import xml
from novacron.model.device import DiskAttachment, NicAttachment


def add_disk(parent: etree._Element, disk: DiskAttachment, *, direct_io: bool) -> etree._Element:
    """Append a <disk>. `direct_io`: its storage takes O_DIRECT."""
    is_block = disk.path.startswith("/dev/")
    element = xml.add(parent, "disk", type="block" if is_block else "file", device="disk")
    driver = xml.add(element, "driver", name="qemu", type=disk.format)
    if direct_io:
        driver.set("cache", "none")
    xml.add(element, "source", **{"dev" if is_block else "file": disk.path})
    xml.add(element, "target", dev=disk.target, bus=disk.bus.value)
    if disk.readonly:
        xml.add(element, "readonly")
    if disk.shareable:
        xml.add(element, "shareable")
    return element


def add_nic(parent: etree._Element, nic: NicAttachment) -> etree._Element:
    """Append an <interface>."""
    element = xml.add(parent, "interface", type="network")
    xml.add(element, "mac", address=nic.mac)
    xml.add(element, "source", network=nic.network)
    xml.add(element, "model", type=nic.model)
    return element


def find_disk(root: etree._Element, target: str) -> etree._Element | None:
    """Return the disk of that target; None where the definition has none."""
    return next((disk for disk in root.iterfind("devices/disk") if _attribute(disk, "target", "dev") == target), None)


def find_nic(root: etree._Element, mac: str) -> etree._Element | None:
    """Return the network interface of that MAC address; None where the definition has none."""
    wanted = mac.lower()
    return next(
        (nic for nic in root.iterfind("devices/interface") if _attribute(nic, "mac", "address").lower() == wanted), None
    )


def disk_sources(disk: etree._Element) -> Iterator[str]:
    """Yield the paths that a disk's own source names."""
    source = disk.find("source")
    if source is not None:
        yield from (value for key in ("file", "dev") if (value := source.get(key)))


def nic_network(nic: etree._Element) -> str:
    """Return the libvirt network of an interface; empty for one of another kind."""
    return _attribute(nic, "source", "network")


def _attribute(element: etree._Element, child: str, name: str) -> str:
    found = element.find(child)
    return "" if found is None else found.get(name) or ""
