"""Changes of a list of things with identities (operations, alerts), encoded once for all clients of the stream.

As FleetFeed, for lists that are few and small: whoever is behind by more steps than are kept is sent the whole list.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar

from novacron.api.codec import json_of

T = TypeVar("T")

_KEPT_STEPS: Final = 64
_KEPT_BYTES: Final = 1 << 20


class ListFeed(Generic[T]):
    """Gives each client what brings it from the step it was told to the present list."""

    def __init__(self, kind: str, of: Any, key: Callable[[T], str]) -> None:  # noqa: ANN401 - any type the model has
        """`kind` is the messages' kind, `of` the type of an item and `key` what it is known by."""
        self._kind = kind
        self._of = of
        self._key = key
        self._items: Sequence[T] | None = None
        self._step = 0
        self._steps: deque[str] = deque()
        self._size = 0
        self._whole = (0, "")
        self.encoded = 0
        """How many items were encoded so far."""

    @property
    def step(self) -> int:
        """The number of the latest step."""
        return self._step

    def messages(self, told: int | None, items: Sequence[T]) -> list[str]:
        """Return what brings a client that was told step `told` (None: nothing) to `items`, the latest step."""
        if items is not self._items:
            self._advance(items)
        first = self._step - len(self._steps)
        if told is not None and first <= told <= self._step:
            return list(self._steps)[told - first :]
        if self._whole[0] != self._step:
            self._whole = self._step, self._message(None, items, (), ordered=True)
        return [self._whole[1]]

    def _advance(self, items: Sequence[T]) -> None:
        before, self._items = self._items, items
        self._step += 1
        if before is None:
            return
        was, now = {self._key(one): one for one in before}, {self._key(one): one for one in items}
        changed = [one for key, one in now.items() if was.get(key) is not one and was.get(key) != one]
        gone = tuple(key for key in was if key not in now)
        # The newest stand first: that order needs no words.
        order = [*(key for key in now if key not in was), *(key for key in was if key in now)]
        message = self._message(self._step - 1, changed, gone, ordered=order != list(now), order=list(now))
        self._steps.append(message)
        self._size += len(message)
        while len(self._steps) > 1 and (self._size > _KEPT_BYTES or len(self._steps) > _KEPT_STEPS):
            self._size -= len(self._steps.popleft())

    def _message(
        self,
        since: int | None,
        changed: Sequence[T],
        gone: Sequence[str],
        *,
        ordered: bool,
        order: Sequence[str] | None = None,
    ) -> str:
        self.encoded += len(changed)
        told: dict[str, Any] = {"since": since, "step": self._step, "gone": list(gone)}
        told["order"] = (order or [self._key(one) for one in changed]) if ordered else None
        head = json_of(dict[str, Any], {"kind": self._kind, **told})[:-1]
        items = b",".join(json_of(self._of, one) for one in changed)
        return (head + b',"changed":[' + items + b"]}").decode()
