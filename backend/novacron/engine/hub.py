"""Fan-out of snapshots to any number of readers, none of which can slow the others down.

Each reader has one slot per kind of snapshot. A newer one replaces an older one that was not taken yet: a slow
reader misses what lay between, never the last, and costs no memory.
"""

import asyncio
from collections.abc import AsyncIterator

from novacron.engine.deadline import first_of
from novacron.ports.clock import Clock
from novacron.ports.console import AlertsChanged, FleetChanged, OperationsChanged

Snapshot = FleetChanged | OperationsChanged | AlertsChanged


class Hub:
    """Knows its readers and the latest snapshot of each kind."""

    def __init__(self, clock: Clock, *, fleet_gap_s: float) -> None:
        self._clock = clock
        self._fleet_gap_s = fleet_gap_s
        self._latest: dict[type[Snapshot], Snapshot] = {}
        self._readers: set[_Reader] = set()

    @property
    def readers(self) -> int:
        """How many read."""
        return len(self._readers)

    def publish(self, snapshot: Snapshot) -> None:
        """Give every reader this snapshot; returns at once."""
        self._latest[type(snapshot)] = snapshot
        for reader in self._readers:
            reader.offer(snapshot)

    async def changes(self) -> AsyncIterator[Snapshot]:
        """Yield the latest snapshot of each kind, then every change; never ends."""
        reader = _Reader(self._clock, self._fleet_gap_s)
        for snapshot in self._latest.values():
            reader.offer(snapshot)
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
        self._slots: dict[type[Snapshot], Snapshot] = {}
        self._filled = asyncio.Event()
        self._small = asyncio.Event()
        self._fleet_due = clock.monotonic()

    def offer(self, snapshot: Snapshot) -> None:
        """Put it into its slot, over an older one."""
        self._slots[type(snapshot)] = snapshot
        self._filled.set()
        if not isinstance(snapshot, FleetChanged):
            self._small.set()

    async def take(self) -> Snapshot:
        """Wait for a snapshot; a fleet is held back until its turn, the small ones never are."""
        while True:
            await self._filled.wait()
            small = next((kind for kind in self._slots if kind is not FleetChanged), None)
            if small is not None:
                return self._pop(small)
            wait_s = self._fleet_due - self._clock.monotonic()
            if wait_s <= 0:
                self._fleet_due = self._clock.monotonic() + self._fleet_gap_s
                return self._pop(FleetChanged)
            await first_of(self._clock, wait_s, self._small)

    def _pop(self, kind: type[Snapshot]) -> Snapshot:
        snapshot = self._slots.pop(kind)
        if not self._slots:
            self._filled.clear()
        if not isinstance(snapshot, FleetChanged) and set(self._slots) <= {FleetChanged}:
            self._small.clear()
        return snapshot
