"""A command's line to the backend: which fleet it is about, attaching to it, and waiting for its picture."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import typer

from novacron.cli.output import clear_progress, fail, tell
from novacron.cli.this_user import this_user
from novacron.model.errors import BackendError, ExitCode, NovaCronError
from novacron.model.fleet import Fleet
from novacron.model.link import LinkStatus
from novacron.ports.backend import Backend, BackendLost, FleetChanged

T = TypeVar("T")

_SETTLE_S = 10.0
"""How long a command waits for hosts that a fresh backend has not heard from yet."""


def run(work: Callable[[Backend], Awaitable[T]], context: typer.Context) -> T:
    """Attach to the fleet's backend, starting it if needed, and do `work`."""

    async def attached() -> T:
        async with attach(context) as backend:
            return await work(backend)

    return run_plain(attached)


def run_plain(work: Callable[[], Awaitable[T]]) -> T:
    """Run `work`; print what goes wrong and end with its exit code."""
    try:
        return asyncio.run(_as_coroutine(work))
    except NovaCronError as error:
        clear_progress()
        fail(error)
    except KeyboardInterrupt:
        clear_progress()
        tell("novacron: interrupted; what was accepted goes on (novacron ops)")
        raise typer.Exit(ExitCode.INTERRUPTED) from None


@asynccontextmanager
async def attach(context: typer.Context) -> AsyncIterator[Backend]:
    """Give the backend, and let go of it afterwards."""
    from novacron.api.client import RemoteBackend
    from novacron.runtime import ensure_backend

    def ensure() -> Path:
        return ensure_backend(context.obj)

    # One that dies under a command that waits is started again: else nobody would settle what it waits for.
    backend = RemoteBackend(await asyncio.to_thread(ensure), revive=ensure)
    try:
        yield backend
    finally:
        await backend.close()


async def settled_fleet(backend: Backend) -> Fleet:
    """Return the fleet once every host was heard from or found unreachable, after 10 s at the latest.

    Raises:
        BackendError: the backend said nothing at all in that time. That is not an empty fleet.
    """
    latest: Fleet | None = None
    cause = "it does not answer"
    try:
        async with asyncio.timeout(_SETTLE_S):
            async for change in backend.changes(this_user()):
                if isinstance(change, BackendLost):
                    cause = change.cause
                if isinstance(change, FleetChanged):
                    latest = change.fleet
                    if not any(host.link.status is LinkStatus.CONNECTING for host in latest.hosts.values()):
                        break
    except TimeoutError:
        pass
    if latest is None:
        raise BackendError("backend", cause, "novacron status tells whether it runs; its log tells what it does")
    return latest


async def _as_coroutine(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
