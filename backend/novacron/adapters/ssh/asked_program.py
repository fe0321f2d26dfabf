"""A program that stays on the host and answers each question with a few lines: no process is started for an answer."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from typing import Final

import asyncssh

from novacron.adapters.ssh.connection import SshConnection
from novacron.adapters.ssh.sessions import Process
from novacron.model.errors import DeadlineExceeded, LinkError
from novacron.model.host import HostSpec
from novacron.model.work.backoff import Backoff

_NOT_THERE: Final = Backoff(first_s=60.0, most_s=3600.0)
"""How long a host that runs no such program is left alone; it is asked by commands until then."""


class AskedProgram:
    """One program on one host, started with the first question and again when it has ended.

    It gives its session up for good where sshd refuses one to somebody else.
    """

    def __init__(self, spec: HostSpec, connection: SshConnection, argv: Sequence[str]) -> None:
        """`argv` is given one word more, and has to print that word on a line of its own after each answer."""
        self._spec = spec
        self._connection = connection
        self._end = f"novacron-answered-{secrets.token_hex(16)}"
        self._argv = (*argv, self._end)
        self._process: Process | None = None
        self._one_by_one = asyncio.Lock()
        self._backoff = _NOT_THERE
        self._gave_way = False

    async def ask(self, *, deadline_s: float) -> bytes | None:
        """Return what it answers; None where it cannot be asked, and a command has to tell instead.

        Raises:
            DeadlineExceeded: it did not answer in time. It is ended, and started again for the next question.
        """
        async with self._one_by_one:
            try:
                async with asyncio.timeout(deadline_s):
                    return await self._ask()
            except TimeoutError as error:
                raise DeadlineExceeded(
                    self._spec.id, f"its condition was not told within {deadline_s:g} s", "it is tried again by itself"
                ) from error

    def give_way(self) -> None:
        """End it, and start it no more: others need its session."""
        self._gave_way = True
        self._drop()

    async def _ask(self) -> bytes | None:
        process = self._process or await self._start()
        if process is None:
            return None
        try:
            process.stdin.write(b"\n")
            answer = await process.stdout.readuntil(f"{self._end}\n".encode())
        except (asyncio.IncompleteReadError, asyncssh.Error, OSError):
            self._failed()
            return None
        except BaseException:
            # Whoever asked has gone: the answer would be taken for that to the next question.
            self._drop()
            raise
        self._backoff = self._backoff.succeeded()
        return answer[: answer.rindex(self._end.encode())]

    async def _start(self) -> Process | None:
        if self._gave_way or not self._backoff.is_due(time.monotonic()):
            return None
        try:
            process = await self._connection.open_spare(self._argv, give_way=self.give_way)
        except (LinkError, asyncssh.Error, OSError):
            process = None
        if process is None:
            self._failed()
        elif self._gave_way:
            process.channel.abort()
            return None
        self._process = process
        return process

    def _failed(self) -> None:
        self._drop()
        self._backoff = self._backoff.failed(now_s=time.monotonic())

    def _drop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.channel.abort()
