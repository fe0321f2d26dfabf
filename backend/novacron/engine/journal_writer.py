"""Writes events to the journal in groups: one commit takes whatever has gathered while the last one was made.

Events stay in the order in which they were handed over. One that must be kept (what has happened in the world) is
written later when it cannot be written now, before anything that came after it; one that is only asked for (an
acceptance, a step that is to begin) is refused then, and forgotten.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from novacron.model.errors import JournalError, JournalUncertain
from novacron.model.ids import OperationId
from novacron.model.work.event import Event
from novacron.ports.journal import Journal

_log = logging.getLogger("novacron.engine")


@dataclass(slots=True, kw_only=True, eq=False)
class _Entry:
    event: Event
    is_kept: bool
    tried: "asyncio.Future[None]"
    """Done once it is durable, or a try to write it has failed."""
    on_durable: Callable[[], None]


class JournalWriter:
    """The one writer of the journal, under one lease."""

    def __init__(self, journal: Journal, *, epoch: int = 0) -> None:
        self._journal = journal
        self._epoch = epoch
        self._waiting: list[_Entry] = []
        self._stuck: dict[OperationId, list[_Entry]] = {}
        """Events that are bad by themselves, with what came after them: tried again when their operation goes on."""
        self._doubtful: list[_Entry] = []
        """A group of which it is not known whether it was written: nothing else is, before that is known."""
        self._is_asked = False
        self._task: asyncio.Task[None] | None = None
        self.fault: JournalError | None = None
        """Why the last commit failed; None when it did not."""

    @property
    def has_unwritten(self) -> bool:
        """Whether something that must be kept is not durable yet."""
        return bool(self._waiting or self._stuck or self._doubtful)

    def lacks(self, operation: OperationId) -> bool:
        """Whether something of this operation is not durable, or nothing could be written at all."""
        return bool(self._waiting or self._doubtful) or operation in self._stuck

    def keep(self, event: Event, on_durable: Callable[[], None]) -> "asyncio.Future[None]":
        """Write what has happened; what is returned is done once it is durable, or could not be written just now.

        It is kept for later then. `on_durable` is called in the very moment in which it is known to be durable, now or
        later; also when nobody waits.
        """
        return self._add(event, on_durable, is_kept=True)

    async def require(self, event: Event, on_durable: Callable[[], None]) -> None:
        """Write what is asked for. `on_durable` is called also when nobody waits any more for this to return.

        Raises:
            JournalError: it could not be written, and is not going to be.
        """
        await self._add(event, on_durable, is_kept=False)

    async def require_all(self, asked: Sequence[tuple[Event, Callable[[], None]]]) -> list[JournalError | None]:
        """Write what is asked for in one commit, each with what is called when it is durable.

        Returns why each could not be written; None: it is in the journal.
        """
        # All are added before anything is awaited: what waits together is written together.
        tries = [self._add(event, on_durable, is_kept=False) for event, on_durable in asked]
        return [_error_of(one) for one in await asyncio.gather(*tries, return_exceptions=True)]

    async def flush(self) -> None:
        """Try once to write everything that is kept."""
        self._waiting = [entry for entries in self._stuck.values() for entry in entries] + self._waiting
        self._stuck.clear()
        if self._waiting or self._doubtful:
            self._ask()
        if self._task is not None:
            await asyncio.shield(self._task)

    async def close(self) -> None:
        """Stop writing, in the middle of a commit if need be; whether that one was made is for the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _add(self, event: Event, on_durable: Callable[[], None], *, is_kept: bool) -> "asyncio.Future[None]":
        tried: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Entry(event=event, is_kept=is_kept, tried=tried, on_durable=on_durable))
        self._ask()
        return tried

    def _ask(self) -> None:
        self._is_asked = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_on(), name="journal writer")

    async def _write_on(self) -> None:
        """Write until nothing is left that was not tried."""
        while self._is_asked:
            self._is_asked = False
            group = self._doubtful or self._next_group()
            self._is_asked = bool(self._doubtful and self._waiting)
            try:
                refused = await self._journal.append([entry.event for entry in group], epoch=self._epoch)
            except JournalUncertain as error:
                # Nobody is told anything before it is known: it is asked for again with the next event, or flush.
                self._doubtful, self.fault = group, error
                self._is_asked = False
                continue
            except JournalError as error:
                self._put_back(group, error)
            except Exception as error:  # noqa: BLE001 - whoever waits for the journal must hear of it
                _log.exception("the journal failed")
                self._put_back(group, JournalError("journal", f"unforeseen: {type(error).__name__}: {error}"))
            else:
                self._settle(group, dict(refused))
            self._doubtful = []

    def _next_group(self) -> list[_Entry]:
        """Return all that waits, after what is stuck of the same operations."""
        waiting, self._waiting = self._waiting, []
        stuck: list[_Entry] = []
        for operation in {entry.event.operation for entry in waiting} & self._stuck.keys():
            stuck += self._stuck.pop(operation)
        return stuck + waiting

    def _settle(self, group: Iterable[_Entry], refused: dict[OperationId, JournalError]) -> None:
        for entry in group:
            error = refused.get(entry.event.operation)
            if error is None:
                entry.on_durable()
                _finish(entry, None)
                continue
            if entry.is_kept:
                self._stuck.setdefault(entry.event.operation, []).append(entry)
            _finish(entry, error)
        if refused or not self._stuck:
            self.fault = next(iter(refused.values()), None)

    def _put_back(self, group: list[_Entry], error: JournalError) -> None:
        """Keep what must be kept, before what has come since; refuse the rest."""
        self.fault = error
        self._waiting = [entry for entry in group if entry.is_kept] + self._waiting
        for entry in group:
            _finish(entry, error)


def _error_of(tried: BaseException | None) -> JournalError | None:
    if tried is None or isinstance(tried, JournalError):
        return tried
    raise tried


def _finish(entry: _Entry, error: JournalError | None) -> None:
    # Cancelled when whoever waited has gone: what is in the journal is so all the same.
    if entry.tried.done():
        return
    if error is None or entry.is_kept:
        entry.tried.set_result(None)
    else:
        entry.tried.set_exception(error)
