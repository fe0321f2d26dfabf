"""Looking at the file of a disk: whether it is there, which file it is, and whether a lock held elsewhere is seen."""

from typing import Final

from novacron.adapters.libvirt.access import HostAccess
from novacron.model.errors import OperationError
from novacron.model.migration import DiskProbe

_PROBE: Final = """\
if [ -e "$1" ]; then echo visible; at=$1; else at=$(dirname -- "$1"); fi
echo "type $(findmnt --noheadings --output FSTYPE --target "$at" | tail -n 1)"
echo "free $(df -P -k -- "$at" | awk 'NR == 2 { print $4 }')"
[ -e "$1" ] || exit 0
echo "born $(stat --dereference --format %W -- "$1")"
if [ -b "$1" ]; then
  of=/sys/class/block/$(basename -- "$(readlink -f -- "$1")")
  echo "file $(cat "$of/dm/uuid" "$of/wwid" "$of/device/wwid" 2>/dev/null | head -n 1)"
else
  echo "file $(stat --dereference --format '%i %s %.9Y' -- "$1")"
  echo "inode $(stat --dereference --format %i -- "$1")"
  echo "system $(stat --file-system --format %i -- "$1")"
fi
command -v qemu-img >/dev/null || { echo "no qemu-img"; exit 0; }
if said=$(qemu-img info -- "$1" 2>&1 >/dev/null); then echo "unlocked"
else case $said in *'"write" lock'*|*'Failed to get'*lock*) echo "locked" ;; *) echo "said $said" ;; esac
fi
"""
"""Constant; the path comes as an argument. qemu-img without --force-share is the second user who must be refused."""


async def probe_disk(access: HostAccess, path: str, *, deadline_s: float) -> DiskProbe:
    """Look at the path, and try to open it as a second user would."""
    if not path.startswith("/"):
        return DiskProbe(path=path, visible=False, detail="it is not a path, so it cannot be looked at")
    try:
        done = await access.run(("sh", "-c", _PROBE, "sh", path), deadline_s=deadline_s)
    except OperationError as error:
        return DiskProbe(path=path, visible=False, detail=error.detail)
    lines = done.stdout.decode(errors="replace").splitlines()
    words = {line.partition(" ")[0]: line.partition(" ")[2] for line in lines}
    free = words.get("free", "")
    lock_seen = True if "locked" in words else False if "unlocked" in words else None
    return DiskProbe(
        path=path,
        visible="visible" in words,
        lock_seen=lock_seen,
        file_system=words.get("type", ""),
        free_mib=int(free) // 1024 if free.isdigit() else None,
        identity=words.get("file", ""),
        inode=words.get("inode", ""),
        born=_or_nothing(words.get("born", "")),
        file_system_id=_or_nothing(words.get("system", "")),
        detail=words.get("said", "") or ("qemu-img is not installed there" if "no" in words else ""),
    )


def _or_nothing(number: str) -> str:
    """Return what a file system says, where it says something: 0 and - stand for "not known"."""
    return "" if number.strip("0") in {"", "-", "?"} else number
