"""The local machine's condition, through psutil."""

from pathlib import Path

import psutil

from novacron.adapters.libvirt.host_load import fullest
from novacron.model.host import HostLoad

_MIB = 1024 * 1024


def local_load(file_systems: str) -> HostLoad:
    """Return this machine's condition, given what df says; its CPU use is over the time since the last call.

    Only of the kernel's own files: a file system may hang whoever asks it, and here that would be the event loop.
    """
    memory = psutil.virtual_memory()
    found = fullest(file_systems)
    return HostLoad(
        cpu_percent=psutil.cpu_percent(interval=None),
        load_1m=psutil.getloadavg()[0],
        memory_used_mib=(memory.total - memory.available) // _MIB,
        pressure_cpu=_pressure("cpu"),
        pressure_memory=_pressure("memory"),
        pressure_io=_pressure("io"),
        root_used_fraction=found[0] if found else None,
        root_path=found[1] if found else "",
    )


def _pressure(what: str) -> float | None:
    try:
        line = Path(f"/proc/pressure/{what}").read_text(encoding="ascii").splitlines()[0]
    except (OSError, IndexError):
        return None
    return float(line.split("avg10=")[1].split()[0])
