"""Find a Linux kernel for the guest: a readable one in /boot, else the distribution's own package, unpacked.

Nothing is installed: the package is downloaded into the cache and taken apart there, so an ordinary user
can do it and the machine's boot loader never hears of it.
"""

import platform
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from novacron.lab.errors import LabError
from novacron.lab.requirements import distribution

META_PACKAGES = {
    "debian": ("linux-image-cloud-amd64", "linux-image-amd64"),
    "ubuntu": ("linux-image-virtual", "linux-image-generic", "linux-image-kvm"),
}
"""By distribution, the packages that depend on its newest small kernel; the first that works is taken."""

_DOWNLOAD_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel image and where its modules are."""

    version: str
    image: Path
    modules: Path
    """lib/modules/VERSION; may be missing when every driver is built in."""


def find_kernel(cache: Path, say: Callable[[str], None]) -> Kernel:
    """Return a kernel, downloading one the first time.

    Raises: LabError when there is none in /boot that we may read and none can be downloaded.
    """
    if platform.machine() != "x86_64":
        raise LabError("guest kernel", f"the lab knows no guest for {platform.machine()} yet")
    return _in_boot() or _unpacked(cache) or _download(cache, say)


def _in_boot() -> Kernel | None:
    for image in _newest_first(Path("/boot")):
        version = image.name.removeprefix("vmlinuz-")
        modules = Path("/lib/modules") / version
        if modules.is_dir() and _readable(image):
            return Kernel(version=version, image=image, modules=modules)
    return None


def _readable(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(file.read(1))
    except OSError:
        return False


def _unpacked(cache: Path) -> Kernel | None:
    root = cache / "kernel"
    for image in _newest_first(root / "boot"):
        version = image.name.removeprefix("vmlinuz-")
        # /lib is a link to /usr/lib on the newer distributions, and their packages say so.
        places = [root / "lib/modules" / version, root / "usr/lib/modules" / version]
        modules = next((place for place in places if place.is_dir()), places[0])
        return Kernel(version=version, image=image, modules=modules)
    return None


def _newest_first(folder: Path) -> list[Path]:
    def age(path: Path) -> tuple[bool, list[int]]:
        return ("cloud" in path.name, [int(number) for number in re.findall(r"\d+", path.name)])

    return sorted(folder.glob("vmlinuz-*"), key=age, reverse=True)


def _download(cache: Path, say: Callable[[str], None]) -> Kernel:
    downloads = cache / "download"
    downloads.mkdir(parents=True, exist_ok=True)
    problems = []
    for meta in META_PACKAGES.get(distribution(), ()):
        try:
            packages = _real_packages(meta)
            say(f"guest: downloading {' '.join(packages)} (once)")
            _run(["apt-get", "download", *packages], cwd=downloads)
        except LabError as error:
            problems.append(str(error))
            continue
        for package in sorted(downloads.glob("*.deb")):
            _run(["dpkg-deb", "-x", str(package), str(cache / "kernel")], cwd=downloads)
            package.unlink()
        found = _unpacked(cache)
        if found:
            return found
    raise LabError(
        "guest kernel",
        "; ".join(problems) or f"no kernel package is known for {distribution()}",
        "run `apt-get update`, or put a readable kernel of the distribution into /boot",
    )


def _real_packages(meta: str) -> list[str]:
    """Return the packages that carry the kernel and its modules, of which `meta` is only a pointer."""
    shown = _run(["apt-cache", "depends", "--important", meta])
    image = re.search(r"Depends: (linux-image-\S*\d\S*)", shown)
    if not image:
        raise LabError("guest kernel", f"{meta} is not available")
    modules = re.search(
        r"Depends: (linux-modules-\S*\d\S*)",
        _run(["apt-cache", "depends", "--important", image.group(1)]),
    )
    return [image.group(1), *([modules.group(1)] if modules else [])]


def _run(argv: list[str], *, cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            check=True,
            text=True,
            capture_output=True,
            timeout=_DOWNLOAD_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise LabError("guest kernel", f"{argv[0]} is missing") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "").strip().splitlines() or [f"{argv[0]} failed"]
        raise LabError("guest kernel", said[-1]) from error
    except subprocess.TimeoutExpired as error:
        raise LabError("guest kernel", f"{argv[0]} took over {_DOWNLOAD_TIMEOUT_S} s") from error
    return done.stdout
