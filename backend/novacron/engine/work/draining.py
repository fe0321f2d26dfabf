"""Waiting, in a bounded time, for what would break when this process ends: migrations whose data it carries."""

from collections.abc import Callable, Iterable

from novacron.engine.settings import EngineSettings
from novacron.engine.work.runner import OperationRunner
from novacron.model.operations.migration import is_carried
from novacron.ports.clock import Clock


async def drain(runs: Callable[[], Iterable[OperationRunner]], clock: Clock, settings: EngineSettings) -> None:
    """Return once no migration is carried: those under way get some time to end, and are then asked to stop."""
    await _until_none_is_carried(runs, clock, settings, settings.drain_s)
    for run in _carried(runs()):
        run.context.cancel_asked.set()
    await _until_none_is_carried(runs, clock, settings, settings.drain_stop_s)


async def _until_none_is_carried(
    runs: Callable[[], Iterable[OperationRunner]], clock: Clock, settings: EngineSettings, seconds: float
) -> None:
    until = clock.monotonic() + seconds
    while _carried(runs()) and clock.monotonic() < until:
        await clock.sleep(settings.goal_interval_s)


def _carried(runs: Iterable[OperationRunner]) -> list[OperationRunner]:
    return [run for run in runs if is_carried(run.operation)]
