"""One VM's part of libvirt's bulk statistics. Source: virConnectGetAllDomainStats.

Counters become rates over the time between two readings; one that went backwards (a restart, a migration) gives no
rate, not a wrong one. Disks and NICs are counted one by one: a VM whose QEMU hangs gives none of them for a while, and
what it then gives at once was not done in one interval.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from novacron.adapters.libvirt.states import reason_of, state_of
from novacron.model.vm import ACTIVE_STATES, StateReason, VmState, VmUsage

Stats = Mapping[str, Any]
HAS_PROCESS: Final = "novacron.has_process"
"""Not libvirt's: we add it to a VM's statistics, from its ID, which says whether a process exists."""
_KIB_PER_MIB = 1024

_MOST_DEVICES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What grows, at one instant of the monotonic clock."""

    at_s: float
    cpu_ns: int | None
    disk_read: Mapping[str, int] | None
    """Bytes by device, for each that told; None when nothing is known of the VM's devices."""
    disk_write: Mapping[str, int] | None
    net_rx: Mapping[str, int] | None
    net_tx: Mapping[str, int] | None


def state(stats: Stats) -> tuple[VmState, StateReason]:
    """Return the state and its reason."""
    number, reason = _whole(stats.get("state.state")) or 0, _whole(stats.get("state.reason")) or 0
    has_process = bool(stats.get(HAS_PROCESS, True))
    return state_of(number, has_process=has_process), reason_of(number, reason, has_process=has_process)


def memory_mib(stats: Stats) -> tuple[int, int]:
    """Return what the guest may use now, and at most."""
    current, maximum = _whole(stats.get("balloon.current")) or 0, _whole(stats.get("balloon.maximum")) or 0
    return (current or maximum) // _KIB_PER_MIB, (maximum or current) // _KIB_PER_MIB


def counters(stats: Stats, at_s: float) -> Counters:
    """Return the counters of the VM and of each of its disks and NICs."""
    return Counters(
        at_s=at_s,
        cpu_ns=_whole(stats.get("cpu.time")),
        disk_read=_by_device(stats, "block", "rd.bytes"),
        disk_write=_by_device(stats, "block", "wr.bytes"),
        net_rx=_by_device(stats, "net", "rx.bytes"),
        net_tx=_by_device(stats, "net", "tx.bytes"),
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
        disk_read_b_s=_device_rate(before.disk_read if before else None, now.disk_read, elapsed_s),
        disk_write_b_s=_device_rate(before.disk_write if before else None, now.disk_write, elapsed_s),
        net_rx_b_s=_device_rate(before.net_rx if before else None, now.net_rx, elapsed_s),
        net_tx_b_s=_device_rate(before.net_tx if before else None, now.net_tx, elapsed_s),
    )


def disk_sizes(stats: Stats) -> dict[str, tuple[int | None, int | None]]:
    """Return capacity and allocation in MiB by target device."""
    return {
        str(stats.get(f"block.{index}.name", "")): (
            _bytes_mib(stats.get(f"block.{index}.capacity")),
            _bytes_mib(stats.get(f"block.{index}.allocation")),
        )
        for index in range(_count(stats, "block"))
    }


def nic_links(stats: Stats) -> list[str]:
    """Return the host's ends of the NICs, in the order of the definition."""
    return [str(stats.get(f"net.{index}.name", "")) for index in range(_count(stats, "net"))]


def _used_mib(stats: Stats) -> int | None:
    """What the guest has and does not call unused; without its balloon driver nobody knows."""
    available, unused = _whole(stats.get("balloon.available")), _whole(stats.get("balloon.unused"))
    usable = _whole(stats.get("balloon.usable"))
    free = usable if usable is not None else unused
    return None if available is None or free is None else max(0, available - free) // _KIB_PER_MIB


def _rate(before: int | None, now: int | None, elapsed_s: float) -> float | None:
    if before is None or now is None or elapsed_s <= 0 or now < before:
        return None
    return (now - before) / elapsed_s


def _device_rate(before: Mapping[str, int] | None, now: Mapping[str, int] | None, elapsed_s: float) -> float | None:
    """Rate of all devices that told both times; unknown when there are devices and none of them did."""
    if before is None or now is None or elapsed_s <= 0:
        return None
    rates = [_rate(before[device], now[device], elapsed_s) for device in before.keys() & now.keys()]
    if (not rates and (before or now)) or None in rates:
        return None
    return sum(rate for rate in rates if rate is not None)


def _by_device(stats: Stats, group: str, counter: str) -> Mapping[str, int] | None:
    found: dict[str, int] = {}
    for index in range(_count(stats, group)):
        value = _whole(stats.get(f"{group}.{index}.{counter}"))
        if value is not None:
            found[str(stats.get(f"{group}.{index}.name") or index)] = value
    return found if found or stats.get(f"{group}.count") == 0 else None


def _count(stats: Stats, group: str) -> int:
    """How many devices were told; what claims more than any VM can have is no number of devices."""
    count = _whole(stats.get(f"{group}.count")) or 0
    return count if count <= _MOST_DEVICES else 0


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _mib(kib: object) -> int | None:
    number = _whole(kib)
    return None if number is None else number // _KIB_PER_MIB


def _bytes_mib(size: object) -> int | None:
    number = _whole(size)
    return None if number is None or number < 0 else number // (1024 * 1024)
