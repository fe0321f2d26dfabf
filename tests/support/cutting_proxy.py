"""A way to a PostgreSQL server that breaks in the middle of a commit: before it is made, or before its answer."""

import asyncio
from contextlib import suppress
from enum import Enum
from pathlib import Path


class Cut(Enum):
    """Where the connection breaks at the next COMMIT."""

    NEVER = "never"
    BEFORE = "before the server hears of it"
    AFTER = "after the server has made it, before we hear of it"
    SILENT = "after the server has made it, and nothing says that the connection broke"


class CuttingProxy:
    """Listens on a socket like the server's, and carries all bytes but those that it is told to lose."""

    def __init__(self, server: Path, folder: Path) -> None:
        self._server = server / ".s.PGSQL.5432"
        self._socket = folder / ".s.PGSQL.5432"
        self._listener: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.cut = Cut.NEVER
        self.lets_in = True

    async def start(self) -> None:
        """Listen."""
        self._listener = await asyncio.start_unix_server(self._carry, self._socket)

    async def stop(self) -> None:
        """Let go of everything."""
        assert self._listener is not None
        self._listener.close()
        for writer in self._open:
            writer.transport.abort()

    async def _carry(self, ours: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if not self.lets_in:
            back.transport.abort()
            return
        theirs, there = await asyncio.open_unix_connection(self._server)
        self._open |= {back, there}
        answers = asyncio.create_task(self._answers(theirs, back))
        with suppress(ConnectionError):
            while data := await ours.read(65536):
                if b"COMMIT" in data and self.cut is not Cut.NEVER:
                    cut, self.cut = self.cut, Cut.NEVER
                    answers.cancel()
                    await asyncio.gather(answers, return_exceptions=True)
                    if cut is not Cut.BEFORE:
                        there.write(data)
                        await theirs.readuntil(b"COMMIT")
                    if cut is not Cut.SILENT:
                        break
                    continue
                there.write(data)
        answers.cancel()
        for writer in (back, there):
            writer.transport.abort()
            self._open.discard(writer)

    async def _answers(self, theirs: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await theirs.read(65536):
                back.write(data)
