"""One SSH connection to one host: everything we do there goes through it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import asyncssh

from novacron.adapters.ssh.faults import connect_fault, no_shell_fault
from novacron.adapters.ssh.remote_command import (
    MarkedOutput,
    RemoteCommand,
    TooMuchOutputError,
    read_marked,
    skip_noise,
)
from novacron.adapters.ssh.way import connect
from novacron.model.errors import DeadlineExceeded, LinkError, LinkLost
from novacron.model.host import HostSpec

Handler = Callable[["ByteReader", "ByteWriter"], Awaitable[None]]
ByteReader = asyncssh.SSHReader[bytes]
ByteWriter = asyncssh.SSHWriter[bytes]

_HELPER_BEGINS_S = 10.0
"""How long a login shell may take before it runs a helper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshResult:
    """How a command on the host ended."""

    exit_status: int
    stdout: bytes
    stderr: bytes


class SshConnection:
    """An open connection. Every call raises LinkError when it broke."""

    def __init__(self, spec: HostSpec, connection: asyncssh.SSHClientConnection) -> None:
        self._spec = spec
        self._connection = connection

    @classmethod
    async def open(cls, spec: HostSpec, *, deadline_s: float) -> "SshConnection":
        """Connect as ssh would. Raises LinkError with the status for the host's row."""
        try:
            async with asyncio.timeout(deadline_s):
                return cls(spec, await connect(spec))
        except TimeoutError as error:
            raise connect_fault(spec, error) from error

    @property
    def user(self) -> str:
        """Who we are on the host."""
        return str(self._connection.get_extra_info("username") or "")

    async def run(self, argv: Sequence[str], *, deadline_s: float, stdin: bytes = b"") -> SshResult:
        """Run one command, each word of it as it is, whatever the login shell is and prints beside.

        Raises LinkError with status NO_PERMISSION where the login shell runs no commands.
        """
        command = RemoteCommand.of(argv)
        try:
            async with asyncio.timeout(deadline_s):
                stdout, stderr = await self._run(command, stdin)
        except TimeoutError as error:
            raise DeadlineExceeded(
                self._spec.id, f"`{argv[0]}` did not end within {deadline_s:g} s", "it is tried again by itself"
            ) from error
        except (asyncssh.Error, OSError) as error:
            raise LinkLost(self._spec.id, f"the connection broke: {error}", "it is made again by itself") from error
        except TooMuchOutputError as error:
            raise LinkError(
                self._spec.id,
                f"`{argv[0]}` printed more than can be read",
                f"what do the start-up files of {self.user}'s shell print there?",
            ) from error
        if stdout.exit_status is None:
            # It never said how it ended. Taken for a command that failed, `test -e` would have found nothing.
            raise LinkLost(self._spec.id, f"the connection broke under `{argv[0]}`", "it is made again by itself")
        return SshResult(exit_status=stdout.exit_status, stdout=stdout.output, stderr=stderr.output)

    async def _run(self, command: RemoteCommand, stdin: bytes) -> tuple[MarkedOutput, MarkedOutput]:
        process = await self._start(command.line())
        try:
            if stdin:
                process.stdin.write(stdin)
            process.stdin.write_eof()
            stdout, stderr = await asyncio.gather(
                read_marked(process.stdout.read, command, with_status=True),
                read_marked(process.stderr.read, command, with_status=False),
            )
            if not stdout.ended:
                # Nothing of ours, and how it ended is told: the shell has answered, and it was no.
                await process.wait_closed()
                if not stdout.begun and process.exit_status is not None:
                    raise no_shell_fault(self._spec, self.user, command.argv[0], stdout.noise or stderr.noise)
            return stdout, stderr
        except BaseException:
            # Left alone it would go on there, and hold one of the ten sessions that sshd gives a connection.
            with suppress(OSError):
                process.kill()
            raise
        finally:
            process.channel.abort()

    async def _start(self, line: str) -> "asyncssh.SSHClientProcess[bytes]":
        # A terminal would change the bytes, and X11 has no business here, whatever the ssh configuration wants.
        return await self._connection.create_process(line, encoding=None, request_pty=False, x11_forwarding=False)

    async def open_socket(self, path: str) -> tuple[ByteReader, ByteWriter]:
        """Connect to a unix socket on the host. Raises OSError with the far side's reason."""
        try:
            return await self._connection.open_unix_connection(path, encoding=None)
        except asyncssh.ChannelOpenError as error:
            raise ConnectionRefusedError(error.code, error.reason or "refused") from error
        except asyncssh.Error as error:
            raise LinkLost(self._spec.id, f"the connection broke: {error}", "it is made again by itself") from error

    async def open_helper(self, argv: Sequence[str]) -> tuple[ByteReader, ByteWriter]:
        """Run a command on the host and return its output and input, for hosts that forbid socket forwarding."""
        command = RemoteCommand.of(argv)
        try:
            process = await self._start(command.stream_line())
        except asyncssh.Error as error:
            raise ConnectionRefusedError(0, str(error)) from error
        try:
            async with asyncio.timeout(_HELPER_BEGINS_S):
                said = await skip_noise(process.stdout.read, command)
        except BaseException as error:
            process.channel.abort()
            if isinstance(error, asyncssh.Error | TimeoutError | TooMuchOutputError):
                raise ConnectionRefusedError(0, f"`{argv[0]}` did not begin") from error
            raise
        if said is not None:
            process.channel.abort()
            raise no_shell_fault(self._spec, self.user, argv[0], said)
        return process.stdout, process.stdin

    async def listen_socket(self, path: str, handler: Handler) -> Callable[[], None]:
        """Listen on a unix socket on the host; each connection goes to `handler`. Returns what ends it."""
        try:
            listener = await self._connection.start_unix_server(lambda: handler, path, encoding=None)
        except (asyncssh.Error, asyncssh.ChannelListenError) as error:
            raise LinkError(
                self._spec.id,
                f"its sshd will not listen on {path}: {error}",
                "AllowStreamLocalForwarding must permit it there",
            ) from error
        return listener.close

    def abort(self) -> None:
        """Drop it at once; never waits for the far side."""
        self._connection.abort()
