"""Fan-out of messages to any number of readers, none of which can slow the others down.

Each reader has one slot per kind of message. A newer one replaces an older one that was not taken yet: a slow
reader misses what lay between, never the last, and costs no memory. Kinds take turns: one that changes all the time
delays another by one message at most.
"""

import asyncio
from collections.abc import AsyncIterator

from novacron.engine.deadline import first_of
from novacron.ports.backend import AlertsChanged, FleetChanged, OperationsChanged
from novacron.ports.clock import Clock

HubMessage = FleetChanged | OperationsChanged | AlertsChanged


class Hub:
    """Knows its readers and the latest message of each kind."""

    def __init__(self, clock: Clock, *, fleet_gap_s: float) -> None:
        self._clock = clock
        self._fleet_gap_s = fleet_gap_s
        self._latest: dict[type[HubMessage], HubMessage] = {}
        self._readers: set[_Reader] = set()

    @property
    def readers(self) -> int:
        """How many read."""
        return len(self._readers)

    def publish(self, message: HubMessage, *, figures_gap_s: float = 0.0) -> None:
        """Give every reader this message; returns at once.

        A fleet in which nothing but figures changed may be held back until `figures_gap_s` after the one before.
        """
        self._latest[type(message)] = message
        for reader in self._readers:
            reader.offer(message, figures_gap_s)

    async def changes(self) -> AsyncIterator[HubMessage]:
        """Yield the latest message of each kind, then every change; never ends."""
        reader = _Reader(self._clock, self._fleet_gap_s)
        for message in self._latest.values():
            reader.offer(message, 0.0)
        self._readers.add(reader)
        try:
            while True:
                yield await reader.take()
        finally:
            self._readers.discard(reader)


class _Reader:
    def __init__(self, clock: Clock, fleet_gap_s: float) -> None:
        self._clock = clock
        self._fleet_gap_s = fleet_gap_s
        self._slots: dict[type[HubMessage], HubMessage] = {}
        self._taken = 0
        self._last_taken: dict[type[HubMessage], int] = {}
        """The number of the message in which each kind was given last."""
        self._filled = asyncio.Event()
        self._sooner = asyncio.Event()
        self._fleet_at = clock.monotonic() - fleet_gap_s
        self._figures_gap_s = 0.0

    def offer(self, message: HubMessage, figures_gap_s: float) -> None:
        """Put it into its slot, over an older one; what could not wait then cannot wait now."""
        if isinstance(message, FleetChanged):
            pending = type(message) in self._slots
            self._figures_gap_s = min(self._figures_gap_s, figures_gap_s) if pending else figures_gap_s
        self._slots[type(message)] = message
        self._filled.set()
        self._sooner.set()

    async def take(self) -> HubMessage:
        """Wait for a message; of the kinds that may be given now, the one that was given the longest ago.

        A fleet may be given once its gap has passed, the small kinds at any time.
        """
        while True:
            await self._filled.wait()
            wait_s = self._fleet_wait_s()
            may_be_given = [kind for kind in self._slots if kind is not FleetChanged or wait_s <= 0]
            if may_be_given:
                return self._pop(min(may_be_given, key=self._turn_of))
            self._sooner.clear()
            await first_of(self._clock, wait_s, self._sooner)

    def _fleet_wait_s(self) -> float:
        return self._fleet_at + max(self._fleet_gap_s, self._figures_gap_s) - self._clock.monotonic()

    def _turn_of(self, kind: type[HubMessage]) -> tuple[int, bool]:
        # Before any was given the small ones come first: they are read in no time.
        return self._last_taken.get(kind, 0), kind is FleetChanged

    def _pop(self, kind: type[HubMessage]) -> HubMessage:
        message = self._slots.pop(kind)
        self._taken += 1
        self._last_taken[kind] = self._taken
        if kind is FleetChanged:
            self._fleet_at = self._clock.monotonic()
        if not self._slots:
            self._filled.clear()
        return message
