"""What a new name and a new size may be: the policy for what NovaCron itself creates or renames.

Names found on hypervisors are foreign and may be anything; this judges only what we are about to write.
"""

import re
from typing import Final

from novacron.model.refusal import Refusal, RefusalCode

MAX_NAME: Final = 63
MAX_VCPUS: Final = 512
MAX_MEMORY_MIB: Final = 16 * 1024 * 1024
MAX_DISK_MIB: Final = 64 * 1024 * 1024
MIN_MEMORY_MIB: Final = 16

_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML has no way at all to write, so no definition can hold it."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)


def refuse_name(name: str) -> Refusal | None:
    """Say why a VM may not be called this, or None when it may."""
    if _NAME.fullmatch(name) and ".." not in name:
        return None
    return Refusal(
        code=RefusalCode.INVALID,
        subject="name",
        reason=f"{name[:80]!r} is not a name NovaCron gives",
        remedy=f"use 1 to {MAX_NAME} of A-Z a-z 0-9 . _ - and begin with a letter or digit",
    )


def refuse_text(what: str, text: str) -> Refusal | None:
    """Say why a definition cannot hold this text, or None when it can."""
    found = _UNWRITABLE.search(text)
    if found is None:
        return None
    return Refusal(
        code=RefusalCode.INVALID,
        subject=what,
        reason=f"no definition can hold the character {found[0]!r}",
        remedy="leave it out",
    )


def refuse_vcpus(vcpus: int) -> Refusal | None:
    """Say why a VM may not have that many vCPUs, or None."""
    return _out_of_range("vCPUs", vcpus, 1, MAX_VCPUS, "")


def refuse_memory(memory_mib: int) -> Refusal | None:
    """Say why a VM may not have that much memory, or None."""
    return _out_of_range("memory", memory_mib, MIN_MEMORY_MIB, MAX_MEMORY_MIB, " MiB")


def refuse_disk(disk_mib: int) -> Refusal | None:
    """Say why a new disk may not be that large, or None; 0 means the size of its base image."""
    return _out_of_range("disk", disk_mib, 0, MAX_DISK_MIB, " MiB")


def _out_of_range(what: str, value: int, least: int, most: int, unit: str) -> Refusal | None:
    if least <= value <= most:
        return None
    return Refusal(
        code=RefusalCode.INVALID,
        subject=what,
        reason=f"{value}{unit} is out of range",
        remedy=f"choose {least} to {most}{unit}",
    )
