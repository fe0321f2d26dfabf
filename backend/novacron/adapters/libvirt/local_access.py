"""Hosts without ssh: this machine, and whatever libvirt reaches by a URI alone."""

import asyncio
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from novacron.adapters.libvirt.access import SOCKET_NAMES, RunResult, SocketHandler, no_shell
from novacron.adapters.libvirt.channel import Channel
from novacron.adapters.libvirt.file_systems import FileSystems
from novacron.adapters.libvirt.local_load import local_load
from novacron.adapters.ssh.local_program import run_program
from novacron.model.errors import DeadlineExceeded, OperationError
from novacron.model.host import HostLoad, HostSpec

_SYSTEM_FOLDER = "/run/libvirt"


class UriAccess:
    """access.HostAccess for a libvirt URI that says nothing more: TLS, TCP, test:///."""

    has_shell = False
    limits: tuple[str, ...] = ()

    def __init__(self, spec: HostSpec) -> None:
        self.spec = spec

    async def open_channel(self, *, deadline_s: float) -> Channel:
        """Open another libvirt connection."""
        return await Channel.open(self.spec.id, self.spec.uri, None, deadline_s=deadline_s)

    async def run(self, argv: Sequence[str], *, deadline_s: float, stdin: bytes = b"") -> RunResult:
        """There is no shell: always OperationError."""
        raise no_shell(self.spec)

    async def open_socket(self, path: str) -> tuple[Any, Any]:
        """There is no way to one: always OperationError."""
        raise no_shell(self.spec)

    async def listen_socket(self, path: str, handler: SocketHandler) -> Callable[[], None]:
        """There is no way to one: always OperationError."""
        raise no_shell(self.spec)

    async def host_load(self, *, deadline_s: float) -> HostLoad:
        """libvirt alone does not tell."""
        return HostLoad()

    def abort(self) -> None:
        """Channels are aborted by their owners."""


class LocalAccess(UriAccess):
    """This machine's own libvirt, through its socket: a stuck call can be ended here too."""

    has_shell = True

    def __init__(self, spec: HostSpec) -> None:
        super().__init__(spec)
        self._file_systems = FileSystems(lambda argv, deadline_s: self.run(argv, deadline_s=deadline_s))

    async def open_channel(self, *, deadline_s: float) -> Channel:
        """Open another libvirt connection."""
        paths = self._sockets()
        if not paths:
            return await super().open_channel(deadline_s=deadline_s)
        uri = f"qemu+unix:///{'session' if self.spec.uri.endswith('session') else 'system'}"
        return await Channel.open(self.spec.id, uri, partial(_open_first, paths), deadline_s=deadline_s)

    async def run(self, argv: Sequence[str], *, deadline_s: float, stdin: bytes = b"") -> RunResult:
        """Run a command here."""
        try:
            async with asyncio.timeout(deadline_s):
                status, stdout, stderr = await run_program(argv, stdin=stdin)
        except TimeoutError as error:
            raise DeadlineExceeded(
                self.spec.id, f"`{argv[0]}` did not end within {deadline_s:g} s", "it is tried again by itself"
            ) from error
        except OSError as error:
            raise OperationError(
                self.spec.id, f"`{argv[0]}` cannot be run: {error.strerror}", "is it installed?"
            ) from error
        return RunResult(exit_status=status, stdout=stdout, stderr=stderr)

    async def open_socket(self, path: str) -> tuple[Any, Any]:
        """Connect to a unix socket here."""
        return await asyncio.open_unix_connection(path)

    async def listen_socket(self, path: str, handler: SocketHandler) -> Callable[[], None]:
        """Listen on a unix socket here."""
        server = await asyncio.start_unix_server(handler, path)
        return server.close

    async def host_load(self, *, deadline_s: float) -> HostLoad:
        """Ask the kernel, through psutil, and df."""
        return local_load(await self._file_systems.read())

    def abort(self) -> None:
        """Ask no more; channels are aborted by their owners."""
        self._file_systems.abort()

    def _sockets(self) -> tuple[str, ...]:
        """Return the sockets that libvirt may have; none where libvirt starts a session's daemon itself."""
        if self.spec.socket:
            return (self.spec.socket,)
        folder = _SYSTEM_FOLDER
        if self.spec.uri.endswith("session"):
            runtime = os.environ.get("XDG_RUNTIME_DIR", "")
            if not runtime:
                return ()
            folder = f"{runtime}/libvirt"
        return tuple(path for name in SOCKET_NAMES if Path(path := f"{folder}/{name}").is_socket())


async def _open_first(paths: Sequence[str]) -> tuple[Any, Any]:
    """Connect to the first socket on which somebody answers: a daemon that died leaves its own behind.

    Raises: OSError of the socket that told most: one that is open to others only has somebody behind it.
    """
    refusals: list[OSError] = []
    for path in paths:
        try:
            return await asyncio.open_unix_connection(path)
        except OSError as error:
            refusals.append(error)
    raise next((error for error in refusals if isinstance(error, PermissionError)), refusals[0])
