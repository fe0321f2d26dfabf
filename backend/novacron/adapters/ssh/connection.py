"""One SSH connection to one host: everything we do there goes through it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncssh

from novacron.adapters.ssh.connecting import connect
from novacron.adapters.ssh.faults import (
    MAX_SESSIONS_REMEDY,
    connect_fault,
    no_session_fault,
    no_shell_fault,
    session_limit,
)
from novacron.adapters.ssh.remote_command import (
    MarkedOutput,
    RemoteCommand,
    TooMuchOutputError,
    read_marked,
    skip_noise,
)
from novacron.adapters.ssh.sessions import NoSessionFreeError, Process, Sessions
from novacron.model.errors import DeadlineExceeded, LinkError, LinkLost, OperationError
from novacron.model.host import HostSpec

Handler = Callable[["ByteReader", "ByteWriter"], Awaitable[None]]
ByteReader = asyncssh.SSHReader[bytes]
ByteWriter = asyncssh.SSHWriter[bytes]

_log = logging.getLogger("novacron.ssh")
_MOST_CONNECTIONS = 4
"""To one host, for what lasts, where its sshd gives a connection few sessions; commands may have one more."""
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
        self._sessions = [Sessions(connection)]
        """Of this connection, and of others that were made because this one had none free."""
        self._adding = asyncio.Lock()
        self._limit_logged = False
        self._is_aborted = False

    @classmethod
    async def open(cls, spec: HostSpec, *, deadline_s: float) -> "SshConnection":
        """Connect as ssh would. Raises LinkError with the status for the host's row."""
        _log.debug("connecting", extra={"host": spec.id})
        try:
            async with asyncio.timeout(deadline_s):
                connection = cls(spec, await connect(spec))
        except TimeoutError as error:
            _log.debug("deadline ended connecting", extra={"host": spec.id, "deadline_s": deadline_s})
            raise connect_fault(spec, error) from error
        except LinkError as error:
            _log.debug("not connected", extra={"host": spec.id, "status": error.status, "detail": error.detail})
            raise
        _log.info("connected", extra={"host": spec.id, "user": connection.user})
        return connection

    @property
    def user(self) -> str:
        """Who we are on the host."""
        return str(self._connection.get_extra_info("username") or "")

    @property
    def limits(self) -> tuple[str, ...]:
        """What makes work there wait although the connection is well, each with what to do."""
        most = self._most_sessions
        return (session_limit(most),) if most is not None else ()

    async def run(self, argv: Sequence[str], *, deadline_s: float, stdin: bytes = b"") -> SshResult:
        """Run one command, each word of it as it is, whatever the login shell is and prints beside.

        Raises LinkError with status NO_PERMISSION where the login shell runs no commands.
        """
        command = RemoteCommand.of(argv)
        try:
            async with asyncio.timeout(deadline_s):
                stdout, stderr = await self._run(command, stdin, deadline_s)
        except TimeoutError as error:
            fields = {"host": self._spec.id, "command": argv[0], "deadline_s": deadline_s}
            _log.warning("deadline ended a command", extra=fields)
            limits = "".join(f"; {limit}" for limit in self.limits)
            raise DeadlineExceeded(
                self._spec.id, f"`{argv[0]}` did not end within {deadline_s:g} s{limits}", "it is tried again by itself"
            ) from error
        except (asyncssh.Error, OSError) as error:
            fields = {"host": self._spec.id, "command": argv[0], "error": str(error)}
            _log.info("connection broke under a command", extra=fields)
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

    async def _run(self, command: RemoteCommand, stdin: bytes, deadline_s: float) -> tuple[MarkedOutput, MarkedOutput]:
        sessions, process = await self._open_session(command.line(deadline_s), lasts=False)
        try:
            if stdin:
                process.stdin.write(stdin)
            process.stdin.write_eof()
            stdout, stderr = await asyncio.gather(
                read_marked(process.stdout.read, command, with_status=True),
                read_marked(process.stderr.read, command, with_status=False),
            )
            if not stdout.ended:
                await process.wait_closed()
                if not stdout.begun and process.exit_status is not None:
                    raise no_shell_fault(self._spec, self.user, command.argv[0], stdout.noise or stderr.noise)
        except BaseException:
            # Left alone it would go on there, and hold one of the ten sessions that sshd gives a connection.
            sessions.end(process)
            raise
        sessions.leave(process)
        return stdout, stderr

    async def _open_session(self, line: str, *, lasts: bool) -> tuple[Sessions, Process]:
        """Run a command line, over a connection more where sshd gives those we have no session that will be free."""
        most = _MOST_CONNECTIONS if lasts else _MOST_CONNECTIONS + 1
        while True:
            for sessions in self._sessions[:most]:
                if sessions is not self._sessions[0] and sessions.connection.is_closed():
                    # Another task may have found it closed while this one waited for a session.
                    if sessions in self._sessions:
                        self._sessions.remove(sessions)
                    continue
                try:
                    return sessions, await sessions.open(line, lasts=lasts)
                except NoSessionFreeError:
                    continue
                finally:
                    self._log_limit()
            await self._add_connection(len(self._sessions), most)

    async def _add_connection(self, known: int, most: int) -> None:
        async with self._adding:
            if len(self._sessions) > known:
                return  # somebody else has just added one
            if self._sessions[-1].opened_none:
                raise no_session_fault(self._spec)
            if known >= most:
                raise OperationError(self._spec.id, "every session that its sshd allows is taken", MAX_SESSIONS_REMEDY)
            try:
                connection = await connect(self._spec)
            except LinkError as error:
                detail = f"its sshd refuses one more session, and one more connection: {error.detail}"
                raise OperationError(self._spec.id, detail, MAX_SESSIONS_REMEDY) from error
            if self._is_aborted:
                connection.abort()
                raise LinkLost(self._spec.id, "the connection was dropped", "it is made again by itself")
            self._sessions.append(Sessions(connection, self._most_sessions))

    @property
    def _most_sessions(self) -> int | None:
        return min((sessions.most for sessions in self._sessions if sessions.most is not None), default=None)

    def _log_limit(self) -> None:
        if not self._limit_logged and self.limits:
            self._limit_logged = True
            _log.warning("sshd limits sessions", extra={"host": self._spec.id, "limits": self.limits})

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
            async with asyncio.timeout(_HELPER_BEGINS_S):
                sessions, process = await self._open_session(command.stream_line(), lasts=True)
        except (asyncssh.Error, OperationError, TimeoutError) as error:
            raise ConnectionRefusedError(0, str(error)) from error
        try:
            async with asyncio.timeout(_HELPER_BEGINS_S):
                said = await skip_noise(process.stdout.read, command)
        except BaseException as error:
            sessions.end(process)
            if isinstance(error, asyncssh.Error | TimeoutError | TooMuchOutputError):
                raise ConnectionRefusedError(0, f"`{argv[0]}` did not begin") from error
            raise
        if said is not None:
            sessions.end(process)
            raise no_shell_fault(self._spec, self.user, argv[0], said)
        return process.stdout, process.stdin

    async def open_spare(self, argv: Sequence[str], *, give_way: Callable[[], None]) -> Process | None:
        """Run a command that stays, in a session that nobody else needs; None where sshd gives only few.

        `give_way` has to end it: it is called when sshd refuses somebody else a session.
        """
        sessions = self._sessions[0]
        if self.limits:
            return None
        command = RemoteCommand.of(argv)
        try:
            process = await sessions.open(command.stream_line(), lasts=False)
        except NoSessionFreeError:
            return None
        try:
            said = await skip_noise(process.stdout.read, command)
        except TooMuchOutputError:
            said = b""
        except BaseException:
            sessions.end(process)
            raise
        if said is not None:
            sessions.leave(process)
            return None
        sessions.giving_way.append(give_way)
        if self.limits:
            give_way()
        return process

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
        self._is_aborted = True
        for sessions in self._sessions:
            sessions.abort()
