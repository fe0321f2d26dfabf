"""Following operations to their end, also past a backend that dies, is ended or forgets under the command."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import TypeVar

from novacron.cli.output import clear_progress, complain, print_progress
from novacron.cli.this_user import this_user
from novacron.model.errors import BackendError, NovaCronError
from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron.ports.backend import Backend, BackendFound, BackendLost, OperationsChanged

T = TypeVar("T")

_PATIENCE_S = 60.0
"""How long a backend may be away: one that crashed is started again within seconds, an upgrade takes a while."""
_PAUSE_S = 0.5


async def follow(backend: Backend, latest: dict[OperationId, Operation]) -> None:
    """Watch operations until each has ended, keeping `latest` up to date.

    What has not ended afterwards is not known, and was told on stderr: its backend stayed away, or has no record of it.
    """
    untold: set[OperationId] = set()
    try:
        await _read_stream(backend, latest, untold)
    except BackendError as error:
        _say(error.detail, error.remedy)
    clear_progress()
    for one in latest.values():
        if not one.has_ended:
            complain(
                one.title,
                f"how it ended is not known; operation {one.id} was {one.state.value} when last seen",
                "novacron ops tells, once the backend runs",
            )


async def insisting(backend: Backend, call: Callable[[], Awaitable[T]]) -> T:
    """Return what a call gives that may be repeated: asks again when the backend went away and came back.

    Raises:
        BackendError: it stayed away, or keeps failing.
    """
    give_up_at: float | None = None
    while True:
        try:
            return await call()
        except BackendError:
            if give_up_at is None:
                give_up_at = asyncio.get_running_loop().time() + _PATIENCE_S
            if not await _is_back(backend, give_up_at):
                raise
        await asyncio.sleep(_PAUSE_S)


async def _read_stream(backend: Backend, latest: dict[OperationId, Operation], untold: set[OperationId]) -> None:
    """Read the stream until nothing is left to wait for.

    Raises:
        BackendError: there is no use in waiting on.
    """
    if not _running(latest, untold):
        return
    cause = ""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as patience:
            async for change in backend.changes(this_user()):
                if isinstance(change, BackendLost):
                    if patience.when() is None:
                        patience.reschedule(loop.time() + _PATIENCE_S)
                        _say(f"{change.cause}; waiting for one, {_PATIENCE_S:.0f} s at the most")
                    cause = change.cause
                    continue
                patience.reschedule(None)
                if isinstance(change, OperationsChanged):
                    await _take(backend, change.operations, latest, untold)
                    if not _running(latest, untold):
                        return
    except TimeoutError:
        raise BackendError("backend", f"{cause}, and did not come back", "any command starts it") from None


async def _take(
    backend: Backend, told: Iterable[Operation], latest: dict[OperationId, Operation], untold: set[OperationId]
) -> None:
    """Take a list of operations. The backend forgets the oldest that ended: those are asked for one by one."""
    listed = {one.id: one for one in told}
    for waiting in _running(latest, untold):
        if waiting.id in listed:
            latest[waiting.id] = listed[waiting.id]
            continue
        try:
            latest[waiting.id] = await insisting(backend, partial(backend.find_operation, this_user(), waiting.id))
        except NovaCronError as error:
            untold.add(waiting.id)
            complain(waiting.title, error.detail, error.remedy)
    running = _running(latest, untold)
    if running:
        print_progress("; ".join(_progress_text(one) for one in _told_of(running, listed)[:3]))


def _told_of(running: Iterable[Operation], listed: Mapping[OperationId, Operation]) -> list[Operation]:
    """Return what stands for these on the progress line: the operations of one batch are told by their parent."""
    told = (listed.get(one.parent, one) if one.parent is not None else one for one in running)
    return list({one.id: one for one in told}.values())


def _running(latest: dict[OperationId, Operation], untold: set[OperationId]) -> list[Operation]:
    return [one for one in latest.values() if not one.has_ended and one.id not in untold]


async def _is_back(backend: Backend, give_up_at: float) -> bool:
    """Wait until a stream of the backend begins, which also starts one that had died."""
    with suppress(TimeoutError, BackendError):
        async with asyncio.timeout_at(give_up_at):
            async for change in backend.changes(this_user()):
                if isinstance(change, BackendFound):
                    return True
    return False


def _say(detail: str, remedy: str = "") -> None:
    clear_progress()
    complain("backend", detail, remedy)


def _progress_text(operation: Operation) -> str:
    progress = operation.progress
    parts = [operation.title, str(progress.queued) if operation.is_waiting else operation.state.value]
    if progress.fraction is not None:
        parts.append(f"{progress.fraction:.0%}")
    if progress.remaining_s is not None:
        parts.append(f"about {progress.remaining_s:.0f}s left")
    if progress.note:
        parts.append(progress.note)
    return " · ".join(parts)
