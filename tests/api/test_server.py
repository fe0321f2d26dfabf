"""The socket itself: who may use it, what stands in its way, and how it goes."""

import asyncio
import os
import socket
import stat
import time
from contextlib import suppress

import httpx2
import pytest

from novacron.api.server import ApiServer
from novacron.model.errors import BackendError
from tests.api.conftest import serving
from tests.api.puppet import PuppetConsole
from tests.run_as import NOBODY, as_nobody

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_socket_is_its_owners_alone_whatever_the_umask(socket_path):
    before = os.umask(0)
    try:
        async with serving(PuppetConsole(), socket_path):
            found = socket_path.stat()
            assert stat.S_ISSOCK(found.st_mode)
            assert stat.S_IMODE(found.st_mode) == 0o600
            assert os.umask(0) == 0
    finally:
        os.umask(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
async def test_another_user_is_turned_away_even_where_the_mode_would_let_them_in(puppet, puppet_socket):
    puppet_socket.parent.chmod(0o755)
    puppet_socket.chmod(0o666)
    with as_nobody():
        assert os.geteuid() == NOBODY
        reader, writer = await asyncio.open_unix_connection(puppet_socket)
    writer.write(b"GET /v1/status HTTP/1.1\r\nhost: novacron\r\n\r\n")
    async with asyncio.timeout(5):
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
    assert puppet.calls == []
    writer.close()


async def test_a_header_cannot_say_who_the_operator_is(puppet, puppet_socket):
    async with httpx2.AsyncClient(
        transport=httpx2.AsyncHTTPTransport(uds=str(puppet_socket)), base_url="http://novacron"
    ) as client:
        await client.post(
            "/v1/operations",
            json={"intent": {"kind": "start", "vm": "x", "host": "y"}, "seen_revision": 1, "actor": "mallory"},
            headers={"idempotency-key": "12345678", "x-forwarded-for": "mallory", "forwarded": "for=mallory"},
        )
    (call,) = puppet.calls
    assert "mallory" not in call


async def test_the_socket_a_dead_backend_left_is_replaced(socket_path):
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(socket_path))
    dead.close()
    assert socket_path.is_socket()
    async with serving(PuppetConsole(), socket_path):
        pass


@pytest.mark.parametrize("kind", ["file", "folder", "link to a file"])
async def test_what_is_no_socket_is_refused_and_left_alone(socket_path, kind):
    treasure = socket_path.parent / "treasure"
    treasure.write_text("keep me")
    match kind:
        case "file":
            socket_path.write_text("keep me")
        case "folder":
            socket_path.mkdir()
        case _:
            socket_path.symlink_to(treasure)
    with pytest.raises(BackendError, match="not a socket"):
        await ApiServer(PuppetConsole(), socket_path).serve()
    assert socket_path.exists()
    assert treasure.read_text() == "keep me"


async def test_a_folder_that_is_not_there_is_told(socket_path):
    with pytest.raises(BackendError, match="cannot be listened on"):
        await ApiServer(PuppetConsole(), socket_path / "no" / "s").serve()


async def test_the_socket_is_gone_when_the_server_has_ended(socket_path):
    async with serving(PuppetConsole(), socket_path):
        assert socket_path.exists()
    assert not socket_path.exists()


async def test_a_server_with_attached_consoles_ends_within_seconds(socket_path):
    from novacron.api.client import RemoteConsole

    remote = RemoteConsole(socket_path)
    changes = remote.changes()
    async with serving(PuppetConsole(), socket_path):
        for _ in range(4):
            await anext(changes)
        began = time.monotonic()
    assert time.monotonic() - began < 3
    await changes.aclose()


@pytest.mark.parametrize("said", [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 200_000])
async def test_what_is_no_http_is_answered_or_cut_off_and_harms_nobody(puppet, remote, puppet_socket, said):
    reader, writer = await asyncio.open_unix_connection(puppet_socket)
    writer.write(said)
    async with asyncio.timeout(5):
        try:
            answer = await reader.read(1000)
        except ConnectionResetError:
            answer = b""
    assert answer == b"" or b" 4" in answer.split(b"\r\n")[0]
    writer.close()
    assert (await remote.status()).pid == 4711
