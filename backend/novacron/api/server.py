"""Serving on a unix socket that only its owner can use."""

import asyncio
import os
import pwd
import resource
import socket
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from novacron.api.app import create_app
from novacron.api.listener import Listener
from novacron.api.peer import peer_of
from novacron.model.errors import BackendError, NovaCronError
from novacron.ports.backend import Backend

_MOST_CONNECTIONS = 4000
"""A thousand consoles, as many scripts, and as much again while they come back after a restart."""
_BACKLOG = 4096
"""Connections that wait to be taken: with as many more, a client would be refused by the kernel."""
_WEBSOCKETS_SHARE = 0.6
"""Of the connections: the rest is for requests, such as the one that acts."""
_REQUEST_S = 10.0
"""How long a request may be on its way: from the connection, or its first byte, to the last one of its body."""
_TURNED_AWAY = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_MOST_MESSAGE_BYTES = 1 << 20
"""Of a message that a client sends: what is typed into a serial console, or pasted."""
_PARTING_S = 2
_PING_S = 10.0
_LOOK_S = 5.0
"""How often the server looks whether its socket is still where clients look for it."""


class _PeerProtocol(H11Protocol):
    """HTTP for the socket's owner and root alone, with the user's name as the client's address."""

    _request_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _, uid = peer_of(transport.get_extra_info("socket"))
        if uid not in (os.geteuid(), 0):
            transport.abort()
            return
        if self.limit_concurrency is not None and len(self.connections) > self.limit_concurrency:
            # uvicorn's own limit is one of requests: connections without any would use up every descriptor.
            transport.write(_TURNED_AWAY)
            transport.close()
            return
        self.client = (_user_name(uid), 0)
        self._await_request()

    def data_received(self, data: bytes) -> None:
        """Take bytes. Those of a request that comes in drops do not prolong its time."""
        super().data_received(data)
        is_ours = self.transport.get_protocol() is self
        if is_ours and self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._await_request()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_waiting()

    def _await_request(self) -> None:
        # The server's own patience is with an idle connection after an answer, and any byte ends it.
        if self._request_due is None:
            self._request_due = self.loop.call_later(_REQUEST_S, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._request_due is not None:
            self._request_due.cancel()
            self._request_due = None


class _LivingPeers(WebSocketsSansIOProtocol):
    """WebSockets with the user's name as the client's address, let go once the client no longer answers pings."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take over a connection that asked for the WebSocket protocol; HTTP has checked whose it is."""
        super().connection_made(transport)
        _, uid = peer_of(transport.get_extra_info("socket"))
        self.client = (_user_name(uid), 0)

    def keepalive_timeout(self) -> None:
        """Cut the connection: closing it would first wait until the client has read what is on its way to it."""
        super().keepalive_timeout()
        self.transport.abort()


Keep = Callable[[str, Callable[[], Awaitable[None]]], "asyncio.Future[None]"]
"""Runs a task of a name until it is cancelled."""


class ApiServer:
    """Serves one backend until asked to stop.

    `make_folder` makes the socket's folder again where somebody has removed it, or raises why it cannot. `keep` runs
    what goes on beside serving.
    """

    def __init__(
        self,
        backend: Backend,
        path: Path,
        make_folder: Callable[[], None] = lambda: None,
        keep: Keep = lambda name, run: asyncio.ensure_future(run()),
    ) -> None:
        self._keep = keep
        self._path = path
        self._make_folder = make_folder
        most = most_connections()
        config = uvicorn.Config(
            create_app(backend, most_websockets=int(most * _WEBSOCKETS_SHARE)),
            http=_PeerProtocol,
            ws=_LivingPeers,
            log_config=None,
            access_log=False,
            lifespan="off",
            # The peer's name stands where an address would: no header may replace it.
            proxy_headers=False,
            server_header=False,
            date_header=False,
            limit_concurrency=most,
            # A request may be waiting for a sick host: it is cut off, and the operation goes on in the journal.
            timeout_graceful_shutdown=_PARTING_S,
            ws_ping_interval=_PING_S,
            ws_ping_timeout=2 * _PING_S,
            ws_max_size=_MOST_MESSAGE_BYTES,
            ws_per_message_deflate=False,
        )
        self._server = _QuietServer(config)

    async def serve(self, on_listening: Callable[[], None] = lambda: None) -> None:
        """Listen and serve; returns soon after `stop`.

        Raises:
            BackendError: the socket cannot be made.
        """
        listener = _bind(self._path)
        inode = _inode(self._path)
        keeper = self._keep("keeping the socket", lambda: self._stay_reachable(inode))
        try:
            # From here on a client is answered: the kernel queues it until the server takes it.
            on_listening()
            await self._server.serve(sockets=[listener])
        finally:
            keeper.cancel()
            listener.close()
            with suppress(FileNotFoundError):
                self._path.unlink()

    def stop(self) -> None:
        """Stop serving soon."""
        self._server.should_exit = True

    async def _stay_reachable(self, inode: int) -> None:
        """Listen anew where the socket was removed: the lock keeps every other backend from taking our place."""
        while True:
            await asyncio.sleep(_LOOK_S)
            if _inode(self._path) == inode or not self._server.started:
                continue
            # What keeps it from being made may go away: until then those who are attached are served.
            with suppress(NovaCronError):
                self._make_folder()
                self._server.listen_also(_bind(self._path))
                inode = _inode(self._path)


class _QuietServer(uvicorn.Server):
    """Leaves signals to the runtime, which has more to end than the server."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve those who connect to the sockets."""
        await super().startup(sockets=[])
        for listening in sockets or ():
            self.listen_also(listening)

    def listen_also(self, listening: socket.socket) -> None:
        """Serve those who connect to another socket too."""
        config = self.config

        def protocol() -> asyncio.Protocol:
            return config.http_protocol_class(  # type: ignore[call-arg]
                config=config, server_state=self.server_state, app_state=self.lifespan.state
            )

        self.servers.append(Listener(listening, protocol))  # type: ignore[arg-type]  # as asyncio.Server

    def capture_signals(self) -> Any:  # noqa: ANN401 - uvicorn's own type is a private context manager
        from contextlib import nullcontext

        return nullcontext()


def most_connections() -> int:
    """Return how many connections are taken: half of the open files we may have; the rest is for hosts and journal."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CONNECTIONS if files == resource.RLIM_INFINITY else max(8, min(_MOST_CONNECTIONS, files // 2))


def _bind(path: Path) -> socket.socket:
    """Bind a socket that is never, not for an instant, open to others; the caller's lock makes it ours."""
    _clear_the_way(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise BackendError(
            str(path), f"cannot be listened on: {error.strerror}", "check the folder's owner, mode and room"
        ) from error
    finally:
        os.umask(before)
    listener.setblocking(False)
    return listener


def _inode(path: Path) -> int:
    """Return which file is there; 0 when none is."""
    try:
        return path.lstat().st_ino
    except OSError:
        return 0


def _clear_the_way(path: Path) -> None:
    """Remove the socket of a backend that died: a living one would hold the lock that our caller holds."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise BackendError(str(path), "is there and is not a socket", "remove it")
        path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise BackendError(
            str(path), f"cannot be replaced: {error.strerror}", "check the folder's owner and mode"
        ) from error


@cache
def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
