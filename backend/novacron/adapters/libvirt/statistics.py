"""One VM's part of libvirt's bulk statistics. Source: virConnectGetAllDomainStats.

Counters become rates over the time between two readings; one that went backwards (a restart, a migration) gives no
rate, not a wrong one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from novacron.adapters.libvirt.states import reason_of, state_of
from novacron.model.vm import ACTIVE_STATES, StateReason, VmState, VmUsage

Stats = Mapping[str, Any]
_KIB_PER_MIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What grows, at one instant of the monotonic clock."""

    at_s: float
    cpu_ns: int | None
    disk_read: int
    disk_write: int
    net_rx: int
    net_tx: int


def state(stats: Stats) -> tuple[VmState, StateReason]:
    """Return the state and its reason."""
    found = state_of(int(stats.get("state.state", 5)))
    return found, reason_of(found, int(stats.get("state.reason", 0)))


def memory_mib(stats: Stats) -> tuple[int, int]:
    """Return what the guest may use now, and at most."""
    current, maximum = int(stats.get("balloon.current", 0)), int(stats.get("balloon.maximum", 0))
    return (current or maximum) // _KIB_PER_MIB, (maximum or current) // _KIB_PER_MIB


def counters(stats: Stats, at_s: float) -> Counters:
    """Return the counters of all disks and NICs together."""
    return Counters(
        at_s=at_s,
        cpu_ns=stats.get("cpu.time"),
        disk_read=_sum(stats, "block", "rd.bytes"),
        disk_write=_sum(stats, "block", "wr.bytes"),
        net_rx=_sum(stats, "net", "rx.bytes"),
        net_tx=_sum(stats, "net", "tx.bytes"),
    )


def usage(stats: Stats, before: Counters | None, now: Counters) -> VmUsage:
    """Return rates since `before`, and what memory is used; all unknown for a VM without a process."""
    if state(stats)[0] not in ACTIVE_STATES:
        return VmUsage()
    elapsed_s = now.at_s - before.at_s if before else 0.0
    cpu = _rate(before.cpu_ns if before else None, now.cpu_ns, elapsed_s)
    return VmUsage(
        cpu_percent=None if cpu is None else cpu / 1e9 * 100,
        memory_rss_mib=_mib(stats.get("balloon.rss")),
        memory_used_mib=_used_mib(stats),
        disk_read_b_s=_rate(before.disk_read if before else None, now.disk_read, elapsed_s),
        disk_write_b_s=_rate(before.disk_write if before else None, now.disk_write, elapsed_s),
        net_rx_b_s=_rate(before.net_rx if before else None, now.net_rx, elapsed_s),
        net_tx_b_s=_rate(before.net_tx if before else None, now.net_tx, elapsed_s),
    )


def disk_sizes(stats: Stats) -> dict[str, tuple[int | None, int | None]]:
    """Return capacity and allocation in MiB by target device."""
    return {
        str(stats.get(f"block.{index}.name", "")): (
            _bytes_mib(stats.get(f"block.{index}.capacity")),
            _bytes_mib(stats.get(f"block.{index}.allocation")),
        )
        for index in range(int(stats.get("block.count", 0)))
    }


def nic_links(stats: Stats) -> list[str]:
    """Return the host's ends of the NICs, in the order of the definition."""
    return [str(stats.get(f"net.{index}.name", "")) for index in range(int(stats.get("net.count", 0)))]


def _used_mib(stats: Stats) -> int | None:
    """What the guest has and does not call unused; without its balloon driver nobody knows."""
    available, unused = stats.get("balloon.available"), stats.get("balloon.unused")
    usable = stats.get("balloon.usable")
    free = usable if usable is not None else unused
    return None if available is None or free is None else max(0, int(available) - int(free)) // _KIB_PER_MIB


def _rate(before: int | None, now: int | None, elapsed_s: float) -> float | None:
    if before is None or now is None or elapsed_s <= 0 or now < before:
        return None
    return (now - before) / elapsed_s


def _sum(stats: Stats, group: str, counter: str) -> int:
    return sum(int(stats.get(f"{group}.{index}.{counter}", 0)) for index in range(int(stats.get(f"{group}.count", 0))))


def _mib(kib: int | None) -> int | None:
    return None if kib is None else int(kib) // _KIB_PER_MIB


def _bytes_mib(size: int | None) -> int | None:
    return None if size is None else int(size) // (1024 * 1024)
