"""Collect the kernel modules that the guest needs, in the order in which they must be loaded."""

import lzma
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from novacron.lab.errors import LabError

WANTED = (
    "virtio_pci",
    "virtio_blk",
    "virtio_net",
    "virtio_balloon",
    "virtio_console",
    "virtio_rng",
    "button",
    "evdev",
    "crc32c_generic",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """One module, unpacked."""

    name: str
    content: bytes


def collect_drivers(modules: Path) -> list[Driver]:
    """Return the wanted modules after those they depend on, without those that are built in."""
    files = {_module_name(path): path for path in modules.rglob("*.ko*")}
    loaded: dict[str, Driver] = {}

    def load(name: str) -> None:
        path = files.get(name)
        if path is None or name in loaded:
            return
        content = _unpack(path)
        for needed in _needs(content):
            load(needed)
        loaded[name] = Driver(name=name, content=content)

    for name in WANTED:
        load(name)
    return list(loaded.values())


def _module_name(path: Path) -> str:
    return path.name.partition(".")[0].replace("-", "_")


def _needs(content: bytes) -> list[str]:
    # The .modinfo section is a run of NUL-ended key=value strings; no ELF parser is needed to find one.
    found = re.search(rb"\0depends=([^\0]*)\0", content)
    names = found.group(1).decode().split(",") if found else []
    return [name.replace("-", "_") for name in names if name]


def _unpack(path: Path) -> bytes:
    # busybox cannot load compressed modules, and not every kernel can.
    if path.suffix == ".xz":
        return lzma.decompress(path.read_bytes())
    if path.suffix == ".zst":
        zstd = shutil.which("zstd")
        if zstd is None:
            raise LabError("guest", f"{path.name} is compressed with zstd", "install zstd")
        return subprocess.run([zstd, "-dc", str(path)], check=True, capture_output=True).stdout
    return path.read_bytes()
