"""How many sessions one ssh connection may have at once: learned where sshd refuses one more, and kept to from then on.

A refused session says nothing about the connection: sshd counts sessions (MaxSessions), and forwarded sockets go on.
"""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext, suppress

import asyncssh

Process = asyncssh.SSHClientProcess[bytes]

_END_S = 1.0
"""How long a session whose command has ended may take to close; what a login shell left running keeps it open."""


class NoSessionFreeError(Exception):
    """No session of this connection is free, and none will be soon."""


class Sessions:
    """The sessions of one connection. Whoever finds all taken waits until one ends."""

    def __init__(self, connection: asyncssh.SSHClientConnection, most: int | None = None) -> None:
        """`most` is what was learned elsewhere; None: nobody was refused yet."""
        self.connection = connection
        self.most = most
        """The number that sshd allows at once; None while nobody was refused."""
        self.opened_none = True
        """Whether no session was opened yet."""
        self.giving_way: list[Callable[[], None]] = []
        """What ends the sessions that others go before; called at the first refusal."""
        self._open = 0
        self._lasting: set[Process] = set()
        """Sessions whose end nobody waits for."""
        self._asking = 0
        """Sessions asked for, and neither opened nor refused yet."""
        self._ends = 0
        """How many sessions have ended so far."""
        self._ends_when_asked = 0
        """How many had ended when a session was last asked for."""
        self._changed = asyncio.Event()
        self._one_by_one: asyncio.Lock | None = None
        """Since the first refusal: only a refusal while nothing else changes tells the limit."""
        self._watching: set[asyncio.Task[None]] = set()

    async def open(self, line: str, *, lasts: bool) -> Process:
        """Run a command line in a session; one that `lasts` leaves the last session to those that end by themselves.

        Raises: NoSessionFreeError where only the end of one that lasts, or of one we know nothing of, would help.
        asyncssh.Error where the connection broke.
        """
        while True:
            lock = self._one_by_one
            async with lock or nullcontext():
                await self._wait_for_room(lasts)
                process = await self._ask(line)
                if process is not None:
                    self._note_opened(process, lasts)
                    return process
            while self._asking:
                await self._changed.wait()

    def leave(self, process: Process) -> None:
        """Let a session end by itself, which frees it there; end it if it does not."""

        async def end() -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_S):
                    await process.channel.wait_closed()
            process.channel.abort()

        self._keep(asyncio.ensure_future(end()))

    def end(self, process: Process) -> None:
        """End a session whose command has not ended.

        sshd frees it when its processes are gone, which nobody can force: as root OpenSSH passes on no signal, and who
        hangs on a dead file server cannot be killed.
        """
        with suppress(OSError):
            process.kill()
        process.channel.abort()
        self._lasting.add(process)
        self._tell_waiting()

    def abort(self) -> None:
        """Drop the connection at once."""
        for task in self._watching:
            task.cancel()
        self.connection.abort()

    async def _ask(self, line: str) -> Process | None:
        """Ask for one session; None when it was refused and another attempt is worth while."""
        state = (self._open, self._ends)
        # sshd counts a session that has ended until it has seen to everything that came with our last word on it.
        is_telling = self._asking == 0 and self._ends == self._ends_when_asked
        self._asking += 1
        self._ends_when_asked = self._ends
        try:
            return await self._create(line)
        except asyncssh.ChannelOpenError:
            if self.connection.is_closed():
                raise
            self._have_given_way()
            if is_telling and self._asking == 1 and state == (self._open, self._ends):
                if self._open == 0:
                    raise NoSessionFreeError from None
                self.most = self._open
            elif self._one_by_one is None:
                self._one_by_one = asyncio.Lock()
            return None
        finally:
            self._asking -= 1
            self._tell_waiting()

    async def _create(self, line: str) -> Process:
        """Open a session. One that opens when nobody waits any more is ended, or sshd would go on counting it."""
        # A terminal would change the bytes, and X11 has no business here, whatever the configuration wants.
        opening = asyncio.ensure_future(
            self.connection.create_process(line, encoding=None, request_pty=False, x11_forwarding=False)
        )
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(self._end_late)
            raise

    def _end_late(self, opening: "asyncio.Future[Process]") -> None:
        if not opening.cancelled() and opening.exception() is None:
            process = opening.result()
            self._note_opened(process, lasts=True)
            self.end(process)

    async def _wait_for_room(self, lasts: bool) -> None:
        while self.most is not None:
            lasting = len(self._lasting)
            never = lasting + 1 >= self.most if lasts and lasting else lasting >= self.most
            if never:
                raise NoSessionFreeError
            if self._open + self._asking < self.most:
                return
            await self._changed.wait()

    def _note_opened(self, process: Process, lasts: bool) -> None:
        async def note_end() -> None:
            await process.channel.wait_closed()
            self._open -= 1
            self._ends += 1
            self._lasting.discard(process)
            self._tell_waiting()

        self.opened_none = False
        self._open += 1
        if lasts:
            self._lasting.add(process)
        self._keep(asyncio.ensure_future(note_end()))

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    def _have_given_way(self) -> None:
        giving_way, self.giving_way = self.giving_way, []
        for give_way in giving_way:
            give_way()

    def _tell_waiting(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
