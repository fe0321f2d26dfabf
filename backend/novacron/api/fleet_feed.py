"""The fleet's changes, encoded once for all clients of the stream.

A step leads from one fleet to the next. The latest steps are kept, encoded; a client is sent those that it was not
sent yet. One that is further behind than the steps that are kept is sent the whole fleet: that of some steps ago, which
was encoded for somebody else, and the steps since. So a client costs the backend no memory but what is on its way to
it, and a change costs the same encoding whether one client reads or a thousand do.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

from novacron.api.codec import Resync, to_json
from novacron.api.fleet_wire import bundled, diff_json, frames, host_json
from novacron.model.fleet import Fleet, Host
from novacron.model.fleet_diff import host_diff
from novacron.model.ids import HostId

_KEPT_BYTES: Final = 4 << 20
_KEPT_STEPS: Final = 256
"""Steps are kept until they are that many or that large together, or larger than the fleet itself."""


@dataclass(frozen=True, slots=True)
class _Step:
    number: int
    frames: list[str | bytes]
    size: int


@dataclass(frozen=True, slots=True)
class _Whole:
    step: int
    frames: list[str | bytes]
    size: int


class FleetFeed:
    """Gives each client what brings it from the step it was told to the present fleet."""

    def __init__(self) -> None:
        self._fleet: Fleet | None = None
        self._step = 0
        self._steps: deque[_Step] = deque()
        self._size = 0
        self._whole: _Whole | None = None
        self._pieces: dict[HostId, tuple[Host, bytes]] = {}
        """Every host as it was last encoded whole."""
        self.encoded = 0
        """How many hosts were encoded so far, whole or by what differs."""

    @property
    def step(self) -> int:
        """The number of the latest step."""
        return self._step

    def messages(self, told: int | None, fleet: Fleet) -> list[str | bytes]:
        """Return what brings a client that was told step `told` (None: nothing) to `fleet`, the latest step."""
        if fleet is not self._fleet:
            self._advance(fleet)
        texts: list[str | bytes] = []
        missing = self._steps_after(told)
        if missing is None:
            whole = self._whole_of(fleet)
            texts = [to_json(Resync(step=self._step)), *whole.frames]
            missing = self._steps_after(whole.step) or []
        return [*texts, *(frame for step in missing for frame in step.frames)]

    def _steps_after(self, told: int | None) -> list[_Step] | None:
        """Return the steps that follow it; None when they are not kept any more."""
        if told is None or not self._step - len(self._steps) <= told <= self._step:
            return None
        return [step for step in self._steps if step.number > told]

    def _advance(self, fleet: Fleet) -> None:
        before, self._fleet = self._fleet, fleet
        self._step += 1
        if before is None:
            return
        pieces = [
            piece for host in fleet.hosts.values() if (piece := self._difference(before.hosts.get(host.id), host))
        ]
        order = list(fleet.hosts)
        told_order = order if order != list(before.hosts) else None
        head = {"kind": "fleet", "since": self._step - 1, "step": self._step, "revision": fleet.revision}
        texts = bundled(frames(head, pieces, told_order))
        step = _Step(self._step, texts, sum(map(len, texts)))
        self._steps.append(step)
        self._size += step.size
        most = min(_KEPT_BYTES, self._whole.size) if self._whole else _KEPT_BYTES
        while len(self._steps) > 1 and (self._size > most or len(self._steps) > _KEPT_STEPS):
            self._size -= self._steps.popleft().size

    def _difference(self, before: Host | None, after: Host) -> tuple[str, bytes] | None:
        if before is after:
            return None
        diff = host_diff(before, after) if before is not None else None
        if diff is None:
            return "whole", self._piece(after)
        self.encoded += 1
        differing = diff_json(diff)
        return ("changed", differing) if differing else None

    def _whole_of(self, fleet: Fleet) -> _Whole:
        """Return a whole fleet, not older than the steps that are kept."""
        if self._whole is None or self._steps_after(self._whole.step) is None:
            pieces = [("whole", self._piece(host)) for host in fleet.hosts.values()]
            self._pieces = {name: known for name, known in self._pieces.items() if name in fleet.hosts}
            head = {"kind": "fleet", "since": None, "step": self._step, "revision": fleet.revision}
            texts = bundled(frames(head, pieces, list(fleet.hosts)))
            self._whole = _Whole(self._step, texts, sum(map(len, texts)))
        return self._whole

    def _piece(self, host: Host) -> bytes:
        known = self._pieces.get(host.id)
        if known is not None and known[0] is host:
            return known[1]
        self.encoded += 1
        piece = host_json(host)
        self._pieces[host.id] = (host, piece)
        return piece
