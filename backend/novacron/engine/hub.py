"""Fan-out of messages to any number of readers, none of which can slow the others down.

Each reader has one slot per kind of message. A newer one replaces an older one that was not taken yet: a slow
reader misses what lay between, never the last, and costs no memory. Kinds take turns: one that changes all the time
delays another by one message at most.

Fleets are given to all readers at the same moments, and to all the same: what differs between one and the next is then
the same for all who keep up, and has to be found out and encoded once.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from novacron.engine.deadline import first_of
from novacron.ports.backend import AlertsChanged, FleetChanged, OperationsChanged
from novacron.ports.clock import Clock

_READERS_A_GAP: Final = 200
"""With more readers than that fleets are given less often: a thousand get two a second, of ten."""

HubMessage = FleetChanged | OperationsChanged | AlertsChanged


class Hub:
    """Knows its readers and the latest message of each kind."""

    def __init__(self, clock: Clock, *, fleet_gap_s: float) -> None:
        self._clock = clock
        self._fleet_gap_s = fleet_gap_s
        self._latest: dict[type[HubMessage], HubMessage] = {}
        """As readers were given them last, or would have been had there been any."""
        self._readers: set[_Reader] = set()
        self._fleet: FleetChanged | None = None
        """A newer fleet that readers were not given yet."""
        self._fleet_at = clock.monotonic() - fleet_gap_s
        self._figures_gap_s = 0.0
        self._sooner = asyncio.Event()
        self._giving: asyncio.Task[None] | None = None

    @property
    def readers(self) -> int:
        """How many read."""
        return len(self._readers)

    def publish(self, message: HubMessage, *, figures_gap_s: float = 0.0) -> None:
        """Give every reader this message; returns at once.

        A fleet in which nothing but figures changed may be held back until `figures_gap_s` after the one before. What
        could not wait before it cannot wait now.
        """
        if isinstance(message, FleetChanged) and self._readers:
            self._figures_gap_s = figures_gap_s if self._fleet is None else min(self._figures_gap_s, figures_gap_s)
            self._fleet = message
            self._sooner.set()
            if self._giving is None:
                self._giving = asyncio.create_task(self._give_fleet(), name="giving the fleet to readers")
            return
        if isinstance(message, FleetChanged):
            self._fleet = None  # what still waited for readers that have left is older than this one
        self._give(message)

    async def changes(self) -> AsyncIterator[HubMessage]:
        """Yield the latest message of each kind, then every change; never ends.

        While a fleet in which more than figures changed waits to be given to all, the first one is that: who comes to
        see what an operation did is not shown how it was before.
        """
        reader = _Reader()
        if not self._readers and FleetChanged in self._latest:
            self._fleet_at = self._clock.monotonic()
        is_outdated = self._fleet is not None and self._figures_gap_s == 0
        for kind, message in self._latest.items():
            if not (is_outdated and kind is FleetChanged):
                reader.offer(message)
        self._readers.add(reader)
        try:
            while True:
                yield await reader.take()
        finally:
            self._readers.discard(reader)

    async def _give_fleet(self) -> None:
        """Give the newest fleet as soon as the one before was given long enough ago."""
        try:
            while self._fleet is not None:
                gap_s = self._fleet_gap_s * max(1.0, len(self._readers) / _READERS_A_GAP)
                wait_s = self._fleet_at + max(gap_s, self._figures_gap_s) - self._clock.monotonic()
                if wait_s > 0:
                    self._sooner.clear()
                    await first_of(self._clock, wait_s, self._sooner)
                    continue
                newest, self._fleet = self._fleet, None
                self._fleet_at = self._clock.monotonic()
                self._give(newest)
        finally:
            self._giving = None

    def _give(self, message: HubMessage) -> None:
        self._latest[type(message)] = message
        for reader in self._readers:
            reader.offer(message)


class _Reader:
    def __init__(self) -> None:
        self._slots: dict[type[HubMessage], HubMessage] = {}
        self._taken = 0
        self._last_taken: dict[type[HubMessage], int] = {}
        """The number of the message in which each kind was given last."""
        self._filled = asyncio.Event()

    def offer(self, message: HubMessage) -> None:
        """Put it into its slot, over an older one."""
        self._slots[type(message)] = message
        self._filled.set()

    async def take(self) -> HubMessage:
        """Wait for a message; of several kinds, the one that was given the longest ago."""
        await self._filled.wait()
        return self._pop(min(self._slots, key=self._turn_of))

    def _turn_of(self, kind: type[HubMessage]) -> tuple[int, bool]:
        # Before any was given the small ones come first: they are read in no time.
        return self._last_taken.get(kind, 0), kind is FleetChanged

    def _pop(self, kind: type[HubMessage]) -> HubMessage:
        message = self._slots.pop(kind)
        self._taken += 1
        self._last_taken[kind] = self._taken
        if not self._slots:
            self._filled.clear()
        return message
