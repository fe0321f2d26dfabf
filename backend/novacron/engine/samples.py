"""The recent past of every running VM, in memory, for plots. Lost with the backend: plots begin anew."""

import math
from array import array
from datetime import UTC, datetime
from typing import Final

from novacron.model.host import HostReading
from novacron.model.ids import VmId
from novacron.model.sample import VmSample
from novacron.model.vm import VmState, VmUsage

_FIGURES: Final = 4
"""How many there are in a sample: CPU, memory, disk, network."""
_EARLY: Final = 0.9
"""A little early is on time: readings are not taken to the millisecond."""
_FARTHEST_MS: Final = 2**31 - 1
# Looked up once: an enum's members are found slowly.
_RUNNING: Final = VmState.RUNNING


class Samples:
    """Two arrays of numbers for each VM, 20 bytes a sample: 10,000 VMs take under 50 MB."""

    def __init__(self, *, window_s: float, interval_s: float) -> None:
        self._window_s = window_s
        self._apart_s = interval_s * _EARLY
        self._series: dict[VmId, _Series] = {}
        self._swept_at = 0.0

    def record(self, reading: HostReading) -> None:
        """Take one sample of each VM that runs there, unless the last is younger than the interval."""
        at_s = reading.observed_at.timestamp()
        for vm in reading.vms:
            if vm.state is not _RUNNING:
                continue
            series = self._series.get(vm.id)
            if series is None:
                series = self._series[vm.id] = _Series(at_s)
            # The clock was set back: what it called later was no later.
            if series.last_s > at_s:
                series.forget_after(at_s)
            if at_s - series.last_s >= self._apart_s:
                series.add(at_s, vm.usage)
                series.forget_before(at_s - self._window_s)
        self._sweep(at_s)

    def of(self, vm: VmId) -> tuple[VmSample, ...]:
        """Return the VM's samples, oldest first; their times are to the millisecond."""
        series = self._series.get(vm)
        return () if series is None else series.samples()

    def _sweep(self, now_s: float) -> None:
        """Forget VMs that were not seen running for a whole window."""
        if abs(now_s - self._swept_at) < 60:
            return
        self._swept_at = now_s
        gone = [vm for vm, series in self._series.items() if now_s - series.last_s > self._window_s]
        for vm in gone:
            del self._series[vm]


class _Series:
    """One VM's samples, oldest first: a time of 4 bytes and four figures of 4 bytes each."""

    __slots__ = ("_base_s", "_figures", "_times_ms", "last_s")

    def __init__(self, base_s: float) -> None:
        self._base_s = base_s
        self._times_ms = array("i")
        """Since `_base_s`: 24 days fit."""
        self._figures = array("f")
        """NaN for what is not known."""
        self.last_s = -math.inf
        """When the newest was taken, by the wall clock; minus infinity where there is none."""

    def add(self, at_s: float, usage: VmUsage) -> None:
        if not self._times_ms:
            self._base_s = at_s
        elif (at_s - self._base_s) * 1000 > _FARTHEST_MS:
            self._begin_at(self._base_s + self._times_ms[0] / 1000)
        if (at_s - self._base_s) * 1000 > _FARTHEST_MS:
            # Nothing for weeks, or the clock was: what there is is no recent past.
            self._forget_first(len(self._times_ms))
            self._base_s = at_s
        self._times_ms.append(round((at_s - self._base_s) * 1000))
        self._figures.extend(_figures_of(usage))
        self.last_s = at_s

    def forget_after(self, at_s: float) -> None:
        """Forget what was taken later."""
        times, latest_ms = self._times_ms, (at_s - self._base_s) * 1000
        while times and times[-1] > latest_ms:
            times.pop()
        del self._figures[len(times) * _FIGURES :]
        self.last_s = self._base_s + times[-1] / 1000 if times else -math.inf

    def forget_before(self, at_s: float) -> None:
        """Forget what was taken earlier."""
        times, earliest_ms, count = self._times_ms, (at_s - self._base_s) * 1000, 0
        while count < len(times) and times[count] < earliest_ms:
            count += 1
        if count:
            self._forget_first(count)

    def samples(self) -> tuple[VmSample, ...]:
        return tuple(
            _sample(self._base_s + time_ms / 1000, self._figures[at * _FIGURES : (at + 1) * _FIGURES])
            for at, time_ms in enumerate(self._times_ms)
        )

    def _forget_first(self, count: int) -> None:
        del self._times_ms[:count]
        del self._figures[: count * _FIGURES]

    def _begin_at(self, base_s: float) -> None:
        moved_ms = round((base_s - self._base_s) * 1000)
        self._times_ms = array("i", (time_ms - moved_ms for time_ms in self._times_ms))
        self._base_s += moved_ms / 1000


def _figures_of(usage: VmUsage) -> tuple[float, float, float, float]:
    memory = usage.memory_used_mib if usage.memory_used_mib is not None else usage.memory_rss_mib
    return (
        math.nan if usage.cpu_percent is None else usage.cpu_percent,
        math.nan if memory is None else memory,
        _sum(usage.disk_read_b_s, usage.disk_write_b_s),
        _sum(usage.net_rx_b_s, usage.net_tx_b_s),
    )


def _sample(at_s: float, figures: "array[float]") -> VmSample:
    cpu, memory, disk, net = (None if math.isnan(value) else value for value in figures)
    return VmSample(
        observed_at=datetime.fromtimestamp(at_s, UTC), cpu_percent=cpu, memory_mib=memory, disk_b_s=disk, net_b_s=net
    )


def _sum(one: float | None, other: float | None) -> float:
    if one is None and other is None:
        return math.nan
    return (one or 0.0) + (other or 0.0)
