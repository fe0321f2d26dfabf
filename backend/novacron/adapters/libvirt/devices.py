"""The disks and host devices of a definition, each under a name that tells it from others.

A file or block device is named by its path, and a volume by pool and volume until its pool tells the path. A network
disk is named by its URL; rbd and sheepdog by the bare name under which their pools list the same image.
"""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from novacron.model.vm import VmDisk

_NAMED_AS_IN_POOLS: Final = frozenset({"rbd", "sheepdog"})
_REMOVABLE: Final = frozenset({"cdrom", "floppy"})
_LOOPBACK: Final = ("localhost", "127.", "::1", "ip6-localhost")


def read_disk(element: etree._Element) -> VmDisk:
    """Read a <disk>. Only a drive without a medium has no source."""
    driver, target, source = element.find("driver"), element.find("target"), element.find("source")
    storage, kind = element.get("type") or "file", element.get("device") or "disk"
    dev = (target.get("dev") if target is not None else None) or ""
    protocol = (source.get("protocol") if source is not None else None) or ""
    name = "" if source is None else _name(source, storage, protocol)
    if not name and kind not in _REMOVABLE:
        name = f"{storage} source of {dev}"  # libvirt takes no disk without one: it is of a kind not known here
    return VmDisk(
        target=dev,
        source=name,
        format=(driver.get("type") if driver is not None else None) or "raw",
        readonly=element.find("readonly") is not None or kind == "cdrom",
        shareable=element.find("shareable") is not None,
        kind=kind,
        storage=storage,
        protocol=protocol,
        served_by_host=source is not None and bool(protocol) and _is_local(source),
    )


def name_without_path(source: etree._Element) -> str:
    """Return what a <source> of any device is called by its pool or server; empty for one that has a path."""
    protocol = source.get("protocol") or ""
    return _name(source, "", protocol) if protocol or source.get("volume") else ""


def read_host_devices(root: etree._Element) -> Iterator[str]:
    """Yield the devices of its host that a VM was given, in words."""
    for element in root.iterfind("devices/hostdev"):
        kind = element.get("type") or element.get("mode") or ""
        yield f"the {_HOST_DEVICES.get(kind, kind)} device{_address(element.find('source'))}"
    for element in root.iterfind("devices/interface[@type='hostdev']"):
        if element.find("teaming[@type='transient']") is None:  # libvirt takes such a one out while it migrates
            yield f"the network device{_address(element.find('source'))}"


def pci_address(address: etree._Element | None) -> str:
    """Write a PCI address as lspci does; empty for none."""
    if address is None:
        return ""
    parts = {key: _hex(address.get(key), size) for key, size in (("domain", 4), ("bus", 2), ("slot", 2))}
    return f"{parts['domain']}:{parts['bus']}:{parts['slot']}.{_hex(address.get('function'), 1)}"


_HOST_DEVICES: Final = {"pci": "PCI", "usb": "USB", "scsi": "SCSI", "scsi_host": "SCSI host", "mdev": "mediated"}


def _name(source: etree._Element, storage: str, protocol: str) -> str:
    if source.get("volume"):
        return f"{source.get('pool') or ''}/{source.get('volume')}"
    if protocol:
        return _url(source, protocol)
    if storage == "nvme":
        return f"nvme:{pci_address(source.find('address'))}/{source.get('namespace') or ''}"
    if storage == "vhostuser":
        return f"vhost-user:{source.get('path') or ''}"
    return next((value for key in ("file", "dev", "dir", "name", "path") if (value := source.get(key))), "")


def _url(source: etree._Element, protocol: str) -> str:
    name = source.get("name") or ""
    snapshot = source.find("snapshot")
    name += f"@{snapshot.get('name')}" if snapshot is not None else ""
    if protocol in _NAMED_AS_IN_POOLS and name:
        return name
    hosts = ",".join(_host(host) for host in source.iterfind("host"))
    query = source.get("query") or ""
    return f"{protocol}://{hosts}/{name.lstrip('/')}{f'?{query}' if query else ''}"


def _host(host: etree._Element) -> str:
    if host.get("socket"):
        return f"unix:{host.get('socket')}"
    name, port = host.get("name") or "", host.get("port")
    name = f"[{name}]" if ":" in name else name
    return f"{name}:{port}" if port else name


def _is_local(source: etree._Element) -> bool:
    """Whether every server of a disk is on the VM's own host; none named: those of that host's own configuration."""
    hosts = source.findall("host")
    return bool(hosts) and all(
        host.get("transport") == "unix" or (host.get("name") or "").startswith(_LOOPBACK) for host in hosts
    )


def _address(source: etree._Element | None) -> str:
    """Return " 0000:06:02.0" or the like; empty where nothing says which one it is."""
    if source is None:
        return ""
    address, vendor, product = source.find("address"), source.find("vendor"), source.find("product")
    if vendor is not None and product is not None:
        return f" {_hex(vendor.get('id'), 4)}:{_hex(product.get('id'), 4)}"
    if address is None:
        return f" {name}" if (name := source.get("wwpn") or source.get("dev") or source.get("name")) else ""
    if address.get("uuid"):
        return f" {address.get('uuid')}"
    if address.get("slot"):
        return f" {pci_address(address)}"
    return f" {address.get('bus')}:{address.get('device')}" if address.get("device") else ""


def _hex(text: str | None, size: int) -> str:
    return (text or "0").lower().removeprefix("0x").rjust(size, "0")
