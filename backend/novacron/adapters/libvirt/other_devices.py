"""What a definition has beside disks, interfaces and host devices that holds data or ties a VM to its host."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from lxml import etree

from novacron.adapters.libvirt.sizing import read_mib


def read_other_devices(root: etree._Element) -> tuple[str, ...]:
    """Name them in words, in the order of the definition. Source: https://libvirt.org/formatdomain.html#devices."""
    return tuple(_all(root.find("devices")))


def _all(devices: etree._Element | None) -> Iterator[str]:
    for element in devices if devices is not None else ():
        describe = _KINDS.get(str(element.tag))
        if describe is not None:
            yield describe(element)


def _file_system(element: etree._Element) -> str:
    source, target = element.find("source"), element.find("target")
    keys = ("dir", "file", "dev", "name", "socket", "usage")
    place = "" if source is None else next((value for key in keys if (value := source.get(key))), "")
    tag = "" if target is None else target.get("dir") or ""
    return _joined("file system", place, f"as {tag}" if tag else "")


def _tpm(element: etree._Element) -> str:
    backend, device = element.find("backend"), element.find("backend/device")
    kind = "" if backend is None else backend.get("type")
    return _joined("TPM", kind, "" if device is None else device.get("path"))


def _memory(element: etree._Element) -> str:
    return _joined(
        "memory", element.get("model"), f"{read_mib(element.find('target/size'))} MiB", element.findtext("source/path")
    )


def _vsock(element: etree._Element) -> str:
    cid = element.find("cid")
    return _joined("vsock", "" if cid is None else cid.get("address"))


def _joined(*parts: str | None) -> str:
    return " ".join(part.strip() for part in parts if part and part.strip())


_KINDS: Final[Mapping[str, Callable[[etree._Element], str]]] = {
    "filesystem": _file_system,
    "tpm": _tpm,
    "shmem": lambda element: _joined("shared memory", element.get("name")),
    "memory": _memory,
    "vsock": _vsock,
    "redirdev": lambda element: _joined("redirected", element.get("bus"), element.get("type")),
}
