"""One SSH connection to one host: everything we do there goes through it."""

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncssh

from novacron.adapters.ssh.address import connection_options
from novacron.adapters.ssh.faults import connect_fault
from novacron.adapters.ssh.host_keys import key_fault
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


class _KeyWitness(asyncssh.SSHClient):
    """Keeps the key a host showed when it was not the known one, and trusts none."""

    def __init__(self) -> None:
        self.shown: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = key
        return False


class SshConnection:
    """An open connection. Every call raises LinkError when it broke."""

    def __init__(self, spec: HostSpec, connection: asyncssh.SSHClientConnection) -> None:
        self._spec = spec
        self._connection = connection

    @classmethod
    async def open(cls, spec: HostSpec, *, deadline_s: float) -> "SshConnection":
        """Connect as ssh would. Raises LinkError with the status for the host's row."""
        options = connection_options(spec)
        witness = _KeyWitness()
        try:
            async with asyncio.timeout(deadline_s):
                connection, _ = await asyncssh.create_connection(lambda: witness, options=options)
        except asyncssh.HostKeyNotVerifiable as error:
            raise key_fault(spec, options, witness.shown) from error
        except (asyncssh.Error, OSError) as error:
            raise connect_fault(spec, error) from error
        return cls(spec, connection)

    @property
    def user(self) -> str:
        """Who we are on the host."""
        return str(self._connection.get_extra_info("username") or "")

    async def run(self, argv: Sequence[str], *, deadline_s: float, stdin: bytes = b"") -> SshResult:
        """Run one command; its words reach the far shell quoted, each as one word."""
        try:
            async with asyncio.timeout(deadline_s):
                done = await self._connection.run(shlex.join(argv), input=stdin, encoding=None, check=False)
        except TimeoutError as error:
            raise DeadlineExceeded(
                self._spec.id, f"`{argv[0]}` did not end within {deadline_s:g} s", "it is tried again by itself"
            ) from error
        except (asyncssh.Error, OSError) as error:
            raise LinkLost(self._spec.id, f"the connection broke: {error}", "it is made again by itself") from error
        return SshResult(
            exit_status=done.exit_status if done.exit_status is not None else 255,
            stdout=_bytes(done.stdout),
            stderr=_bytes(done.stderr),
        )

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
        except asyncssh.Error as error:
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
