"""Taking connections from a listening socket, also when there is no file descriptor for the next one."""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable
from typing import Any

_AT_ONCE = 4
"""Connections taken before anything else has its turn: those that are turned away give their descriptors back then."""
_WAIT_S = 1.0
"""How long nothing is taken after there was no descriptor."""
_SAY_S = 60.0
"""The log hears of it no more often than that."""
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_log = logging.getLogger("novacron.api")


class Listener:
    """Gives each connection a protocol, as asyncio.Server does.

    asyncio's own goes on accepting after the first failure, as often as its backlog is long, and logs a traceback
    each time: with uvicorn's 2,048 that is a core and a megabyte of log a second for as long as descriptors lack.
    """

    def __init__(self, listening: socket.socket, make_protocol: Callable[[], asyncio.Protocol]) -> None:
        self._socket = listening
        self._make_protocol = make_protocol
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.TimerHandle | None = None
        self._connecting: set[asyncio.Task[Any]] = set()
        self._said_at = float("-inf")
        self._begin()

    def close(self) -> None:
        """Take no more connections; those that were taken stay."""
        if self._waiting is not None:
            self._waiting.cancel()
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    async def wait_closed(self) -> None:
        """Return at once: nothing is left to end."""

    def _begin(self) -> None:
        self._waiting = None
        self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._wait(error)
                return
            task = self._loop.create_task(self._loop.connect_accepted_socket(self._make_protocol, connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    def _wait(self, error: OSError) -> None:
        """Leave those who want to connect in the kernel's queue for a while."""
        now = self._loop.time()
        if now - self._said_at >= _SAY_S:
            self._said_at = now
            _log.warning("no connection can be taken: %s; tried again every %.0f s", error.strerror, _WAIT_S)
        self._loop.remove_reader(self._socket)
        self._waiting = self._loop.call_later(_WAIT_S, self._begin)
