#!/usr/bin/env python3
"""What the lab needs of the machine, and the one line that installs what is missing.

Standard library only, and no import of our own: scripts run this file with the machine's own python3 before
anything is installed. `python3 requirements.py` prints the missing packages, one a line, and ends with 1
when there are any; `--line` prints the command instead. `--shells` prints those of the login shells, which only tests
go through.
"""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

_KNOWN = ("debian", "ubuntu")
_PT_INTERP = 3
_SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")

PROGRAMS = {
    "libvirtd": "libvirt-daemon-system",
    "virsh": "libvirt-clients",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "busybox": "busybox-static",
    "bindfs": "bindfs",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "socat": "socat",
    "ip": "iproute2",
    "tc": "iproute2",
    "nft": "nftables",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
}
"""Program -> the package that has it, on Debian and Ubuntu alike."""

LOGIN_SHELLS = {"zsh": "zsh", "csh": "csh", "tcsh": "tcsh", "fish": "fish"}
"""Login shells that a host's user may have, as PROGRAMS: a test of one that is not here is skipped, and says so."""

DRIVERS = ("qemu", "network", "storage")
"""libvirt's drivers that the lab uses: parts of libvirtd's package, or (Debian 13) packages of their own."""

USER_PROGRAMS = {"newuidmap": "uidmap"}
"""What an ordinary user's lab needs besides: it maps a range of ids into the namespace."""


def distribution() -> str:
    """Return "debian", "ubuntu", or what /etc/os-release calls a system that is like neither."""
    fields = {}
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition("=")
        fields[key] = value.strip('"')
    kinds = [fields.get("ID", ""), *fields.get("ID_LIKE", "").split()]
    return next((kind for kind in kinds if kind in _KNOWN), kinds[0])


def find_program(name: str) -> "str | None":
    """Return the program's path, also from the folders that an ordinary user's PATH leaves out."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(_SBIN))


def needed_packages() -> "list[str]":
    """Return every system package of the lab."""
    packages = set(PROGRAMS.values()) | (set(USER_PROGRAMS.values()) if os.geteuid() else set())
    return sorted(packages)


def missing_packages() -> "list[str]":
    """Return the packages of the programs that are not here."""
    programs = dict(PROGRAMS, **(USER_PROGRAMS if os.geteuid() else {}))
    missing = {package for program, package in programs.items() if find_program(program) is None}
    if "busybox-static" not in missing and not _busybox_is_static():
        missing.add("busybox-static")
    return sorted(missing | _missing_drivers())


def missing_shells() -> "list[str]":
    """Return the packages of the login shells that are not here."""
    return sorted(package for program, package in LOGIN_SHELLS.items() if find_program(program) is None)


def install_line(packages: "list[str]") -> str:
    """Return the command that installs the packages, or "" when there is nothing to install."""
    if not packages:
        return ""
    sudo = "sudo " if os.geteuid() else ""
    # No daemon of the machine's own is wanted: the lab starts its own inside its namespaces.
    return f"{sudo}apt-get install --no-install-recommends -y {' '.join(packages)}"


def is_static(program: Path) -> bool:
    """Return whether a 64-bit ELF program names no loader, so that it runs where there are no libraries."""
    content = program.read_bytes()
    if content[:5] != b"\x7fELF\x02":
        return False
    (table,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    kinds = [struct.unpack_from("<I", content, table + size * row)[0] for row in range(count)]
    return _PT_INTERP not in kinds


def _missing_drivers() -> "set[str]":
    wanted = {
        f"libvirt-daemon-driver-{name}"
        for name in DRIVERS
        if not list(Path("/usr/lib").glob(f"*/libvirt/connection-driver/libvirt_driver_{name}.so"))
    }
    if not wanted:
        return set()
    apt = shutil.which("apt-cache")
    if apt is None:
        return wanted
    names = subprocess.run([apt, "pkgnames", "libvirt-daemon-driver-"], stdout=subprocess.PIPE, text=True)
    return wanted & set(names.stdout.split())


def _busybox_is_static() -> bool:
    program = find_program("busybox")
    return program is not None and is_static(Path(program))


def main() -> int:
    """Print what is missing."""
    missing = missing_shells() if "--shells" in sys.argv[1:] else missing_packages()
    if "--line" in sys.argv[1:]:
        print(install_line(missing))
    elif "--all" in sys.argv[1:]:
        print("\n".join(needed_packages()))
    elif missing:
        print("\n".join(missing))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
