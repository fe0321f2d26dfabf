"""When hosts are connected to and read: spread over time, and more slowly when the backend cannot keep up.

Hosts do not wait for one another here. Connections are begun at a limited rate, which hosts that do not answer cannot
use up: each of them tries again seldom. How many may be open at once is not limited, because those that hang would take
the places of those that do not.
"""

from random import Random
from typing import Final

from novacron.engine.settings import EngineSettings
from novacron.model.ids import HostId
from novacron.ports.clock import Clock

_JUDGED_EVERY_S: Final = 10.0
_LATE: Final = 0.25
"""Of the interval: how late readings begin on average where the backend cannot keep up."""
_IN_TIME: Final = 0.05
"""Of the interval: how late they begin at most where it could read more often again."""
_SLOWER, _FASTER, _SLOWEST = 1.5, 0.8, 8.0


class PollSchedule:
    """The rate of connections and the interval of readings, for all hosts."""

    def __init__(self, clock: Clock, settings: EngineSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._connected_at = 0.0
        """When the newest connection was or will be begun, or one that had its place in the burst."""
        self._slowness = 1.0
        self._judged_at = clock.monotonic()
        self._late_s = 0.0
        self._turns = 0

    @property
    def interval_s(self) -> float:
        """From one reading of a host to the next."""
        return self._settings.poll_interval_s * self._slowness

    @property
    def slowed(self) -> str:
        """Why hosts are read less often than they should be; empty when they are not."""
        if self._slowness <= 1:
            return ""
        usual_s = self._settings.poll_interval_s
        return f"hosts are read every {self.interval_s:.1f} s instead of every {usual_s:g} s: this machine is too busy"

    async def wait_to_connect(self) -> None:
        """Return when the next connection may be begun: some at once, then one after the other."""
        gap_s, now = self._settings.connect_gap_s, self._clock.monotonic()
        earliest = now - gap_s * (self._settings.connect_burst - 1)
        self._connected_at = max(self._connected_at + gap_s, earliest)
        if self._connected_at > now:
            await self._clock.sleep(self._connected_at - now)

    def note_turn(self, late_s: float) -> None:
        """Take how late a reading begins that nothing but time has called for."""
        self._late_s += late_s
        self._turns += 1
        now = self._clock.monotonic()
        if now - self._judged_at >= _JUDGED_EVERY_S:
            self._judge(self._late_s / self._turns)
            self._judged_at, self._late_s, self._turns = now, 0.0, 0

    def _judge(self, late_s: float) -> None:
        usual_s = self._settings.poll_interval_s
        if late_s > _LATE * usual_s:
            self._slowness = min(_SLOWEST, self._slowness * _SLOWER)
        elif late_s < _IN_TIME * usual_s:
            self._slowness = max(1.0, self._slowness * _FASTER)


class HostTurns:
    """When one host's turns are: never in step with another's, and the same in each run of the backend."""

    def __init__(self, host: HostId, schedule: PollSchedule, settings: EngineSettings) -> None:
        self._schedule = schedule
        self._settings = settings
        # Its own: what else is drawn must not depend on how often a host is read.
        self._rng = Random(host)  # noqa: S311 - not secret
        self._inventory_due_at = 0.0
        self._has_inventory = False

    def interval_s(self) -> float:
        """Return how long it is from this reading to the next: up to a twentieth shorter than the interval."""
        return self._schedule.interval_s * (1 - 0.05 * self._rng.random())

    def is_inventory_due(self, now_s: float) -> bool:
        """Whether pools, volumes and definitions have to be read again; `now_s` is monotonic."""
        return now_s >= self._inventory_due_at

    def note_inventory(self, now_s: float) -> None:
        """Take that they were read: the second time is anywhere within the interval, those after it regular."""
        share = 1.0 if self._has_inventory else self._rng.random()
        self._has_inventory = True
        self._inventory_due_at = now_s + self._settings.inventory_interval_s * share
