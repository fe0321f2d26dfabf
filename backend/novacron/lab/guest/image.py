"""Build the guest once per kernel and busybox, and say where its files are."""

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from novacron.lab.errors import LabError
from novacron.lab.guest.cpio import Archive
from novacron.lab.guest.drivers import collect_drivers
from novacron.lab.guest.kernel import find_kernel
from novacron.lab.requirements import find_program, is_static

CMDLINE = "console=ttyS0 quiet panic=-1 no_timer_check tsc=unstable edd=off"
"""What every guest is booted with, before its own novacron.* parameters."""

_PLACES = {
    "init": "init",
    "dirty": "bin/dirty",
    "scribble": "bin/scribble",
    "power-button": "etc/acpi/PWRF/00000080",
    "profile": "etc/profile",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """The files a guest boots from, in one folder that every host sees."""

    folder: Path

    @property
    def kernel(self) -> Path:
        """The kernel image."""
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """The initramfs, which is the whole guest."""
        return self.folder / "initrd"


def ensure_guest(cache: Path, say: Callable[[str], None]) -> Guest:
    """Return the guest, built anew when the kernel, busybox or our scripts are others than last time."""
    kernel = find_kernel(cache, say)
    initramfs = build_initramfs(_busybox().read_bytes(), kernel.modules)
    digest = hashlib.sha256(initramfs + kernel.version.encode())
    guest = Guest(folder=cache / "boot" / digest.hexdigest()[:16])
    if guest.initrd.exists():
        return guest
    say(f"guest: building the image from Linux {kernel.version}")
    guest.folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kernel.image, guest.kernel)
    unfinished = guest.folder / f"initrd.{os.getpid()}"
    unfinished.write_bytes(initramfs)
    unfinished.rename(guest.initrd)
    return guest


def build_initramfs(busybox: bytes, modules: Path) -> bytes:
    """Return the guest's file system: busybox, its drivers and our scripts."""
    archive = Archive()
    for folder in ("dev", "proc", "sys", "root", "tmp", "run", "var/log", "var/run"):
        archive.add_folder(folder)
    archive.add_character_device("dev/console", 5, 1)
    archive.add_file("bin/busybox", busybox, executable=True)
    for name, place in _PLACES.items():
        archive.add_file(place, _script(name), executable=True)
    archive.add_file("etc/passwd", b"root::0:0:root:/root:/bin/sh\n")
    drivers = collect_drivers(modules)
    for driver in drivers:
        archive.add_file(f"lib/modules/{driver.name}.ko", driver.content)
    order = "".join(f"{driver.name}.ko\n" for driver in drivers)
    archive.add_file("etc/modules", order.encode())
    return archive.finish()


def _script(name: str) -> bytes:
    return (files("novacron.lab.guest") / "rootfs" / name).read_bytes()


def _busybox() -> Path:
    program = find_program("busybox")
    if program and is_static(Path(program)):
        return Path(program)
    raise LabError("guest", "no static busybox on this machine", "install busybox-static")
