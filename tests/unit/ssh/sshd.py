"""The two ends of an ssh connection for tests: a server that can be made to say no, and the files of who connects."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncssh

from novacron.model.host import HostSpec
from novacron.model.ids import HostId

_FIRST = asyncio.FIRST_COMPLETED


class Home:
    """A person's ssh files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.config = folder / "config"
        self.known_hosts = folder / "known_hosts"
        identity = folder / "identity"
        self.key.write_private_key(identity)
        identity.chmod(0o600)
        self._identity = f"IdentityFile {identity}\nIdentitiesOnly yes\n"
        self.configure()

    def configure(self, *lines: str) -> None:
        """Write the ssh configuration anew: what is given comes first, and wins."""
        nowhere = self.folder / "no-such-file"
        files = f"UserKnownHostsFile {self.known_hosts}\nGlobalKnownHostsFile {nowhere}\n"
        self.config.write_text("\n".join((*lines, files, self._identity)), encoding="utf-8")

    def trust(self, sshd: "Sshd", key: asyncssh.SSHKey | None = None, marker: str = "") -> None:
        """Remember a key for a server: its own, or another."""
        line = (key or sshd.key).export_public_key().decode().strip()
        with self.known_hosts.open("a", encoding="utf-8") as file:
            file.write(f"{marker}[127.0.0.1]:{sshd.port} {line}\n")

    def spec(self, sshd: "Sshd | None" = None, *, ssh: str = "", socket: str = "") -> HostSpec:
        """Name a server as fleet.toml does."""
        address = ssh or f"ada@127.0.0.1:{sshd.port if sshd else 22}"
        return HostSpec(id=HostId("kvm-1"), ssh=address, ssh_config=str(self.config), socket=socket)


class Sshd:
    """An ssh server on loopback. Commands run in a real shell."""

    def __init__(self, key: asyncssh.SSHKey, trusted: asyncssh.SSHKey) -> None:
        self.key = key
        self.trusted = trusted
        self.certificate: asyncssh.SSHCertificate | None = None
        """Shown in place of the bare key; None: the bare key is."""
        self.port = 0
        self.forbids_sockets = 0
        """With which code it refuses to forward a socket; 0: it forwards."""
        self.path = os.environ["PATH"]
        """Where commands are looked for."""
        self.shell = "/bin/sh"
        """The user's login shell."""
        self.user_home = Path("/nonexistent")
        """Where the login shell's start-up files are."""
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        """Commands, as they begin."""
        self.ended: asyncio.Queue[str] = asyncio.Queue()
        """Commands, as they end."""
        self.terminals = 0
        """How many commands asked for a terminal."""
        self.connections: list[asyncssh.SSHServerConnection] = []
        self.offered: list[asyncssh.SSHKey] = []
        """Keys that somebody tried to enter with, in their order."""
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; on the same port as before, if there was one."""
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_factory=lambda: _Server(self),
            server_host_keys=[(self.key, self.certificate) if self.certificate else self.key],
            process_factory=self._start,
            encoding=None,
            allow_scp=False,
        )
        self.port = self._acceptor.get_port()

    async def stop(self) -> None:
        """Stop listening, drop who is connected, and return once no command of theirs runs."""
        if self._acceptor is not None:
            self._acceptor.close()
        for connection in self.connections:
            connection.abort()
        self.connections.clear()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _start(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        task = asyncio.ensure_future(self._run(process))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await task

    async def _run(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        command = process.command or "true"
        if process.term_type is not None:
            self.terminals += 1
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            self.shell,
            "-c",
            command,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env={"PATH": self.path, "HOME": str(self.user_home), "SSH_CLIENT": "127.0.0.1 1 22"},
            start_new_session=True,
        )
        self.begun.put_nowait(command)
        ways = (_carry(process.stdin, child.stdin), _carry(child.stdout, process.stdout))
        feeding, *output = map(asyncio.ensure_future, (*ways, _carry(child.stderr, process.stderr)))
        ended = asyncio.ensure_future(_all_of(child, output))
        closed = asyncio.ensure_future(process.channel.wait_closed())
        try:
            # As with sshd, a command whose channel goes is told so, and ends.
            await asyncio.wait({ended, closed}, return_when=_FIRST)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            for task in (feeding, *output, ended, closed):
                task.cancel()
            # First, or waiting never ends: asyncio hears of an end when all pipes are closed, and one that nobody reads
            # to its end is not. Also when this is cancelled: asyncio would close it after the loop, which is too late.
            child._transport.close()  # type: ignore[attr-defined]
            status = await child.wait()
        process.exit(status)
        self.ended.put_nowait(command)


class _Server(asyncssh.SSHServer):
    def __init__(self, sshd: Sshd) -> None:
        self._sshd = sshd

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._sshd.connections.append(conn)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self._sshd.offered.append(key)
        return username == "ada" and key == self._sshd.trusted.convert_to_public()

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return True

    def unix_connection_requested(self, dest_path: str) -> bool:
        if self._sshd.forbids_sockets:
            raise asyncssh.ChannelOpenError(self._sshd.forbids_sockets, "open failed")
        return True

    def unix_server_requested(self, listen_path: str) -> bool:
        return not self._sshd.forbids_sockets


async def _all_of(child: asyncio.subprocess.Process, output: "list[asyncio.Task[None]]") -> None:
    await asyncio.gather(*output, return_exceptions=True)
    await child.wait()


async def _carry(reader: Any, writer: Any) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        if not isinstance(writer, asyncssh.SSHWriter):  # the channel has one end, and two outputs: it ends by its exit
            writer.close()
    except (OSError, asyncssh.Error):
        return
