"""What a disk image says in its first bytes that it is based on. Pure.

Source: QEMU's docs/interop/qcow2.txt and qed_spec.txt; VMware's Virtual Disk Format 5.0 (the embedded descriptor).
"""

import json
import re
import struct
from posixpath import dirname, join
from typing import Final

HEAD_BYTES: Final = 65536
"""The smallest cluster that QEMU makes by default; the name of the base lies in the first one."""

_DATA_FILE: Final = 0x44415441
_END: Final = 0
_PARENT: Final = re.compile(rb'parentFileNameHint="([^"]*)"')
_DIFFERENCING: Final = (b"vhdxfile", b"conectix", b"WithoutFreeSpace", b"WithouFreSpacExt")
"""Formats whose base, if they have one, is not read here."""


class UnreadableHeader(ValueError):
    """What the image is based on cannot be told."""


def bases_named(head: bytes, path: str) -> tuple[str, ...]:
    """Return what an image that begins with these bytes needs beside itself: paths, or names of network volumes.

    Raises:
        UnreadableHeader: it has a base, or may have one, whose name is not in these bytes.
    """
    if head.startswith(b"QFI\xfb"):
        return _of_qcow(head, path)
    if head.startswith(b"QED\0"):
        return _of_qed(head, path)
    if head.startswith((b"KDMV", b"# Disk DescriptorFile")):
        return tuple(_absolute(name, path) for name in _PARENT.findall(head) if name)
    if head.startswith(_DIFFERENCING):
        raise UnreadableHeader("an image of this format may have a base that is not read here")
    return ()


def _of_qcow(head: bytes, path: str) -> tuple[str, ...]:
    if len(head) < 72:
        raise UnreadableHeader("its header is cut off")
    version, offset, length = struct.unpack(">IQI", head[4:20])
    found = [_absolute(_slice(head, offset, length), path)] if offset and length else []
    if version >= 3 and len(head) >= 104:
        found += [_absolute(name, path) for name in _data_files(head)]
    return tuple(found)


def _data_files(head: bytes) -> list[bytes]:
    """Return the external data files that the header's extensions name."""
    (at,) = struct.unpack(">I", head[100:104])
    names = []
    while at + 8 <= len(head):
        kind, length = struct.unpack(">II", head[at : at + 8])
        if kind == _END:
            break
        if kind == _DATA_FILE:
            names.append(_slice(head, at + 8, length))
        at += 8 + (length + 7) // 8 * 8
    return names


def _of_qed(head: bytes, path: str) -> tuple[str, ...]:
    if len(head) < 64:
        raise UnreadableHeader("its header is cut off")
    (features,) = struct.unpack("<Q", head[16:24])
    offset, length = struct.unpack("<II", head[56:64])
    return (_absolute(_slice(head, offset, length), path),) if features & 1 else ()


def _slice(head: bytes, offset: int, length: int) -> bytes:
    if length > 4096 or offset + length > len(head):
        raise UnreadableHeader("the name of its base lies beyond what was read")
    return head[offset : offset + length]


def _absolute(name: bytes, path: str) -> str:
    return absolute_base(name.decode("utf-8", "surrogateescape"), path)


def absolute_base(text: str, path: str) -> str:
    """Return what a base is called beside the image at `path`: as the host opens it, or as its pool lists it.

    Source: QEMU's path_combine, and its names that begin with json:, file: and rbd:.

    Raises:
        UnreadableHeader: the name is JSON that names no file.
    """
    if text.startswith("json:"):
        return absolute_base(_in_json(text.removeprefix("json:")), path)
    if text.startswith("rbd:"):
        # rbd:pool/image@snapshot:option=value, with backslashes before what is none of these marks.
        return re.sub(r"\\(.)", r"\1", re.split(r"(?<!\\)[:@]", text.removeprefix("rbd:"))[0])
    text = text.removeprefix("file://").removeprefix("file:")
    if text.startswith("/") or re.match(r"[a-z][a-z0-9+.-]*:", text):
        return text
    return join(dirname(path), text)


def _in_json(text: str) -> str:
    """Return the file that a json: name opens at the bottom of its layers."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableHeader("the name of its base is JSON that is none") from error
    while isinstance(content, dict):
        name = content.get("filename") or content.get("file.filename")
        if isinstance(name, str):
            return name
        for prefix in ("", "file."):
            if content.get(f"{prefix}driver") == "rbd":
                return f"rbd:{content.get(f'{prefix}pool')}/{content.get(f'{prefix}image')}"
        content = content.get("file")
    raise UnreadableHeader("the name of its base names no file")
