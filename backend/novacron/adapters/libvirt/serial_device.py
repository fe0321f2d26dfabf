"""Which of a VM's character devices is its serial console, and what is told of a VM that has none.

Left to itself libvirt opens the first `<console>`: that may be a virtio port on which no guest listens, or a device
that is no terminal, while the serial port beside it is the one with the login.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree

_OPENABLE = "pty"
"""The one backend that virDomainOpenConsole hands out; of a unix socket it says that it is not a PTY, as of others."""
_FIRMWARE_ONLY = "isa-debug"


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialConsole:
    """The device to open."""

    device: str | None = None
    """Its alias; None: the one that libvirt takes by itself."""
    problem: str = ""
    """Why there is none to open; empty when there is one. Foreign text."""


def serial_console(root: etree._Element) -> SerialConsole:
    """Return the serial port that can be opened, the first one before others, ports before virtio consoles."""
    devices = _devices(root)
    for device in devices:
        if device.get("type") == _OPENABLE:
            return SerialConsole(device=None if _is_default(root, device) else _alias(device))
    if not devices:
        return SerialConsole(problem="it has no serial port")
    told = " and ".join(dict.fromkeys(_description(device) for device in devices[:3]))
    return SerialConsole(problem=f"its serial port cannot be opened through libvirt: it is {told}")


def _devices(root: etree._Element) -> Sequence[etree._Element]:
    ports = [port for port in root.iterfind("devices/serial") if _target(port) != _FIRMWARE_ONLY]
    consoles = root.findall("devices/console")
    # A console of type serial is another name of the first port; other hypervisors have consoles alone.
    own = [one for one in consoles if _target(one) not in ("", "serial")] if ports else consoles
    return [*ports, *own]


def _is_default(root: etree._Element, device: etree._Element) -> bool:
    """Whether libvirt would take it, too. Not every driver knows of aliases, so none is named without need."""
    first = root.find("devices/console")
    if first is None or first is device:
        return first is device or root.find("devices/serial") is device
    return _target(first) in ("", "serial") and root.find("devices/serial") is device


def _alias(device: etree._Element) -> str | None:
    """Return libvirt's name of a device; a VM that does not run has none."""
    alias = device.find("alias")
    return None if alias is None else alias.get("name")


def _target(device: etree._Element) -> str:
    target = device.find("target")
    return "" if target is None else target.get("type") or ""


def _description(device: etree._Element) -> str:
    """Say where a device that is no terminal leads: "tcp 127.0.0.1:5555", "file /var/log/vm.log"."""
    kind = device.get("type") or "of no type"
    return " ".join((kind, *_places(device)))


def _places(device: etree._Element) -> Iterator[str]:
    for source in device.iterfind("source"):
        host, service = source.get("host") or "", source.get("service") or ""
        if host or service:
            yield f"{host}:{service}"
        elif place := source.get("path") or source.get("channel"):
            yield place
