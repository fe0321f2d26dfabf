"""The socket itself: who may use it, what stands in its way, and how it goes."""

import asyncio
import os
import shutil
import socket
import stat
import time
from contextlib import suppress
from functools import partial

import httpx2
import pytest

from novacron.api import client, server
from novacron.api.client import RemoteBackend
from novacron.api.codec import PROTOCOL
from novacron.api.server import ApiServer
from novacron.model.caller import Authentication
from novacron.model.errors import BackendError
from novacron.ports.backend import BackendFound, BackendLost
from tests.builders import a_fleet, an_id
from tests.callers import ALICE
from tests.run_as import NOBODY, as_nobody
from tests.support.api_server import eventually, serving
from tests.support.stub_backend import StubBackend

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_socket_is_its_owners_alone_whatever_the_umask(socket_path):
    before = os.umask(0)
    try:
        async with serving(StubBackend(), socket_path):
            found = socket_path.stat()
            assert stat.S_ISSOCK(found.st_mode)
            assert stat.S_IMODE(found.st_mode) == 0o600
            assert os.umask(0) == 0
    finally:
        os.umask(before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
async def test_another_user_is_turned_away_even_where_the_mode_would_let_them_in(stub, stub_socket):
    stub_socket.parent.chmod(0o755)
    stub_socket.chmod(0o666)
    with as_nobody():
        assert os.geteuid() == NOBODY
        reader, writer = await asyncio.open_unix_connection(stub_socket)
    writer.write(b"GET /v1/status HTTP/1.1\r\nhost: novacron\r\n\r\n")
    async with asyncio.timeout(60):
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
    assert stub.calls == []
    writer.close()


async def test_a_header_cannot_say_who_the_operator_is(stub, stub_socket):
    async with httpx2.AsyncClient(
        transport=httpx2.AsyncHTTPTransport(uds=str(stub_socket)), base_url="http://novacron"
    ) as raw:
        await raw.post(
            "/v1/operations",
            json={"intent": {"kind": "start", "vm": an_id("web-1"), "host": "y"}, "plan_digest": "d1"},
            headers={"idempotency-key": "12345678", "x-forwarded-for": "mallory", "forwarded": "for=mallory"},
        )
    (call,) = stub.calls
    assert "mallory" not in str((call, stub.callers))
    assert [caller.authentication for caller in stub.callers] == [Authentication.PEER_CREDENTIALS]


async def test_the_socket_a_dead_backend_left_is_replaced(socket_path):
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(socket_path))
    dead.close()
    assert socket_path.is_socket()
    async with serving(StubBackend(), socket_path):
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
        await ApiServer(StubBackend(), socket_path).serve()
    assert socket_path.exists()
    assert treasure.read_text() == "keep me"


async def test_a_folder_that_is_not_there_is_told(socket_path):
    with pytest.raises(BackendError, match="cannot be listened on"):
        await ApiServer(StubBackend(), socket_path / "no" / "s").serve()


async def test_the_socket_is_gone_when_the_server_has_ended(socket_path):
    async with serving(StubBackend(), socket_path):
        assert socket_path.exists()
    assert not socket_path.exists()


async def test_a_server_with_attached_consoles_ends_within_seconds(socket_path):
    remote = RemoteBackend(socket_path)
    changes = remote.changes(ALICE)
    async with serving(StubBackend(), socket_path):
        for _ in range(4):
            await anext(changes)
        began = time.monotonic()
    # For good, if it waited for them.
    assert time.monotonic() - began < 60
    await changes.aclose()


@pytest.mark.parametrize("said", [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 200_000])
async def test_what_is_no_http_is_answered_or_cut_off_and_harms_nobody(stub, remote, stub_socket, said):
    reader, writer = await asyncio.open_unix_connection(stub_socket)
    writer.write(said)
    async with asyncio.timeout(60):
        try:
            answer = await reader.read(1000)
        except ConnectionResetError:
            answer = b""
    assert answer == b"" or b" 4" in answer.split(b"\r\n")[0]
    writer.close()
    assert (await remote.status(ALICE)).pid == 4711


async def test_a_connection_that_asks_for_nothing_is_closed(socket_path, monkeypatch):
    monkeypatch.setattr(server, "_REQUEST_S", 0.05)
    async with serving(StubBackend(), socket_path):
        reader, writer = await asyncio.open_unix_connection(socket_path)
        async with asyncio.timeout(30):
            assert await reader.read() == b""
        writer.close()


_ASKS = b"GET /v1/alerts HTTP/1.1\r\nhost: x\r\n\r\n"
_BODY = b"POST /v1/preview HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n"


@pytest.mark.parametrize("before", [b"", _ASKS, _BODY], ids=["its headers", "its second headers", "its body"])
async def test_a_request_that_comes_in_drops_is_cut_off(socket_path, monkeypatch, before):
    monkeypatch.setattr(server, "_REQUEST_S", 0.3)
    async with serving(StubBackend(), socket_path), asyncio.timeout(60):
        reader, writer = await asyncio.open_unix_connection(socket_path)
        writer.write(before)
        if before == _ASKS:
            await reader.readuntil(b"\r\n\r\n")
        ended = asyncio.create_task(reader.read())
        while not ended.done():
            writer.write(b" " if before == _BODY else b"G")
            await asyncio.wait([ended], timeout=0.02)
        with suppress(ConnectionError):
            await ended
        writer.close()


async def test_a_request_that_takes_long_to_answer_is_not_cut_off(socket_path, monkeypatch):
    monkeypatch.setattr(server, "_REQUEST_S", 0.05)
    backend = StubBackend()
    answer = backend.alerts

    async def slowly(caller):
        await asyncio.sleep(0.3)
        return await answer(caller)

    backend.alerts = slowly
    remote = RemoteBackend(socket_path)
    async with serving(backend, socket_path):
        assert len(await remote.alerts(ALICE)) == 1
        await remote.close()


async def test_a_stream_is_not_cut_off_as_a_slow_request(socket_path, monkeypatch):
    monkeypatch.setattr(server, "_REQUEST_S", 0.05)
    backend, remote = StubBackend(), RemoteBackend(socket_path)
    async with serving(backend, socket_path), asyncio.timeout(60):
        changes = remote.changes(ALICE)
        for _ in range(4):
            await anext(changes)
        await asyncio.sleep(0.3)
        backend.show(a_fleet(revision=9))
        assert (await anext(changes)).fleet.revision == 9
        await changes.aclose()


@pytest.mark.parametrize(("files", "most"), [(64, 32), (256, 128), (1024, 512), (1 << 20, 4000), (-1, 4000), (10, 8)])
async def test_connections_are_limited_to_half_of_the_files_there_may_be(monkeypatch, files, most):
    monkeypatch.setattr(server.resource, "getrlimit", lambda _: (files, files))
    assert server.most_connections() == most


async def test_connections_beyond_the_limit_are_turned_away_although_none_asks_for_anything(socket_path, monkeypatch):
    monkeypatch.setattr(server, "most_connections", lambda: 8)
    async with serving(StubBackend(), socket_path), asyncio.timeout(60):
        held = [await asyncio.open_unix_connection(socket_path) for _ in range(12)]
        for reader, _ in held[8:]:
            assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
        assert not any(reader.at_eof() for reader, _ in held[:8])
        held.pop(0)[1].close()
        for _, writer in held:
            writer.close()
        remote = RemoteBackend(socket_path)
        assert (await remote.status(ALICE)).pid == 4711
        await remote.close()


async def test_streams_beyond_the_limit_are_told_why_and_requests_are_still_answered(socket_path, monkeypatch):
    monkeypatch.setattr(server, "_WEBSOCKETS_SHARE", 1 / server.most_connections())
    remote, other = RemoteBackend(socket_path), RemoteBackend(socket_path)
    async with serving(StubBackend(), socket_path), asyncio.timeout(60):
        attached, refused = remote.changes(ALICE), other.changes(ALICE)
        assert isinstance(await anext(attached), BackendFound)
        lost = await anext(refused)
        assert isinstance(lost, BackendLost)
        assert "as many consoles as it takes" in lost.cause
        assert (await other.status(ALICE)).pid == 4711
        await attached.aclose()
        while not isinstance(await anext(refused), BackendFound):
            pass
        await refused.aclose()
    await remote.close()
    await other.close()


async def _answer_in_turn(answers, reader, writer):
    """Give each request the next answer; the last one again and again."""
    with suppress(asyncio.IncompleteReadError, ConnectionResetError):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answers.pop(0) if len(answers) > 1 else answers[0])
    writer.close()


_TURNED_AWAY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 19\r\n\r\nService Unavailable"
_NO_ALERTS = f"HTTP/1.1 200 OK\r\nnovacron-protocol: {PROTOCOL}\r\ncontent-length: 2\r\n\r\n[]".encode()


@pytest.mark.parametrize("turned_away", [1, 4])
async def test_a_client_that_is_turned_away_tries_again(socket_path, monkeypatch, turned_away):
    monkeypatch.setattr(client, "_BUSY_WAITS_S", (0.0,) * 4)
    answers = [_TURNED_AWAY] * turned_away + [_NO_ALERTS]
    remote = RemoteBackend(socket_path)
    async with await asyncio.start_unix_server(partial(_answer_in_turn, answers), socket_path):
        assert await remote.alerts(ALICE) == ()
        await remote.close()


async def test_a_client_that_is_turned_away_for_good_does_not_advise_to_end_the_backend(socket_path, monkeypatch):
    monkeypatch.setattr(client, "_BUSY_WAITS_S", (0.0,) * 4)
    remote = RemoteBackend(socket_path)
    async with await asyncio.start_unix_server(partial(_answer_in_turn, [_TURNED_AWAY]), socket_path):
        with pytest.raises(BackendError, match="as many connections as it takes") as caught:
            await remote.alerts(ALICE)
        await remote.close()
    assert "detach" not in str(caught.value)


async def test_a_server_whose_folder_was_removed_listens_there_again(socket_path, monkeypatch):
    monkeypatch.setattr(server, "_LOOK_S", 0.02)
    path = socket_path.parent / "run" / "s"
    path.parent.mkdir()
    serving_it = ApiServer(StubBackend(), path, lambda: path.parent.mkdir(exist_ok=True))
    listening = asyncio.Event()
    task = asyncio.create_task(serving_it.serve(listening.set))
    await listening.wait()
    remote = RemoteBackend(path)
    assert (await remote.status(ALICE)).pid == 4711
    await remote.close()
    shutil.rmtree(path.parent)
    await eventually(path.exists)
    assert (await remote.status(ALICE)).pid == 4711
    await remote.close()
    serving_it.stop()
    await task
    assert not path.exists()
