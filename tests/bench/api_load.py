"""How the API answers many clients at once: requests on kept connections, and streams. They decode next to nothing."""

import asyncio
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from websockets.asyncio.client import unix_connect
from websockets.exceptions import WebSocketException

_REQUEST_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What many clients were given."""

    took_ms: tuple[float, ...]
    size: int
    """Bytes of the largest body."""
    refused: int
    """Answers that were not 200, and connections that failed."""
    last_body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """How many of the streams that were asked for were told the whole fleet, and when."""

    asked: int
    fleet_after_ms: tuple[float, ...]

    @property
    def unserved(self) -> int:
        """How many were told nothing complete in time."""
        return self.asked - len(self.fleet_after_ms)


async def ask(socket: Path, path: str, *, connections: int, each: int) -> Answers:
    """Ask for a path `each` times on each of so many connections at once."""
    results = await asyncio.gather(*(_client(socket, path, each) for _ in range(connections)))
    flat = [answer for answers in results for answer in answers]
    good = [(took, body) for took, body, status in flat if status == 200]
    return Answers(
        took_ms=tuple(took for took, _ in good),
        size=max((len(body) for _, body in good), default=0),
        refused=connections * each - len(good),
        last_body=good[-1][1] if good else b"",
    )


async def follow(socket: Path, *, count: int, last_host: str, within_s: float) -> Streams:
    """Open so many streams at once; each is served when it has been told of the fleet's last host."""
    began, told = time.perf_counter(), _Told(last_host.encode())
    results = await asyncio.gather(*(_stream(socket, told, began, within_s) for _ in range(count)))
    return Streams(asked=count, fleet_after_ms=tuple(took for took in results if took is not None))


class _Told:
    """Knows whether a message tells of a host. Bundles are compressed once for all clients, and looked into once."""

    def __init__(self, host: bytes) -> None:
        self._host = host
        self._known: dict[bytes, bool] = {}

    def __call__(self, message: str | bytes) -> bool:
        if isinstance(message, str):
            return self._host in message.encode()
        if message not in self._known:
            self._known[message] = self._host in zlib.decompress(message)
        return self._known[message]


async def _client(socket: Path, path: str, each: int) -> Sequence[tuple[float, bytes, int]]:
    answers = []
    try:
        async with asyncio.timeout(_REQUEST_S):
            reader, writer = await asyncio.open_unix_connection(str(socket), limit=1 << 26)
            for _ in range(each):
                began = time.perf_counter()
                writer.write(f"GET {path} HTTP/1.1\r\nHost: novacron\r\n\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                body = await reader.readexactly(int(length.partition(b":")[2]))
                answers.append(((time.perf_counter() - began) * 1000, body, int(head.split()[1])))
            writer.close()
    except (OSError, EOFError, TimeoutError, StopIteration):
        return answers
    return answers


async def _stream(socket: Path, told: _Told, began: float, within_s: float) -> float | None:
    try:
        async with (
            asyncio.timeout(within_s),
            unix_connect(
                str(socket),
                "ws://novacron/v1/stream",
                max_size=None,
                compression=None,
                proxy=None,
                open_timeout=within_s,
                close_timeout=0.1,
            ) as stream,
        ):
            async for message in stream:
                if told(message):
                    return (time.perf_counter() - began) * 1000
    except (OSError, EOFError, TimeoutError, WebSocketException):
        return None
    return None
