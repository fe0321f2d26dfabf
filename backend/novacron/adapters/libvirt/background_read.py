"""A reading beside the readings that wait for it: what hangs on a host keeps nobody longer than they like."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

_log = logging.getLogger("novacron.libvirt")


class BackgroundRead:
    """Reads in a task of its own, one at a time."""

    def __init__(self, what: str) -> None:
        """`what` names it in the log, should it fail."""
        self._what = what
        self._task: asyncio.Task[None] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether it was started and has not ended."""
        return self._task is not None and not self._task.done()

    def start(self, read: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start to read, unless that is under way."""
        if not self.is_under_way:
            self._task = asyncio.create_task(read(), name=self._what)
            self._task.add_done_callback(self._log_failure)

    async def wait(self, seconds: float) -> None:
        """Wait for what is under way, but no longer than that."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=seconds)

    def cancel(self) -> None:
        """Let go at once."""
        if self._task is not None:
            self._task.cancel()

    def _log_failure(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s failed", self._what, exc_info=error)
