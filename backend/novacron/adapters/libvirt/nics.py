"""Network interfaces in a domain's XML. Source: https://libvirt.org/formatdomain.html#network-interfaces."""

from collections.abc import Callable, Mapping
from typing import Final

from lxml import etree

from novacron.adapters.libvirt.devices import pci_address
from novacron.model.vm import VmNic


def read_nic(element: etree._Element) -> VmNic:
    """Return one interface: its kind, and what it is plugged into in the terms of that kind."""
    # Of a network that is a bridge, a pool of devices or the like, a running VM shows what it was given from it, too.
    kind = "network" if _attribute(element, "source", "network") else element.get("type") or "network"
    return VmNic(
        mac=_attribute(element, "mac", "address"),
        kind=kind,
        network=_PLUGS.get(kind, _any)(element),
        model=_attribute(element, "model", "type"),
        link=_attribute(element, "target", "dev"),
    )


def _attribute(element: etree._Element, child: str, name: str) -> str:
    found = element.find(child)
    return "" if found is None else found.get(name) or ""


def _source(name: str) -> Callable[[etree._Element], str]:
    return lambda element: _attribute(element, "source", name)


def _direct(element: etree._Element) -> str:
    """Name the host's device, and how a macvtap is tied to it."""
    return _joined(_attribute(element, "source", "dev"), _attribute(element, "source", "mode"))


def _user(element: etree._Element) -> str:
    """Name the program and the device it goes out by; QEMU's own network has neither."""
    return _joined(_attribute(element, "backend", "type"), _attribute(element, "source", "dev"))


def _ethernet(element: etree._Element) -> str:
    """Name the host's tap device, or the script that plugs it in."""
    return _attribute(element, "target", "dev") or _attribute(element, "script", "path")


def _hostdev(element: etree._Element) -> str:
    return pci_address(element.find("source/address"))


def _socket(element: etree._Element) -> str:
    """Name the address it sends to or listens on; of udp also its own end."""
    source = element.find("source")
    if source is None:
        return ""
    return _joined(*(_address(end) for end in (source, source.find("local")) if end is not None))


def _address(element: etree._Element) -> str:
    address, port = element.get("address") or "", element.get("port") or ""
    return f"{address}:{port}" if address or port else ""


def _any(element: etree._Element) -> str:
    """Name whatever the source of a kind that we do not know names."""
    source = element.find("source")
    return "" if source is None else _joined(*(f"{key!s}={source.get(key)}" for key in source.keys()))  # noqa: SIM118 - an lxml element


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


_PLUGS: Final[Mapping[str, Callable[[etree._Element], str]]] = {
    "network": _source("network"),
    "bridge": _source("bridge"),
    "direct": _direct,
    "user": _user,
    "ethernet": _ethernet,
    "hostdev": _hostdev,
    "vhostuser": _source("path"),
    "vdpa": _source("dev"),
    "internal": _source("name"),
    "udp": _socket,
    "server": _socket,
    "client": _socket,
    "mcast": _socket,
}
