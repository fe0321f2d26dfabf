"""Pre-copy of a live migration: what is copied when, as a function of elapsed time.

Pure arithmetic. Disks first when they are copied along; then memory in rounds, each sending what
the guest dirtied during the one before, until the rest fits into the allowed pause. A guest that dirties
faster than the line carries never gets there: `ends_at` is None, until auto-converge has slowed it enough.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from novacron.model.vm import JobProgress

_MAX_ROUNDS = 10_000
_FIRST_THROTTLE = 0.2
_MORE_THROTTLE = 0.1
_ROUNDS_BEFORE_THROTTLE = 2
_ROUNDS_BEFORE_STUCK = 14
"""By then auto-converge throttles as much as it ever will."""


@dataclass(frozen=True, slots=True)
class _Round:
    number: int
    begins_s: float
    takes_s: float
    sends_mib: float
    dirty_mib_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Precopy:
    """The pre-copy of one migration."""

    memory_mib: float
    rate_mib_s: float
    dirty_mib_s: float
    working_set_mib: float
    downtime_ms: int = 300
    disk_mib: float = 0.0
    auto_converge: bool = False

    def ends_at(self) -> float | None:
        """Return when its source would be paused, in seconds from its start; None: never."""
        ends_s = 0.0
        for current in self._rounds():
            if current.number > _ROUNDS_BEFORE_STUCK and self._is_stuck(current):
                return None
            ends_s = current.begins_s + current.takes_s
        return ends_s

    def at(self, elapsed_s: float) -> JobProgress:
        """Return what the hypervisor says of it after `elapsed_s`."""
        disk_remaining_mib = max(0.0, self.disk_mib - elapsed_s * self.rate_mib_s)
        current = self._round_at(elapsed_s)
        since_s = max(0.0, elapsed_s - current.begins_s)
        remaining_mib = max(0.0, current.sends_mib - since_s * self.rate_mib_s)
        copying_disks = disk_remaining_mib > 0
        return JobProgress(
            elapsed_s=elapsed_s,
            memory_total_mib=self.memory_mib,
            memory_remaining_mib=self.memory_mib if copying_disks else remaining_mib,
            rate_mib_s=self.rate_mib_s,
            dirty_rate_mib_s=0.0 if copying_disks or current.number == 1 else current.dirty_mib_s,
            iteration=current.number,
            disk_total_mib=self.disk_mib or None,
            disk_remaining_mib=disk_remaining_mib if self.disk_mib else None,
            downtime_ms=self.downtime_ms,
        )

    def _round_at(self, elapsed_s: float) -> _Round:
        current = None
        for current in self._rounds():
            if elapsed_s < current.begins_s + current.takes_s:
                break
        if current is None:
            msg = "a pre-copy has at least one round"
            raise AssertionError(msg)
        return current

    def _rounds(self) -> Iterator[_Round]:
        begins_s = self.disk_mib / self.rate_mib_s
        sends_mib = self.memory_mib
        for number in range(1, _MAX_ROUNDS):
            takes_s = sends_mib / self.rate_mib_s
            dirty_mib_s = self._dirty_in(number)
            yield _Round(number, begins_s, takes_s, sends_mib, dirty_mib_s)
            left_mib = min(self.working_set_mib, dirty_mib_s * takes_s)
            if left_mib <= self._fits_pause_mib():
                return
            begins_s += takes_s
            sends_mib = left_mib

    def _dirty_in(self, number: int) -> float:
        over = number - _ROUNDS_BEFORE_THROTTLE
        if not self.auto_converge or over <= 0:
            return self.dirty_mib_s
        throttle = min(0.99, _FIRST_THROTTLE + _MORE_THROTTLE * (over - 1))
        return self.dirty_mib_s * (1 - throttle)

    def _fits_pause_mib(self) -> float:
        return self.rate_mib_s * self.downtime_ms / 1000

    def _is_stuck(self, current: _Round) -> bool:
        left_mib = min(self.working_set_mib, current.dirty_mib_s * current.takes_s)
        return left_mib > self._fits_pause_mib() and left_mib >= 0.999 * current.sends_mib
