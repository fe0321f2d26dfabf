"""How busy a simulated VM is at an instant: smooth, plausible, and the same for the same seed and time.

Pure. The curves are sums of sines with periods from seconds to a day, so that plots look alive and two
readings a second apart differ a little and never jump.
"""

from dataclasses import dataclass
from math import sin, tau

from novacron.adapters.simulated.machine import Machine, Workload
from novacron.model.vm import VmState, VmUsage

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class _Profile:
    """Middle and swing of what a workload uses, as fractions of what it has."""

    cpu: float
    cpu_swing: float
    memory: float
    disk_b_s: float
    net_b_s: float


_PROFILES = {
    Workload.WEB: _Profile(0.22, 0.16, 0.45, 2.0e5, 6.0e6),
    Workload.DATABASE: _Profile(0.35, 0.2, 0.8, 2.4e7, 3.0e6),
    Workload.CACHE: _Profile(0.12, 0.08, 0.9, 4.0e4, 1.2e7),
    Workload.BUILD: _Profile(0.5, 0.45, 0.6, 4.0e7, 1.0e6),
    Workload.IDLE: _Profile(0.02, 0.015, 0.3, 2.0e3, 1.0e3),
}


def usage_at(machine: Machine, seed: int, instant_s: float) -> VmUsage:
    """Return its usage at `instant_s` (seconds since the epoch)."""
    if not machine.is_active:
        return VmUsage()
    profile = _PROFILES[machine.workload]
    used_mib = int(machine.memory_mib * min(0.97, profile.memory * (0.95 + 0.05 * _wave(seed, instant_s, 900))))
    rss_mib = used_mib + 60
    if machine.state is not VmState.RUNNING:
        return VmUsage(
            cpu_percent=0.0,
            memory_rss_mib=rss_mib,
            memory_used_mib=used_mib,
            disk_read_b_s=0.0,
            disk_write_b_s=0.0,
            net_rx_b_s=0.0,
            net_tx_b_s=0.0,
        )
    busy = _busy(profile, seed, instant_s)
    scale = busy / profile.cpu
    return VmUsage(
        cpu_percent=round(100.0 * machine.vcpus * busy, 1),
        memory_rss_mib=rss_mib,
        memory_used_mib=used_mib,
        disk_read_b_s=round(profile.disk_b_s * scale * 0.6),
        disk_write_b_s=round(profile.disk_b_s * scale * 0.4),
        net_rx_b_s=round(profile.net_b_s * scale * 0.3),
        net_tx_b_s=round(profile.net_b_s * scale * 0.7),
    )


def _busy(profile: _Profile, seed: int, instant_s: float) -> float:
    swing = (
        0.45 * sin(tau * instant_s / _DAY_S - 1.8)
        + 0.35 * _wave(seed, instant_s, 300 + seed % 240)
        + 0.2 * _wave(seed >> 8, instant_s, 23 + seed % 17)
    )
    return min(0.99, max(0.003, profile.cpu + profile.cpu_swing * swing))


def _wave(seed: int, instant_s: float, period_s: float) -> float:
    return sin(tau * (instant_s / period_s + (seed % 997) / 997))
