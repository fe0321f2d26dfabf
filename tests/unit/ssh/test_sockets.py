"""Bytes over a real ssh connection: sockets there, helpers there, and two hosts joined by our own connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from novacron.adapters.libvirt.relay import relay
from novacron.adapters.libvirt.ssh_access import SshAccess
from novacron.adapters.libvirt.tunnel import Tunnel
from novacron.adapters.ssh.connection import SshConnection
from novacron.model.errors import LinkError, LinkLost
from tests.unit.ssh.sshd import Home, Sshd

DEADLINE_S = 5.0
BULK = bytes(range(256)) * 8192
"""2 MiB: more than any buffer on the way holds."""


@pytest.fixture
async def connection(home: Home, sshd: Sshd) -> AsyncIterator[SshConnection]:
    home.trust(sshd)
    opened = await SshConnection.open(home.spec(sshd), deadline_s=DEADLINE_S)
    yield opened
    opened.abort()


@pytest.fixture
async def access(home: Home, sshd: Sshd, connection: SshConnection) -> SshAccess:
    return SshAccess(home.spec(sshd), connection, lambda: connection.open_socket("/nowhere"))


async def _answer_after_the_end(reader: Any, writer: Any) -> None:
    """Read until the other side has said all; only then answer, with as much."""
    said = await reader.read(-1)
    writer.write(said[::-1])
    writer.write_eof()


async def _ask(reader: Any, writer: Any) -> bytes:
    writer.write(BULK)
    writer.write_eof()
    async with asyncio.timeout(DEADLINE_S):
        return bytes(await reader.read(-1))


async def test_a_socket_there_carries_bytes_both_ways_and_an_end_each_way(connection: SshConnection, home: Home):
    path = str(home.folder / "echo")
    async with await asyncio.start_unix_server(_answer_after_the_end, path):
        assert await _ask(*await connection.open_socket(path)) == BULK[::-1]


async def test_a_helper_there_carries_bytes_both_ways_and_an_end_each_way(connection: SshConnection):
    assert await _ask(*await connection.open_helper(("cat",))) == BULK


async def test_a_socket_that_is_not_there_is_refused_with_the_far_sides_reason(connection: SshConnection, home: Home):
    with pytest.raises(ConnectionRefusedError):
        await connection.open_socket(str(home.folder / "nowhere"))


async def test_an_sshd_that_will_not_listen_is_told_with_what_it_needs(connection: SshConnection, sshd: Sshd):
    sshd.forbids_sockets = 1
    with pytest.raises(LinkError, match="will not listen on /x") as caught:
        await connection.listen_socket("/x", _answer_after_the_end)
    assert "AllowStreamLocalForwarding" in caught.value.remedy


async def test_a_tunnel_carries_bytes_until_it_is_aborted(connection: SshConnection, home: Home):
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    far = str(home.folder / "far")
    ends: list[str] = []
    async with await asyncio.start_unix_server(echo, far):
        tunnel = Tunnel(lambda: connection.open_socket(far), lambda: ends.append("ended"))
        near = await tunnel.listen()
        assert near.parent.stat().st_mode & 0o077 == 0, "nobody else may enter"
        reader, writer = await asyncio.open_unix_connection(str(near))
        writer.write(BULK)
        async with asyncio.timeout(DEADLINE_S):
            assert await reader.readexactly(len(BULK)) == BULK
            assert not near.exists(), "a backend that is killed now leaves nothing behind"
            tunnel.abort()
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
    assert not ends, "that it was aborted is known to who aborted it"


async def test_a_tunnel_whose_far_end_goes_says_so_and_ends(connection: SshConnection, home: Home, sshd: Sshd):
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await sshd.stop()

    far = str(home.folder / "far")
    ended = asyncio.Event()
    async with await asyncio.start_unix_server(hold, far):
        tunnel = Tunnel(lambda: connection.open_socket(far), ended.set)
        await asyncio.open_unix_connection(str(await tunnel.listen()))
        async with asyncio.timeout(DEADLINE_S):
            await ended.wait()
    tunnel.abort()


@pytest.mark.parametrize("error", [ConnectionRefusedError(2, "refused"), LinkLost("kvm-1", "the connection broke")])
async def test_a_tunnel_that_finds_no_far_end_breaks_what_waits_on_it(error):
    async def broken() -> tuple[Any, Any]:
        raise error

    tunnel = Tunnel(broken, lambda: None)
    reader, _ = await asyncio.open_unix_connection(str(await tunnel.listen()))
    async with asyncio.timeout(DEADLINE_S):
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
    tunnel.abort()


class _Elsewhere:
    """The other host of a relay: its sockets have the same paths, so here they are kept in a folder of its own."""

    def __init__(self, access: SshAccess, folder: Path) -> None:
        self._access, self.folder, self.removed = access, folder, ""

    async def open_socket(self, path: str) -> tuple[Any, Any]:
        return await self._access.open_socket(str(self.folder / Path(path).name))

    async def run(self, argv: tuple[str, ...], *, deadline_s: float, stdin: bytes = b"") -> None:
        self.removed = argv[-1]


async def test_a_relay_joins_two_hosts_and_loses_nothing_at_the_end_of_either_side(access: SshAccess, home: Home):
    there = _Elsewhere(access, home.folder / "there")
    there.folder.mkdir()
    path = home.folder / "memory.sock"
    far = await asyncio.start_unix_server(_answer_after_the_end, str(there.folder / "memory.sock"))
    async with far, relay(access, there, (str(path),)):  # type: ignore[arg-type]
        assert await _ask(*await asyncio.open_unix_connection(str(path))) == BULK[::-1]
    assert not path.exists()
    assert there.removed == str(path)


async def test_a_side_that_writes_all_and_closes_is_heard_to_the_last_byte(access: SshAccess, home: Home):
    """As QEMU does at the end of a migration, without waiting for an answer."""
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def hear_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = b""
        while data := await reader.read(32768):
            said += data
            await asyncio.sleep(0)
        heard.set_result(said)

    there = _Elsewhere(access, home.folder / "there")
    there.folder.mkdir()
    path = str(home.folder / "memory.sock")
    far = await asyncio.start_unix_server(hear_slowly, str(there.folder / "memory.sock"))
    async with far, relay(access, there, (path,)), asyncio.timeout(DEADLINE_S):  # type: ignore[arg-type]
        _, writer = await asyncio.open_unix_connection(path)
        writer.write(BULK)
        writer.close()
        assert await heard == BULK


async def test_a_relay_with_nobody_at_the_far_end_hangs_up(access: SshAccess, home: Home):
    there = _Elsewhere(access, home.folder / "there")
    path = str(home.folder / "memory.sock")
    async with relay(access, there, (path,)), asyncio.timeout(DEADLINE_S):  # type: ignore[arg-type]
        reader, _ = await asyncio.open_unix_connection(path)
        with suppress(ConnectionResetError):
            assert await reader.read() == b""


async def test_what_still_flows_when_a_relay_ends_is_broken(access: SshAccess, home: Home):
    there = _Elsewhere(access, home.folder / "there")
    there.folder.mkdir()
    path = str(home.folder / "memory.sock")
    opened = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.set()
        await reader.read(-1)

    far = await asyncio.start_unix_server(hold, str(there.folder / "memory.sock"))
    async with far, asyncio.timeout(DEADLINE_S):
        async with relay(access, there, (path,)):  # type: ignore[arg-type]
            reader, writer = await asyncio.open_unix_connection(path)
            await opened.wait()
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
