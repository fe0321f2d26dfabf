"""Long-lived tasks: started again when they fail, with what they failed of in the log and in an alert."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from novacron.engine.log import log
from novacron.engine.settings import EngineSettings
from novacron.model.alert.conditions import TaskFault
from novacron.model.work.backoff import Backoff
from novacron.ports.clock import Clock

T = TypeVar("T")


class Supervisor:
    """Keeps tasks going, and knows which of them have failed lately."""

    def __init__(self, clock: Clock, settings: EngineSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._failed: dict[str, tuple[float, TaskFault]] = {}

    @property
    def faults(self) -> tuple[TaskFault, ...]:
        """What failed and has not been well for long enough since."""
        since = self._clock.monotonic() - self._settings.task_well_after_s
        self._failed = {name: entry for name, entry in self._failed.items() if entry[0] > since}
        return tuple(fault for _, fault in self._failed.values())

    def keep(self, name: str, run: Callable[[], Awaitable[None]]) -> "asyncio.Task[None]":
        """Run it in a task of its own, again after each failure, until it returns or the task is cancelled."""
        return asyncio.create_task(self._keep(name, run), name=name)

    def ask(self, name: str, work: Callable[[], T]) -> T | None:
        """Return what `work` does; None when it failed, which is told as a task's failure is."""
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - one that fails must not keep the others from their work
            self._report(name, error)
            return None

    async def _keep(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        settings = self._settings
        backoff = Backoff(first_s=settings.task_backoff_first_s, most_s=settings.task_backoff_most_s)
        while True:
            began_at = self._clock.monotonic()
            try:
                await run()
            except (Exception, asyncio.CancelledError) as error:
                if is_cancelled_itself(error):
                    raise
                self._report(name, error)
            else:
                return
            if self._clock.monotonic() - began_at > self._settings.task_well_after_s:
                backoff = backoff.succeeded()
            backoff = backoff.failed()
            await self._clock.sleep(backoff.wait_s())

    def _report(self, name: str, error: BaseException) -> None:
        text = f"{type(error).__name__}: {error}"
        known = self._failed.get(name)
        # The same fault once a second, such as an alert rule's, is one traceback.
        if known is None or known[1].text != text:
            log(f"{name} failed", level=logging.ERROR, error=error, task=name)
        self._failed[name] = (self._clock.monotonic(), TaskFault(name=name, text=text))


def is_cancelled_itself(error: BaseException) -> bool:
    """Whether the error says that the present task is to end, rather than that something it awaited was cancelled."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
