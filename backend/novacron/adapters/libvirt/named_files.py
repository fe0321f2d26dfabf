"""Every file that a definition or snapshot names: whatever it calls by an absolute path may be needed.

Pure. What is not recognized is taken for a file all the same: an element that a newer libvirt has is a use, too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from lxml import etree

from novacron.adapters.libvirt.devices import name_without_path
from novacron.model.files import UseKind

_NOT_ON_THE_HOST: Final = frozenset(
    {"metadata", "description", "title", "name", "uuid", "emulator", "binary", "seclabel"}
)
_PATH_ATTRIBUTES: Final = ("file", "dev", "dir", "path", "name", "logappend", "evdev")
_NOBODYS: Final = re.compile(r"/dev/(pts/.*|null|zero|full|u?random|hwrng|net/tun|vhost-net|kvm|tty)|/(proc|sys)/.*")
"""Devices that are no file of anybody's."""
_WORDS: Final = {
    "kernel": "kernel",
    "initrd": "initrd",
    "dtb": "device tree",
    "loader": "firmware",
    "nvram": "NVRAM",
    "mirror": "copy being made",
    "backingStore": "base image",
    "dataStore": "data file",
    "filesystem": "shared folder",
    "tpm": "TPM",
    "hostdev": "device",
    "memory": "memory",
    "slices": "disk",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPath:
    """A path in a definition, and what it is to the VM."""

    path: str
    what: str
    kind: UseKind = UseKind.FILE

    @property
    def may_have_base(self) -> bool:
        """Whether it is a disk image, to which its base belongs as well."""
        return self.what in {"disk", "base image", "copy being made"} or self.what.startswith("snapshot ")


def named_paths(root: etree._Element, *, of: str = "") -> tuple[NamedPath, ...]:
    """Return every path, and every volume of a pool or server, that the document names.

    `of` is what else to call them by, such as "snapshot one".
    """
    found: dict[str, NamedPath] = {}
    for element in _elements(root):
        for text in _texts(element):
            if text.startswith("/") and not _NOBODYS.fullmatch(text):
                named = _named(element, text, of)
                found.setdefault(named.path, named)
        if etree.QName(element.tag).localname == "source" and (name := name_without_path(element)):
            kind = UseKind.VOLUME if element.get("volume") else UseKind.FILE
            found.setdefault(name, replace(_named(element, name, of), path=name, kind=kind))
    return tuple(found.values())


def known_chains(root: etree._Element) -> frozenset[str]:
    """Return the disks whose whole chain the definition itself tells: those of a VM that runs."""
    return frozenset(
        path
        for disk in root.iterfind("devices/disk")
        if _is_whole(disk)
        for source in disk.iter("source")
        if (path := source.get("file") or source.get("dev"))
    )


def _is_whole(disk: etree._Element) -> bool:
    """Whether the chain is told to its end, which libvirt marks by an empty element."""
    last = disk.find("backingStore")
    while last is not None and len(last):
        last = last.find("backingStore")
    return last is not None


def _elements(root: etree._Element) -> Iterator[etree._Element]:
    for child in root:
        tag = child.tag if isinstance(child.tag, str) else ""
        if tag and etree.QName(tag).localname not in _NOT_ON_THE_HOST:
            yield child
            yield from _elements(child)


def _texts(element: etree._Element) -> Iterator[str]:
    tag = etree.QName(element.tag).localname
    parent = element.getparent()
    if tag == "target" and parent is not None and parent.tag == "filesystem":
        return  # the guest's own name for it
    yield (element.text or "").strip()
    yield from (value for name in _PATH_ATTRIBUTES if (value := element.get(name)))
    if tag == "arg":
        # QEMU's own options: "driver=qcow2,file.filename=/srv/x", and JSON.
        yield from re.findall(r"/[^,\"]+", element.get("value") or "")


def _named(element: etree._Element, text: str, of: str) -> NamedPath:
    tags = [etree.QName(one.tag).localname for one in (element, *element.iterancestors())]
    what = next((_WORDS[tag] for tag in tags if tag in _WORDS), "")
    if not what and "disk" in tags:
        disk = next(one for one in (element, *element.iterancestors()) if one.tag == "disk")
        what = "medium" if disk.get("device") in {"cdrom", "floppy"} else "disk"
    is_folder = bool({"filesystem", "disk"} & set(tags)) and element.get("dir") == text
    return NamedPath(
        path=text.rstrip("/") or "/", what=of or what or "file", kind=UseKind.FOLDER if is_folder else UseKind.FILE
    )
