"""A host's own view of the file system, in which nothing of the machine can be changed.

Each top folder of the machine is the lower layer of an overlay, whose upper one is on the host's own disk: programs and
libraries are the machine's, whatever is written is the host's. What a host has for itself alone lies over that. The
machine's own root is gone from the namespace in the end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from novacron.lab.layout import GUEST, SHARED

DISK_FOLDERS = ("etc/libvirt", "var/lib/libvirt", "var/cache/libvirt", "var/log/libvirt", "root")
"""On the host's disk, made before it boots."""

_ETC_FILES = ("hosts", "hostname", "machine-id", "passwd", "shadow", "group", "ssh/ssh_config")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "fuse", "net/tun")
_OWN = frozenset({"proc", "sys", "dev", "run", "tmp", "root"})
"""Top folders of which a host sees nothing of the machine's."""
_MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesPlan:
    """What a host's view is made of; paths are the machine's."""

    disk: Path
    """Its own disk; outlives a crash of the host, and what was written with it."""
    shared: Path
    guest: Path
    """Folder of the guest's kernel and initrd."""
    kvm: bool
    as_user: bool
    """Whether the lab is in a user namespace of an ordinary user."""

    @property
    def top(self) -> Path:
        """Where the view is put together."""
        return self.disk / "top"


def mounts(plan: FilesPlan) -> list[list[str]]:
    """Return the commands that give a host its view; the process that runs them ends up in it."""
    disk, top = plan.disk, plan.top
    binds = [_bind(disk / name, top / name) for name in DISK_FOLDERS]
    binds += [_bind(disk / "etc" / name, top / "etc" / name) for name in _ETC_FILES if (Path("/etc") / name).exists()]
    return [
        ["mkdir", "-p", *(str(top / name) for name in sorted(_OWN))],
        _bind(top, top),
        *_layers(plan),
        ["mount", "--rbind", "/proc", f"{top}/proc"],
        ["mount", "-t", "sysfs", "sysfs", f"{top}/sys"],
        ["mount", "-t", "tmpfs", "-o", "mode=755", "run", f"{top}/run"],
        ["mount", "-t", "tmpfs", "-o", "mode=1777", "tmp", str(top / "tmp")],
        *_device_mounts(top / "dev", plan.kvm),
        ["mkdir", "-p", *(f"{top}/{name}" for name in DISK_FOLDERS)],
        *binds,
        _bind(plan.shared, top / SHARED.relative_to("/")),
        _overlay(plan, plan.guest, GUEST),
        ["mkdir", f"{top}/run/machine"],
        ["pivot_root", str(top), f"{top}/run/machine"],
        ["umount", "-l", "/run/machine"],
        ["rmdir", "/run/machine"],
        ["mkdir", "-p", "/run/sshd", "/run/ssh", "/run/lock"],
        ["chmod", "755", "/run/sshd", "/run/ssh"],
        ["cp", "/root/.ssh/sshd_config", "/root/.ssh/authorized_keys", "/run/ssh"],
        ["chmod", "644", "/run/ssh/authorized_keys"],
    ]


def _layers(plan: FilesPlan) -> Iterator[list[str]]:
    mounted = _mount_points()
    for entry in sorted(Path("/").iterdir()):
        if entry.name not in _OWN and (entry.is_symlink() or entry.is_dir()):
            yield from _layer(plan, entry, mounted)


def _layer(plan: FilesPlan, entry: Path, mounted: Sequence[Path]) -> Iterator[list[str]]:
    """Put one folder of the machine, and all file systems mounted below it, under a layer of the host's own."""
    target = plan.top / entry.relative_to("/")
    if entry.is_symlink():
        yield ["ln", "-sfn", str(entry.readlink()), str(target)]
        return
    if not entry.is_dir():
        # Beside file systems mounted in the same folder: seldom, and small. What nobody may read is not needed.
        yield ["sh", "-c", 'cp -p -- "$1" "$2" 2>/dev/null || true', "sh", str(entry), str(target)]
        return
    below = [point for point in mounted if point != entry and point.is_relative_to(entry)]
    if plan.as_user and below:
        # The kernel lets no user namespace look below what is mounted there, so every folder beside it is a layer.
        yield ["mkdir", "-p", str(target)]
        for child in _children(entry):
            yield from _layer(plan, child, mounted)
        return
    yield _overlay(plan, entry, entry)
    for point in below:
        if point.is_dir() and not plan.disk.is_relative_to(point):
            yield _overlay(plan, point, point)


def _overlay(plan: FilesPlan, folder: Path, place: Path) -> list[str]:
    """Return the command that shows a folder at a place under a layer of the host's own.

    Where the kernel refuses an overlay, the folder is read-only.

    Where it refuses that as well, the folder stays empty: nothing of the machine is worth being written to.
    """
    target = plan.top / place.relative_to("/")
    # Not one in the other: what is below a layer in use must not be changed behind its back.
    name = str(place.relative_to("/")).replace("/", "+")
    upper, work = plan.disk / "upper" / name, plan.disk / "work" / name
    options = f"lowerdir={folder},upperdir={upper},workdir={work}{',userxattr' if plan.as_user else ''}"
    script = """\
mkdir -p "$2" "$3" "$4"
chmod --reference="$1" "$3"
mount -t overlay -o "$5" overlay "$2" 2>/dev/null || {
    mount --bind "$1" "$2" && mount -o remount,bind,ro "$2" || umount -l "$2"
} 2>/dev/null || true"""
    return ["sh", "-c", script, "sh", *map(str, (folder, target, upper, work)), options]


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except PermissionError:
        return []


def _mount_points() -> list[Path]:
    """Return where file systems are mounted on the machine, outer ones first."""
    points = (line.split()[4] for line in _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines())
    unescaped = (point.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\") for point in points)
    return sorted({Path(point) for point in unescaped})


def _device_mounts(new: Path, kvm: bool) -> list[list[str]]:
    """Return the commands that make a /dev with what QEMU needs, without a /dev/kvm that hangs guests."""
    names = [*_DEVICES, *(["kvm"] if kvm else [])]
    present = [name for name in names if (Path("/dev") / name).exists()]
    return [
        ["mount", "-t", "tmpfs", "-o", "mode=755", "dev", str(new)],
        ["mkdir", f"{new}/net", f"{new}/pts", f"{new}/shm"],
        ["touch", *(f"{new}/{name}" for name in present)],
        *(["mount", "--bind", f"/dev/{name}", f"{new}/{name}"] for name in present),
        ["mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620", "pts", f"{new}/pts"],
        ["mount", "-t", "tmpfs", "-o", "mode=1777", "shm", f"{new}/shm"],
        ["ln", "-s", "pts/ptmx", f"{new}/ptmx"],
        ["ln", "-s", "/proc/self/fd", f"{new}/fd"],
        ["ln", "-s", "fd/0", f"{new}/stdin"],
        ["ln", "-s", "fd/1", f"{new}/stdout"],
        ["ln", "-s", "fd/2", f"{new}/stderr"],
    ]


def _bind(source: Path, target: Path) -> list[str]:
    return ["mount", "--bind", str(source), str(target)]
