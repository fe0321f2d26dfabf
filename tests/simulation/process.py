"""A backend process that can be killed at any await: its tasks stop where they are, and no clean-up of theirs runs.

A task belongs to the process when it was created by one that does. A killed process's tasks are never stepped again;
`release` ends them after the run, when nothing looks at the world any more.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from novacron.model.ids import OperationId
from tests.fake_clock import settle

T = TypeVar("T")
_PREFIX = "operation "
"""How the engine names the task that carries an operation out."""
_current: "contextvars.ContextVar[BackendProcess | None]" = contextvars.ContextVar("process", default=None)


class BackendDied(Exception):
    """The backend was killed before it answered."""


class BackendProcess:
    """The tasks of one backend, from its start to its end."""

    def __init__(self, on_death: Callable[[], None]) -> None:
        self._on_death = on_death
        self._tasks: dict[asyncio.Task[Any], asyncio.Task[Any] | None] = {}
        """Each that has not ended -> the one that created it."""
        self._failed: list[asyncio.Task[Any]] = []
        self._countdown: int | None = None
        self._only_operations = False
        self._frozen: list[asyncio.Future[None]] | None = None
        """What waits for the process to go on; None while it runs."""
        self.is_dead = False
        self.is_releasing = False
        self.death: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def kill_after(self, steps: int, *, of_operations: bool) -> None:
        """Die before that many more steps of its tasks, or of those tasks that carry out operations."""
        self._countdown, self._only_operations = steps, of_operations

    def die(self) -> None:
        """Stop every task where it is."""
        if self.is_dead:
            return
        self.is_dead = True
        self.death.set_result(None)
        self._on_death()

    def freeze(self) -> None:
        """Step no task until `thaw`, as when the machine under the backend is suspended."""
        self._frozen = []

    def thaw(self) -> None:
        """Let every task go on where it was."""
        frozen, self._frozen = self._frozen or [], None
        for future in frozen:
            if not future.done():
                future.set_result(None)

    def run_in(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run something as a task of the process."""
        context = contextvars.copy_context()
        context.run(_current.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    async def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Have the process do something, and return its result.

        Raises:
            BackendDied: it was killed before it had done so.
        """
        if self.is_dead:
            work.close()
            raise BackendDied
        task = self.run_in(work)
        try:
            await asyncio.wait({task, self.death}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not task.done():
            raise BackendDied
        return task.result()

    def operation(self) -> OperationId | None:
        """Return for which operation the current task works; None when for none."""
        task = asyncio.current_task()
        while task is not None:
            if task.get_name().startswith(_PREFIX):
                return OperationId(task.get_name().removeprefix(_PREFIX))
            task = self._tasks.get(task)
        return None

    def left(self) -> list[str]:
        """Name every task that has not ended."""
        return [f"{task.get_name()}: {task.get_coro().__qualname__}" for task in self._tasks if not task.done()]

    def died_silently(self) -> list[str]:
        """Name every task that ended with an error which nobody asked for."""
        silent = [task for task in self._failed if task._log_traceback]  # type: ignore[attr-defined]
        return [f"{task.get_name()}: {task.exception()!r}" for task in silent]

    async def release(self) -> None:
        """End what is left of a killed process, so that nothing outlives the run."""
        self.is_releasing = True
        for _ in range(20):
            tasks = [task for task in self._tasks if not task.done()]
            if not tasks:
                return
            for task in tasks:
                task.cancel()
            await settle()

    def adopt(self, task: "asyncio.Task[Any]") -> None:
        """Take a new task of its own into its books."""
        creator = asyncio.current_task()
        self._tasks[task] = creator if creator in self._tasks else None
        task.add_done_callback(self._ended)

    def stop_before_step(self) -> "asyncio.Future[None] | None":
        """Count one step of a task; return what to wait for instead while the process is dead, or frozen."""
        if self._must_stop():
            return _blocking()
        if self._frozen is None:
            return None
        self._frozen.append(_blocking())
        return self._frozen[-1]

    def _must_stop(self) -> bool:
        if self._countdown is not None and not self.is_dead and (not self._only_operations or self.operation()):
            self._countdown -= 1
            if self._countdown <= 0:
                self.die()
        return self.is_dead

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and not self.is_dead and task._exception is not None:  # type: ignore[attr-defined]
            self._failed.append(task)


class _Steps(Coroutine[Any, Any, Any]):
    """A coroutine of a process, stepped for as long as the process lives."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], process: BackendProcess) -> None:
        self._coroutine = coroutine
        self._process = process
        self._held: tuple[Any, ...] | None = None
        """The error with which the next step is done: it came while the process was frozen."""
        self.__qualname__ = getattr(coroutine, "__qualname__", repr(coroutine))

    def send(self, value: object) -> object:
        """Do the next step."""
        if self._process.is_releasing:
            return self._coroutine.throw(asyncio.CancelledError())
        stopped = self._process.stop_before_step()
        if stopped is not None:
            return stopped
        if self._held is not None:
            held, self._held = self._held, None
            return self._coroutine.throw(*held)
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> object:
        """Do the next step with an error."""
        stopped = None if self._process.is_releasing else self._process.stop_before_step()
        if stopped is not None:
            self._held = error
            return stopped
        return self._coroutine.throw(*error)

    def close(self) -> None:
        """Close it."""
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._coroutine.__await__()


def _blocking() -> "asyncio.Future[None]":
    """Return what a task awaits that is not stepped now, as a coroutine would give it to its task."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    future._asyncio_future_blocking = True
    return future


def make_task(
    loop: asyncio.AbstractEventLoop,
    coroutine: Coroutine[Any, Any, Any],
    context: contextvars.Context | None = None,
) -> "asyncio.Task[Any]":
    """Create a task, of the process that creates it where there is one (a task factory of the event loop)."""
    process = _current.get() if context is None else context.get(_current)
    if process is None:
        return asyncio.Task(coroutine, loop=loop, context=context)
    task: asyncio.Task[Any] = asyncio.Task(_Steps(coroutine, process), loop=loop, context=context)
    process.adopt(task)
    return task


def outside(work: Coroutine[Any, Any, T], context: contextvars.Context | None = None) -> "asyncio.Task[T]":
    """Run something that belongs to no backend, whoever asks for it."""
    context = context or contextvars.copy_context()
    context.run(_current.set, None)
    return asyncio.get_running_loop().create_task(work, context=context)
