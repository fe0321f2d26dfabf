"""One standing connection to a simulated host: deadlines, silence, loss, and the events that come over it.

Everything an adapter asks goes through `HostLink.call`, so that a sick host is sick for all of it.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from novacron.adapters.simulated.host_faults import HostFaults
from novacron.model.errors import DeadlineExceeded, LinkLost, OutcomeUnknown
from novacron.ports.clock import Clock
from novacron.ports.hypervisor import HostEvent, HostEventKind

T = TypeVar("T")
_TICK_S = 0.001
"""The shortest wait: one of 1e-16 s would be lost to rounding, again and again."""


class HostLink:
    """A connection between the backend and one host."""

    def __init__(self, host_name: str, faults: HostFaults, clock: Clock) -> None:
        self._host_name = host_name
        self._faults = faults
        self._clock = clock
        self._naps: set[asyncio.Future[None]] = set()
        self._listeners: list[Callable[[HostEvent], None]] = []
        self._on_closed: list[Callable[[], None]] = []
        self.closed_because = ""
        """Why it is closed; empty while it is open."""

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be asked over it any more."""
        return bool(self.closed_because)

    async def call(
        self,
        what: str,
        ask: Callable[[], T],
        *,
        deadline_s: float,
        effects: bool = False,
        takes_s: float = 0.0,
    ) -> T:
        """Ask the host; `ask` is what it does at the moment it takes the call.

        `effects` says that a call cut off half-way may have happened; `takes_s` is the host's own time
        for it.
        """
        self._require_open(what)
        await self._until_answered(what, ask if effects else None, deadline_s=deadline_s, takes_s=takes_s)
        return ask()

    async def until_answered(self, what: str, *, deadline_s: float, takes_s: float = 0.0) -> None:
        """Wait as long as an answer to a call without effects takes."""
        self._require_open(what)
        await self._until_answered(what, None, deadline_s=deadline_s, takes_s=takes_s)

    async def nap(self, seconds: float) -> None:
        """Wait that long, but no longer than until the link is closed or the host's faults change."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._naps.add(woken)
        alarm = asyncio.ensure_future(self._clock.sleep(max(_TICK_S, seconds)))
        try:
            await asyncio.wait({woken, alarm}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            alarm.cancel()
            self._naps.discard(woken)

    def wake(self) -> None:
        """Make every pending call look at the host's condition again."""
        for nap in self._naps:
            if not nap.done():
                nap.set_result(None)

    def listen(self, listener: Callable[[HostEvent], None]) -> None:
        """Hand every event of the host to `listener`, on the event loop."""
        self._listeners.append(listener)

    def on_closed(self, callback: Callable[[], None]) -> None:
        """Call back when the link ends, however it does."""
        self._on_closed.append(callback)

    def deliver(self, event: HostEvent) -> None:
        """Pass an event on, unless nothing comes over the link any more."""
        if self.is_closed or self._faults.is_silent or not self._listeners:
            return
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.call_soon(self._hand_over, listener, event)

    def close(self) -> None:
        """Let go of it from our side."""
        self._end("closed")
        self._listeners.clear()

    def lose(self, because: str) -> None:
        """End it from the far side: pending calls end, listeners are told."""
        if self.is_closed:
            return
        self._end(because)
        event = HostEvent(kind=HostEventKind.LINK_CLOSED, detail=because)
        for listener in self._listeners:
            asyncio.get_running_loop().call_soon(listener, event)

    def _end(self, because: str) -> None:
        if self.is_closed:
            return
        self.closed_because = because
        self.wake()
        for callback in self._on_closed:
            callback()

    def _hand_over(self, listener: Callable[[HostEvent], None], event: HostEvent) -> None:
        # Nothing may arrive after close(), though it was on its way.
        if not self.is_closed:
            listener(event)

    def _require_open(self, what: str) -> None:
        if self.is_closed:
            raise LinkLost(self._host_name, f"{what}: the connection is gone: {self.closed_because}")

    async def _until_answered(
        self, what: str, effect: Callable[[], object] | None, *, deadline_s: float, takes_s: float
    ) -> None:
        asked_at = self._clock.monotonic()
        # A call is never answered in the same turn of the loop: callers must not depend on it.
        await self._clock.sleep(0)
        while True:
            elapsed_s = self._clock.monotonic() - asked_at
            self._require_still_open(what, effect)
            silent = self._faults.is_silent
            answer_after_s = self._faults.answers_after_s + takes_s
            if not silent and elapsed_s >= answer_after_s:
                return
            if elapsed_s >= deadline_s:
                raise self._give_up(what, effect, deadline_s)
            await self.nap((deadline_s if silent else min(deadline_s, answer_after_s)) - elapsed_s)

    def _require_still_open(self, what: str, effect: Callable[[], object] | None) -> None:
        if not self.is_closed:
            return
        detail = f"{what}: the connection broke: {self.closed_because}"
        if effect is not None:
            raise OutcomeUnknown(self._host_name, detail, "look at the host again")
        raise LinkLost(self._host_name, detail)

    def _give_up(self, what: str, effect: Callable[[], object] | None, deadline_s: float) -> DeadlineExceeded:
        if effect is not None and self._faults.effects_come_late:
            self._faults.postponed.append(effect)
        self.lose(f"{what} was not answered")
        return DeadlineExceeded(
            self._host_name,
            f"{what} was not answered within {deadline_s:g} s",
            "look at libvirtd on the host",
        )
