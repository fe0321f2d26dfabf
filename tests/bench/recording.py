"""A program on a real pty, everything it paints noted with the instant it came; what was on the screen when is worked
out afterwards, so that reading the screen costs the program under measurement nothing."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import threading
import time
from collections.abc import Mapping, Sequence

import pyte

_CHUNK = 65536


class Recording:
    """Runs `argv` on a pty until closed."""

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], columns: int = 120, rows: int = 36) -> None:
        self._size = columns, rows
        self._chunks: list[tuple[float, bytes]] = []
        self._came = threading.Condition()
        self._ended = False
        self.started_at = time.time()
        """Wall clock, as every instant here: it is the clock of virsh's own time stamps."""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvpe(argv[0], list(argv), {**env, "TERM": "xterm-256color"})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._fd, keys.encode())

    def seen_at(self, *texts: str, since: float = 0.0, timeout_s: float = 90.0) -> float:
        """Wait until one line of the screen has all the texts; return when it was painted.

        `since` leaves out screens that were complete before that instant. Raises AssertionError with the screen.
        """
        screen = pyte.Screen(*self._size)
        stream = pyte.ByteStream(screen)
        deadline = time.monotonic() + timeout_s
        taken = 0
        while True:
            with self._came:
                if taken == len(self._chunks) and not self._ended:
                    self._came.wait(0.1)
                fresh = self._chunks[taken:]
            for at, data in fresh:
                stream.feed(data)
                if at >= since and any(all(text in line for text in texts) for line in screen.display):
                    return at
            taken += len(fresh)
            if time.monotonic() > deadline or (self._ended and taken == len(self._chunks)):
                shown = "\n".join(line.rstrip() for line in screen.display)
                raise AssertionError(f"never saw {texts}; the screen was:\n{shown}")

    def bytes_between(self, begin: float, end: float) -> int:
        """How much was painted in that time."""
        with self._came:
            return sum(len(data) for at, data in self._chunks if begin <= at < end)

    def painted_since(self, begin: float) -> list[float]:
        """Return the instants since then at which something was painted."""
        with self._came:
            return [at for at, _ in self._chunks if at >= begin]

    def close(self) -> None:
        """End the program and give the pty back."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        self._reader.join(10)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        os.close(self._fd)

    def _read(self) -> None:
        while True:
            select.select([self._fd], [], [])
            try:
                data = os.read(self._fd, _CHUNK)
            except OSError:  # the program has closed its side
                data = b""
            with self._came:
                if data:
                    self._chunks.append((time.time(), data))
                else:
                    self._ended = True
                self._came.notify_all()
            if not data:
                return
