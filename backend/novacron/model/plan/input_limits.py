"""What a new name, a new size and a limit may be: the policy for what NovaCron itself creates or renames.

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
MAX_PATIENCE_S: Final = 24 * 60 * 60
MAX_BANDWIDTH_MIB_S: Final = 1024 * 1024
MAX_DOWNTIME_MS: Final = 2_000_000
"""What QEMU takes at the most."""

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


def refuse_patience(timeout_s: float) -> Refusal | None:
    """Say why a guest may not be given that long to power off, or None."""
    return _out_of_range("timeout", timeout_s, 1, MAX_PATIENCE_S, " s")


def refuse_bandwidth(bandwidth_mib_s: int) -> Refusal | None:
    """Say why a migration may not be limited to that bandwidth, or None."""
    return _out_of_range("bandwidth", bandwidth_mib_s, 1, MAX_BANDWIDTH_MIB_S, " MiB/s")


def refuse_downtime(max_downtime_ms: int) -> Refusal | None:
    """Say why a guest may not be paused for that long at the end of a migration, or None."""
    return _out_of_range("longest pause", max_downtime_ms, 1, MAX_DOWNTIME_MS, " ms")


def _out_of_range(what: str, value: float, least: int, most: int, unit: str) -> Refusal | None:
    # Not a number is in no range either: no comparison with it holds.
    if least <= value <= most:
        return None
    return Refusal(
        code=RefusalCode.INVALID,
        subject=what,
        reason=f"{value}{unit} is out of range",
        remedy=f"choose {least} to {most}{unit}",
    )
