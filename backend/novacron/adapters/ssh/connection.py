"""One SSH connection to one host: everything we do there goes through it."""

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import asyncssh

from novacron.adapters.ssh.faults import connect_fault
from novacron.adapters.ssh.way import connect
from novacron.model.errors import DeadlineExceeded, LinkError, LinkLost
from novacron.model.host import HostSpec

Handler = Callable[["ByteReader", "ByteWriter"], Awaitable[None]]
ByteReader = asyncssh.SSHReader[bytes]
ByteWriter = asyncssh.SSHWriter[bytes]


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
        """Run one command; its words reach the far shell quoted, each as one word."""
        try:
            async with asyncio.timeout(deadline_s):
                done = await self._run(shlex.join(argv), stdin)
        except TimeoutError as error:
            raise DeadlineExceeded(
                self._spec.id, f"`{argv[0]}` did not end within {deadline_s:g} s", "it is tried again by itself"
            ) from error
        except (asyncssh.Error, OSError) as error:
            raise LinkLost(self._spec.id, f"the connection broke: {error}", "it is made again by itself") from error
        if done.exit_status is None:
            # It never said how it ended. Taken for a command that failed, `test -e` would have found nothing.
            raise LinkLost(self._spec.id, f"the connection broke under `{argv[0]}`", "it is made again by itself")
        return SshResult(
            exit_status=done.exit_status,
            stdout=_bytes(done.stdout),
            stderr=_bytes(done.stderr),
        )

    async def _run(self, line: str, stdin: bytes) -> asyncssh.SSHCompletedProcess:
        process = await self._connection.create_process(line, input=stdin, encoding=None)
        try:
            return await process.wait()
        except BaseException:
            # Left alone it would go on there, and hold one of the ten sessions that sshd gives a connection.
            with suppress(OSError):
                process.kill()
            process.channel.abort()
            raise

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
        try:
            process = await self._connection.create_process(shlex.join(argv), encoding=None)
        except asyncssh.Error as error:
            raise ConnectionRefusedError(0, str(error)) from error
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


def _bytes(output: bytes | str | None) -> bytes:
    """asyncssh types output as either; without an encoding it is bytes."""
    return output.encode() if isinstance(output, str) else output or b""
