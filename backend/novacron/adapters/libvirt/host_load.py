"""The host's own condition, from commands per reading: nothing of ours stays on the host."""

import re
from dataclasses import dataclass
from typing import Final

from novacron.model.host import HostLoad

SCRIPT: Final = """\
head -n 1 /proc/stat; cat /proc/loadavg; grep -E '^Mem(Total|Available):' /proc/meminfo
for what in cpu memory io; do sed -n "s/^some/psi $what/p" /proc/pressure/$what 2>/dev/null; done
"""
"""Constant: no word of it comes from data."""
COMMAND: Final = ("sh", "-c", SCRIPT)

_ANSWERING: Final = """\
while read -r _; do
    read -r line </proc/stat && printf '%s\\n' "$line"
    read -r line </proc/loadavg && printf '%s\\n' "$line"
    while read -r key size unit; do
        case $key in Mem[TA]*:) printf '%s %s %s\\n' "$key" "$size" "$unit" ;; esac
        case $key in MemAvailable:) break ;; esac
    done </proc/meminfo
    for what in cpu memory io; do
        read -r some shares </proc/pressure/$what && printf 'psi %s %s\\n' "$what" "$shares"
    done
    printf '%s\\n' "$1"
done 2>/dev/null
"""
"""In a shell's own words: an answer costs the host no process."""
ANSWERING_COMMAND: Final = ("sh", "-c", _ANSWERING, "sh")
"""Tells the same as COMMAND for each line it is given; it wants the word that ends an answer as its last argument."""

_SHARE = r"[0-9]{1,15}(?:\.[0-9]{1,15})?"
_PSI = re.compile(rf"^psi (\w+) avg10=({_SHARE})(?= |$)", re.MULTILINE)
_LOAD = re.compile(rf"^({_SHARE}) {_SHARE} {_SHARE} [0-9]+/[0-9]+", re.MULTILINE)
_DF = re.compile(r"^\S+[ \t]+[0-9]{1,20}[ \t]+([0-9]{1,20})[ \t]+([0-9]{1,20})[ \t]+[0-9]+%[ \t]+(/.*)$", re.MULTILINE)

_MEMORY = re.compile(r"^Mem(Total|Available): +([0-9]{1,20}) kB", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTimes:
    """Ticks since boot, all cores together."""

    busy: int
    total: int


def parse(text: str, before: CpuTimes | None) -> tuple[HostLoad, CpuTimes | None]:
    """Return the load that the command's output and df's tell, and the CPU times for the next reading.

    CPU use is over the time since `before`; None for the first reading.
    """
    times = _cpu_times(text)
    pressure = {what: float(percent) for what, percent in _PSI.findall(text)}
    fullest_one = fullest(text)
    load = _LOAD.search(text)
    return (
        HostLoad(
            cpu_percent=_cpu_percent(before, times),
            load_1m=float(load[1]) if load else None,
            memory_used_mib=_memory_used_mib(text),
            pressure_cpu=pressure.get("cpu"),
            pressure_memory=pressure.get("memory"),
            pressure_io=pressure.get("io"),
            root_used_fraction=fullest_one[0] if fullest_one else None,
            root_path=fullest_one[1] if fullest_one else "",
        ),
        times,
    )


def _cpu_times(text: str) -> CpuTimes | None:
    line = re.search(r"^cpu +((?:[0-9]{1,20} +){3,}[0-9]{1,20}) *$", text, re.MULTILINE)
    if line is None:
        return None
    # user nice system idle iowait irq softirq steal; guest time is counted in user already
    ticks = [int(word) for word in line[1].split()][:8]
    idle = sum(ticks[3:5])
    return CpuTimes(busy=sum(ticks) - idle, total=sum(ticks))


def _cpu_percent(before: CpuTimes | None, now: CpuTimes | None) -> float | None:
    if before is None or now is None or now.total <= before.total:
        return None
    return max(0.0, min(100.0, 100.0 * (now.busy - before.busy) / (now.total - before.total)))


def _memory_used_mib(text: str) -> int | None:
    found = {key: int(value) for key, value in _MEMORY.findall(text)}
    # In a container the two may come from different places.
    return max(0, found["Total"] - found["Available"]) // 1024 if len(found) == 2 else None


def fullest(text: str) -> tuple[float, str] | None:
    """Return the fullest file system; its size counts without what only root may use, as df's own percentage does."""
    shares = [
        (int(used) / (int(used) + int(free)), path)
        for used, free, path in _DF.findall(text)
        if int(used) + int(free) > 0
    ]
    return max(shares, default=None)
