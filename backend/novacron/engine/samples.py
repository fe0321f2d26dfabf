"""The recent past of every running VM, in memory, for plots. Lost with the backend: plots begin anew."""

import math
from array import array
from collections import deque
from datetime import UTC, datetime

from novacron.model.host import HostReading
from novacron.model.ids import VmId
from novacron.model.sample import VmSample
from novacron.model.vm import VmState, VmUsage


class Samples:
    """One ring of compact samples per VM: 24 bytes each, so that 10,000 VMs take under 50 MB."""

    def __init__(self, *, window_s: float, interval_s: float) -> None:
        self._window_s = window_s
        self._interval_s = interval_s
        self._rings: dict[VmId, deque[tuple[float, array[float]]]] = {}
        self._swept_at = 0.0

    def record(self, reading: HostReading) -> None:
        """Take one sample of each VM that runs there, unless the last is younger than the interval."""
        at = reading.observed_at.timestamp()
        for vm in reading.vms:
            if vm.state is not VmState.RUNNING:
                continue
            ring = self._rings.setdefault(vm.id, deque())
            # The clock was set back: what it called later was no later.
            while ring and ring[-1][0] > at:
                ring.pop()
            # A little early is on time: readings are not taken to the millisecond.
            if ring and at - ring[-1][0] < self._interval_s * 0.9:
                continue
            ring.append((at, _compact(vm.usage)))
            while at - ring[0][0] > self._window_s:
                ring.popleft()
        self._sweep(at)

    def of(self, vm: VmId) -> tuple[VmSample, ...]:
        """Return the VM's samples, oldest first."""
        return tuple(_expand(at, values) for at, values in self._rings.get(vm, ()))

    def _sweep(self, now: float) -> None:
        """Forget VMs that were not seen running for a whole window."""
        if abs(now - self._swept_at) < 60:
            return
        self._swept_at = now
        gone = [vm for vm, ring in self._rings.items() if not ring or now - ring[-1][0] > self._window_s]
        for vm in gone:
            del self._rings[vm]


def _compact(usage: VmUsage) -> "array[float]":
    memory = usage.memory_used_mib if usage.memory_used_mib is not None else usage.memory_rss_mib
    values = (
        usage.cpu_percent,
        memory,
        _sum(usage.disk_read_b_s, usage.disk_write_b_s),
        _sum(usage.net_rx_b_s, usage.net_tx_b_s),
    )
    return array("f", (math.nan if value is None else value for value in values))


def _expand(at: float, values: "array[float]") -> VmSample:
    cpu, memory, disk, net = (None if math.isnan(value) else value for value in values)
    return VmSample(
        observed_at=datetime.fromtimestamp(at, UTC), cpu_percent=cpu, memory_mib=memory, disk_b_s=disk, net_b_s=net
    )


def _sum(one: float | None, other: float | None) -> float | None:
    if one is None and other is None:
        return None
    return (one or 0.0) + (other or 0.0)
