"""CPU, memory and storage of the whole fleet over the last minutes, as this console has seen them."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from novacron.model.fleet import Fleet
from novacron.model.fleet_counts import FleetCounts

_APART: Final = timedelta(seconds=5)
_KEPT: Final = 180
"""Samples: 15 minutes of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSample:
    """How much of the fleet was in use. None: no host that answers can tell."""

    observed_at: datetime
    cpu: float | None
    """0.0 to 1.0, like the others."""
    memory: float | None
    storage: float | None


class FleetHistory:
    """The samples, oldest first."""

    def __init__(self) -> None:
        self._samples: deque[FleetSample] = deque(maxlen=_KEPT)

    @property
    def samples(self) -> Sequence[FleetSample]:
        """All that are kept."""
        return self._samples

    def take(self, fleet: Fleet, now: datetime) -> None:
        """Take a sample, unless the last one is younger than five seconds."""
        if self._samples and timedelta() <= now - self._samples[-1].observed_at < _APART:
            return
        self._samples.append(sample_of(fleet.counts, now))


def sample_of(counts: FleetCounts, now: datetime) -> FleetSample:
    """Return how much is in use by these counts."""
    return FleetSample(
        observed_at=now,
        cpu=_part(counts.busy_millicores, counts.cores * 1000),
        memory=_part(counts.memory_used_mib, counts.memory_mib),
        storage=_part(counts.pools_capacity_mib - counts.pools_available_mib, counts.pools_capacity_mib),
    )


def _part(used: int, whole: int) -> float | None:
    return min(1.0, max(0.0, used / whole)) if whole else None


def sparkline(
    samples: Sequence[FleetSample], value_of: Callable[[FleetSample], float | None], width: int, shapes: str
) -> str:
    """Draw the latest samples, one cell each, on a scale from 0 to 1; what is not known is a blank."""
    drawn = []
    for sample in list(samples)[-width:] if width > 0 else []:
        value = value_of(sample)
        drawn.append(" " if value is None else shapes[min(len(shapes) - 1, int(value * len(shapes)))])
    return "".join(drawn).rjust(width)
