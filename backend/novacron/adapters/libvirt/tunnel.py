"""A local socket in front of a far one, whose bytes pass through our hands.

libvirt connects to a socket of ours; we carry its bytes to libvirtd. So a call that hangs can be ended from our side:
aborting the tunnel makes it return within a millisecond. Closing a listener would not.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from novacron.model.errors import NovaCronError

OpenFar = Callable[[], Awaitable[tuple[Any, Any]]]
"""Opens the far socket and returns a reader and a writer of bytes."""

_PIECE = 256 * 1024


class Tunnel:
    """One connection's way to libvirtd. `on_end` is called when either side ended it, not when it was aborted."""

    def __init__(self, open_far: OpenFar, on_end: Callable[[], None]) -> None:
        self._open_far = open_far
        self._on_end = on_end
        self._folder = ""
        self._server: asyncio.Server | None = None
        self._writers: list[Any] = []
        self._pumps: set[asyncio.Task[None]] = set()
        self._aborted = False
        self.refused_by: OSError | NovaCronError | None = None
        """Why the far socket could not be opened; None when it was, or was not tried yet."""

    async def listen(self) -> Path:
        """Start to listen; returns the socket's path. Nobody but us may enter its folder."""
        self._folder = tempfile.mkdtemp(prefix="novacron-")
        path = Path(self._folder) / "libvirt.sock"
        self._server = await asyncio.start_unix_server(self._accepted, str(path))
        return path

    def abort(self) -> None:
        """Break the connection at once, both ways."""
        self._aborted = True
        self._stop_listening()
        for writer in self._writers:
            abort_writer(writer)
        self._writers.clear()
        for task in self._pumps:
            task.cancel()

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        # libvirt connects once. From here on there is nothing that a killed backend would leave behind.
        self._stop_listening()
        try:
            far_reader, far_writer = await self._open_far()
        except (OSError, NovaCronError) as error:
            self.refused_by = error
            abort_writer(writer)
            return
        if self._aborted:
            abort_writer(far_writer)
            abort_writer(writer)
            return
        self._writers.append(far_writer)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.ensure_future(pump(source, sink))
            self._pumps.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._pumps.discard(task)
        take_end(task)
        if not self._aborted:
            self._on_end()


async def pump(reader: Any, writer: Any) -> None:  # noqa: ANN401 - asyncio's and asyncssh's streams alike
    """Carry bytes one way. The far end of them is told in its turn: what was written before it still arrives.

    Only this way ends then; the other may go on. A way that breaks ends both.
    """
    try:
        while data := await reader.read(_PIECE):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except (OSError, EOFError):
        abort_writer(writer)
    except BaseException:
        abort_writer(writer)
        raise


def take_end(task: "asyncio.Task[None]") -> None:
    """Take how a pump ended, or asyncio complains: that a connection broke is told by the calls that go over it."""
    if not task.cancelled():
        task.exception()


def abort_writer(writer: Any) -> None:  # noqa: ANN401 - asyncio's and asyncssh's writers alike
    """Break a connection both ways, at once; what it has not sent is lost."""
    with suppress(OSError, RuntimeError):
        channel = getattr(writer, "channel", None) or getattr(writer, "transport", None)
        if channel is not None and hasattr(channel, "abort"):
            channel.abort()
        else:
            writer.close()
