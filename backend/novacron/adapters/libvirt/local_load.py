"""The local machine's condition, through psutil."""

from pathlib import Path

import psutil

from novacron.model.host import HostLoad

_MIB = 1024 * 1024
_PLACES = ("/", "/var/lib/libvirt", "/var/lib/libvirt/images")


def local_load() -> HostLoad:
    """Return this machine's condition; its CPU use is over the time since the last call."""
    memory = psutil.virtual_memory()
    shares = [(_used(place), place) for place in _PLACES if Path(place).exists()]
    used, place = max(shares, default=(0.0, ""))
    return HostLoad(
        cpu_percent=psutil.cpu_percent(interval=None),
        load_1m=psutil.getloadavg()[0],
        memory_used_mib=(memory.total - memory.available) // _MIB,
        pressure_cpu=_pressure("cpu"),
        pressure_memory=_pressure("memory"),
        pressure_io=_pressure("io"),
        root_used_fraction=used,
        root_path=place,
    )


def _used(place: str) -> float:
    return float(psutil.disk_usage(place).percent) / 100


def _pressure(what: str) -> float | None:
    try:
        line = Path(f"/proc/pressure/{what}").read_text(encoding="ascii").splitlines()[0]
    except (OSError, IndexError):
        return None
    return float(line.split("avg10=")[1].split()[0])
