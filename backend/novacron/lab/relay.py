"""The way into the lab: one unix socket per host, joined to its sshd; and the faults on this way.

Runs inside the lab's outer namespace as a process of its own, started by its file's path with the plain
interpreter: standard library only, no import of our own. Not every kernel can delay packets; a relay can,
on all of them.

Orders come as one line of JSON on the control socket, and are answered by one: {"host": "lab1", "set":
{"delay_ms": 200}} changes a host's way, {} asks; both are answered by {"hosts": {"lab1": {"delay_ms": 200,
…}}}.
"""

import asyncio
import contextlib
import json
import os
import sys
from dataclasses import asdict, dataclass, field, replace
from typing import Any

_CHUNK = 65536
_QUEUED_CHUNKS = 64
_CONNECT_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Way:
    """How one host's connections are treated."""

    delay_ms: float = 0
    """Added in each direction."""
    rate_kib_s: float = 0
    """At most so much in each direction of each connection; 0: no limit."""
    half_open: bool = False
    """Accept, take everything, answer nothing."""
    drop_after_bytes: int = 0
    """Break a connection when it has carried so much; 0: never."""


@dataclass
class Gate:
    """One host: where it is, how its way is now, who is on it."""

    address: str
    port: int
    way: Way = field(default_factory=Way)
    connections: "set[Connection]" = field(default_factory=set)

    def change(self, settings: dict[str, Any]) -> None:
        """Set the way anew; connections whose bytes were swallowed cannot be mended and are broken."""
        was_half_open = self.way.half_open
        self.way = replace(self.way, **settings)
        if was_half_open and not self.way.half_open:
            for connection in list(self.connections):
                connection.abort()


class Connection:
    """One client on its way to a host."""

    def __init__(self, gate: Gate, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._gate = gate
        self._reader = reader
        self._writers = [writer]
        self._carried = 0

    async def carry(self) -> None:
        """Join the client to the host until one of them ends."""
        self._gate.connections.add(self)
        try:
            if self._gate.way.half_open:
                await self._swallow()
                return
            opening = asyncio.open_connection(self._gate.address, self._gate.port)
            reader, writer = await asyncio.wait_for(opening, _CONNECT_TIMEOUT_S)
            self._writers.append(writer)
            async with asyncio.TaskGroup() as pumps:
                self._pump(pumps, self._reader, writer)
                self._pump(pumps, reader, self._writers[0])
        except* (OSError, TimeoutError):
            pass
        finally:
            self._gate.connections.discard(self)
            self.abort()

    def abort(self) -> None:
        """Break it now, both ends."""
        for writer in self._writers:
            writer.transport.abort()

    async def _swallow(self) -> None:
        while await self._reader.read(_CHUNK):
            pass

    def _pump(self, pumps: asyncio.TaskGroup, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_QUEUED_CHUNKS)
        pumps.create_task(self._take(reader, queue))
        pumps.create_task(self._give(queue, writer))

    async def _take(self, reader: asyncio.StreamReader, queue: "asyncio.Queue[tuple[float, bytes]]") -> None:
        now = asyncio.get_running_loop().time
        while True:
            data = await reader.read(_CHUNK)
            if self._gate.way.rate_kib_s:
                await asyncio.sleep(len(data) / 1024 / self._gate.way.rate_kib_s)
            await queue.put((now() + self._gate.way.delay_ms / 1000, data))
            if not data:
                return

    async def _give(self, queue: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
        now = asyncio.get_running_loop().time
        while True:
            due, data = await queue.get()
            if due > now():
                await asyncio.sleep(due - now())
            if self._gate.way.half_open:
                continue
            if not data:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            self._carried += len(data)
            limit = self._gate.way.drop_after_bytes
            if limit and self._carried > limit:
                self.abort()
                return
            writer.write(data)
            await writer.drain()


class Relay:
    """All gates and the control socket."""

    def __init__(self, gates: dict[str, Gate]) -> None:
        self._gates = gates

    async def listen(self, sockets: dict[str, str], control: str) -> None:
        """Open every socket; they are for their owner alone."""
        os.umask(0o177)
        for name, path in sockets.items():
            await self._open(path, self._handler(self._gates[name]))
        await self._open(control, self._obey)

    async def _open(self, path: str, handler: "asyncio.streams._ClientConnectedCallback") -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108
        await asyncio.start_unix_server(handler, path, backlog=1024)

    @staticmethod
    def _handler(gate: Gate) -> "asyncio.streams._ClientConnectedCallback":
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await Connection(gate, reader, writer).carry()

        return handle

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            answer = self._answer(await reader.readline())
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        writer.close()

    def _answer(self, line: bytes) -> dict[str, object]:
        try:
            order = json.loads(line)
            if "host" in order:
                self._gates[order["host"]].change(order["set"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return {"error": f"{type(error).__name__}: {error}"}
        return {"hosts": {name: asdict(gate.way) for name, gate in self._gates.items()}}


async def serve(config: dict[str, Any], ready: int) -> None:
    """Relay until killed; write a byte to the file descriptor `ready` when all sockets are open."""
    hosts: dict[str, dict[str, str]] = config["hosts"]
    gates = {name: Gate(address=host["address"], port=22) for name, host in hosts.items()}
    relay = Relay(gates)
    sockets = {name: host["socket"] for name, host in hosts.items()}
    await relay.listen(sockets, str(config["control"]))
    os.write(ready, b"1")
    os.close(ready)
    await asyncio.Event().wait()


def main() -> int:
    """Read the configuration, detach, and serve; the caller returns when the sockets are open."""
    config = json.load(sys.stdin)
    ready_read, ready_write = os.pipe()
    if os.fork():
        os.close(ready_write)
        return 0 if os.read(ready_read, 1) else 1
    os.setsid()
    with open(config["log"], "ab", buffering=0) as log, open(os.devnull) as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    asyncio.run(serve(config, ready_write))
    return 0


if __name__ == "__main__":
    sys.exit(main())
