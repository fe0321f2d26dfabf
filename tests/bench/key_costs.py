"""What a key costs at a terminal: how long until its last byte is painted, and how many bytes."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.recording import Recording

_QUIET_S = 0.04
"""A key's frame is over when nothing came for so long."""
_AT_MOST_S = 3.0
_BETWEEN_S = 0.06
KEYS: Mapping[str, tuple[str, ...]] = {
    "line down": ("\x1b[B",),
    "page down and up": ("\x1b[6~",) * 3 + ("\x1b[5~",) * 3,
    "sort": ("o",),
    "letter of a filter": ("/", "w", "e", "b", "\x1b"),
    "other pane": ("2", "1"),
}
"""What is pressed for each figure, in turn. One page down alone may move no more than the cursor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCosts:
    """Of one kind of key, pressed several times."""

    first_byte_ms: tuple[float, ...]
    last_byte_ms: tuple[float, ...]
    painted: tuple[int, ...]
    """Bytes of each."""
    unanswered: int = 0
    """Keys after which nothing was painted in three seconds."""


def press(program: Recording, keys: Sequence[str], times: int) -> KeyCosts:
    """Press these keys in turn, each when the one before has been answered."""
    first, last, painted, unanswered = [], [], [], 0
    for index in range(times):
        time.sleep(_BETWEEN_S)
        pressed_at = time.time()
        program.press(keys[index % len(keys)])
        answer = _answer(program, pressed_at)
        if answer is None:
            unanswered += 1
            continue
        first.append((answer[0] - pressed_at) * 1000)
        last.append((answer[1] - pressed_at) * 1000)
        painted.append(program.bytes_between(pressed_at, answer[1] + 1e-6))
    return KeyCosts(first_byte_ms=tuple(first), last_byte_ms=tuple(last), painted=tuple(painted), unanswered=unanswered)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that so large a share of all does not exceed; infinity where nothing was answered."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else math.inf


def _answer(program: Recording, since: float) -> tuple[float, float] | None:
    """Return when the first and the last byte of the frame came that a key caused."""
    while True:
        times = program.painted_since(since)
        now = time.time()
        if times and now - times[-1] >= _QUIET_S:
            return times[0], times[-1]
        if now - since > _AT_MOST_S:
            return (times[0], times[-1]) if times else None
        time.sleep(0.002)
