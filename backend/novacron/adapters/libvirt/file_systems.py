"""How full a host's file systems are: asked beside everything else, since whoever asks a dead file server hangs."""

import math
import time
from collections.abc import Awaitable, Callable
from typing import Final

from novacron.adapters.libvirt.access import RunResult
from novacron.adapters.libvirt.background_read import BackgroundRead
from novacron.adapters.libvirt.hanging import HUNG
from novacron.model.errors import DeadlineExceeded, NovaCronError

COMMAND: Final = ("df", "-P", "-k", "/", "/var/lib/libvirt", "/var/lib/libvirt/images")
_DEADLINE_S: Final = 10.0
_EVERY_S: Final = 10.0
"""How old an answer may be: disks fill slowly, and each question is several processes on the host."""
_WAIT_S: Final = 0.3
"""How long a reading waits for an answer; a late one is for the next reading."""


class FileSystems:
    """Keeps df's last word. One question is out at a time: those that hang cannot be killed."""

    def __init__(self, run: Callable[[tuple[str, ...], float], Awaitable[RunResult]]) -> None:
        """`run` is given a command and its deadline in seconds."""
        self._run = run
        self._asking = BackgroundRead("asking for file systems")
        self._hung = HUNG
        self._text = ""
        self._answered_s = -math.inf

    async def read(self) -> str:
        """Return df's output, at most some seconds old; empty while it is not known."""
        now_s = time.monotonic()
        if now_s - self._answered_s < _EVERY_S:
            return self._text
        if self._hung.is_due(now_s):
            self._asking.start(self._ask)
        await self._asking.wait(_WAIT_S)
        return self._text

    def abort(self) -> None:
        """Ask no more."""
        self._asking.cancel()

    async def _ask(self) -> None:
        try:
            done = await self._run(COMMAND, _DEADLINE_S)
        except DeadlineExceeded:
            self._hung = self._hung.failed(now_s=time.monotonic())
            self._text = ""
        except NovaCronError:
            return  # the way there broke, which the reading itself tells
        else:
            self._hung = HUNG
            self._text = done.stdout.decode(errors="replace")
            self._answered_s = time.monotonic()
