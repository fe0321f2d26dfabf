"""The stream: snapshots, then what differs, to each reader at its own speed, across restarts of the backend."""

import asyncio
import json
import random
import socket
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from websockets.asyncio.client import unix_connect

from novacron.api import server
from novacron.api.client import RemoteBackend
from novacron.api.codec import RESYNC
from novacron.api.fleet_mirror import FleetMirror, messages_of
from novacron.model.errors import BackendError
from novacron.model.vm import VmState
from novacron.ports.backend import (
    AlertsChanged,
    BackendFound,
    BackendLost,
    FleetChanged,
    OperationsChanged,
)
from tests.builders import NOW, a_fleet, a_host, a_vm, an_id
from tests.callers import ALICE
from tests.support.api_server import eventually, serving
from tests.support.stub_backend import StubBackend

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PATIENCE_S = 5.0


@asynccontextmanager
async def _reading(console):
    """Give a function that waits for the next change."""
    changes = console.changes(ALICE)

    async def following():
        async with asyncio.timeout(_PATIENCE_S):
            return await anext(changes)

    try:
        yield following
    finally:
        await changes.aclose()


async def _until(following, kind):
    while not isinstance(change := await following(), kind):
        pass
    return change


async def _opening(following):
    """Return the first change of each kind; who else is there may be told twice."""
    first = {}
    while len(first) < 4:
        change = await following()
        first.setdefault(type(change), change)
    return first


async def _raw(stream):
    """Yield the messages that come, those of bundles one by one."""
    while True:
        for text in messages_of(await stream.recv()):
            yield json.loads(text)


async def _raw_opening(stream):
    """Return the messages with which a stream begins, until everything was told."""
    messages, complete_at = [], 0
    lacking = {"hello", "resync", "operations", "alerts", "fleet"}
    async with asyncio.timeout(_PATIENCE_S):
        async for message in _raw(stream):
            messages.append(message)
            if message["kind"] == "resync":
                complete_at = message["step"]
            if message["kind"] != "fleet" or (message["last"] and message["step"] >= complete_at):
                lacking.discard(message["kind"])
            if not lacking:
                break
    return messages


async def _raw_fleet(stream):
    """Return the next message that is of the fleet."""
    async with asyncio.timeout(_PATIENCE_S):
        while (message := json.loads(await stream.recv()))["kind"] != "fleet":
            pass
    return message


async def test_a_stream_begins_with_the_backend_and_a_snapshot_of_everything(stub, remote):
    async with _reading(remote) as following:
        first = await following()
        snapshots = [await following() for _ in range(3)]
    assert first == BackendFound(version=first.version, consoles=1)
    assert {type(one): one for one in snapshots} == {
        FleetChanged: FleetChanged(fleet=await stub.fleet(ALICE)),
        OperationsChanged: OperationsChanged(operations=(stub.operation,)),
        AlertsChanged: AlertsChanged(alerts=(stub.alert,)),
    }


async def test_a_console_is_told_when_another_comes_and_when_it_leaves(stub, remote):
    async with _reading(remote) as following:
        await _opening(following)
        async with _reading(remote) as other:
            await _opening(other)
            stub.show(a_fleet(a_host("kvm-1")))
            assert (await _until(following, BackendFound)).consoles == 2

        # That the other has left is known when its socket is seen to be closed, and told with the next news.
        for number in range(200):
            stub.show(a_fleet(a_host(f"kvm-{number}")))
            told = await following()
            if isinstance(told, BackendFound):
                break
        assert told.consoles == 1


async def test_a_host_that_did_not_change_stays_the_same_object_from_fleet_to_fleet(stub, remote):
    before = a_fleet(*(a_host(f"kvm-{number}", a_vm(f"web-{number}")) for number in range(3)))
    stub.show(before)
    async with _reading(remote) as following:
        first = (await _opening(following))[FleetChanged].fleet
        changed = replace(before.hosts["kvm-1"], reading=None)
        stub.show(before.with_host(changed))
        second = (await _until(following, FleetChanged)).fleet
    assert second == before.with_host(changed)
    assert [second.hosts[name] is first.hosts[name] for name in first.hosts] == [True, False, True]
    assert first == before


async def test_only_what_changed_goes_over_the_socket(stub, stub_socket):
    fleet = a_fleet(*(a_host(f"kvm-{number}", a_vm(f"web-{number}")) for number in range(3)))
    stub.show(fleet)
    async with unix_connect(str(stub_socket), "ws://novacron/v1/stream") as stream:
        await _raw_opening(stream)
        host = fleet.hosts["kvm-2"]
        paused = replace(host.reading.vms[0], state=VmState.PAUSED)
        stub.show(fleet.with_host(replace(host, reading=replace(host.reading, vms=(paused,)))))
        part = await _raw_fleet(stream)
    assert part["changed"] == [{"id": "kvm-2", "vms": {"set": {paused.id: {"state": "paused"}}}}]
    assert "whole" not in part
    assert "order" not in part


async def test_a_client_that_asks_for_everything_anew_is_sent_it(stub, stub_socket):
    stub.show(a_fleet(a_host("kvm-1", a_vm("web-1"))))
    async with unix_connect(str(stub_socket), "ws://novacron/v1/stream") as stream:
        first = await _raw_opening(stream)
        await stream.send(RESYNC)
        again = await _raw_opening(stream)
    assert [one for one in again if one["kind"] != "hello"] == [one for one in first if one["kind"] != "hello"]


async def test_a_client_that_lost_a_message_asks_for_everything_anew(stub, remote, monkeypatch):
    fleet = a_fleet(a_host("kvm-1", a_vm("web-1")), a_host("kvm-2"))
    stub.show(fleet)
    take, lost = FleetMirror.take, []

    def lose_one(mirror, text):
        if not lost and '"since":null' not in text and '"kind":"fleet"' in text:
            lost.append(text)
            return None
        return take(mirror, text)

    monkeypatch.setattr(FleetMirror, "take", lose_one)
    async with _reading(remote) as following:
        await _opening(following)
        waiting = asyncio.ensure_future(_until(following, FleetChanged))
        second = fleet.with_host(replace(fleet.hosts["kvm-1"], reading=None))
        stub.show(second)
        await eventually(lambda: bool(lost))
        third = second.with_host(a_host("kvm-2", a_vm("db-1")))
        stub.show(third)
        assert (await waiting).fleet == third


async def test_a_host_that_left_the_fleet_is_gone_and_a_new_one_is_in_its_place(stub, remote):
    stub.show(a_fleet(a_host("kvm-1"), a_host("kvm-2")))
    async with _reading(remote) as following:
        await _opening(following)
        stub.show(a_fleet(a_host("kvm-2"), a_host("kvm-3", a_vm("db-1")), revision=2))
        after = (await _until(following, FleetChanged)).fleet
    assert list(after.hosts) == ["kvm-2", "kvm-3"]
    assert [vm.home.vm.name for vm in after.vms.values()] == ["db-1"]


async def test_a_large_fleet_comes_in_parts_and_is_shown_when_it_is_complete(stub, remote, stub_socket):
    fleet = a_fleet(*(a_host(f"kvm-{number}", a_vm(f"web-{number}")) for number in range(120)))
    stub.show(fleet)
    async with _reading(remote) as following:
        assert (await _opening(following))[FleetChanged].fleet == fleet
    async with unix_connect(str(stub_socket), "ws://novacron/v1/stream", max_size=None) as stream:
        messages = await _raw_opening(stream)
    parts = [message for message in messages if message["kind"] == "fleet" and message["since"] is None]
    assert [part["part"] for part in parts] == list(range(len(parts)))
    assert [part["last"] for part in parts] == [*[False] * (len(parts) - 1), True]
    assert len(parts) > 2


def _a_big_fleet(revision=1):
    """Some 15 MB, more than sockets buffer, hard to compress; every VM differs from revision to revision."""
    noise = random.Random(revision)  # noqa: S311 - text, no secret
    texts = [noise.randbytes(1500).hex() for _ in range(50)]
    hosts = (a_host(f"kvm-{n}", *(a_vm(f"{n}-{m}", description=texts[n][m:]) for m in range(100))) for n in range(50))
    since = NOW + timedelta(seconds=revision)
    return a_fleet(*(replace(host, link=replace(host.link, since=since)) for host in hosts), revision=revision)


def _a_slow_reader(path):
    return unix_connect(str(path), "ws://novacron/v1/stream", max_size=None, max_queue=1, close_timeout=0.1)


async def test_a_reader_that_does_not_read_is_later_given_the_newest_only(stub, stub_socket):
    fleets = [_a_big_fleet(revision) for revision in range(1, 13)]
    async with _a_slow_reader(stub_socket) as slow:
        for fleet in fleets:
            stub.show(fleet)
            await asyncio.sleep(0.02)
        seen = []
        async with asyncio.timeout(_PATIENCE_S):
            async for message in _raw(slow):
                if message["kind"] == "fleet" and message["last"]:
                    seen.append(message["revision"])
                if seen and seen[-1] == fleets[-1].revision:
                    break
    assert seen == sorted(seen)
    assert len(seen) < len(fleets) / 2


async def test_a_reader_that_does_not_read_holds_up_nobody_else(stub, remote, stub_socket):
    async with _a_slow_reader(stub_socket), _reading(remote) as following:
        await _opening(following)
        for revision in range(2, 5):
            stub.show(_a_big_fleet(revision))
            assert (await _until(following, FleetChanged)).fleet.revision == revision


async def test_a_reader_that_does_not_read_does_not_hold_up_the_backends_end(socket_path):
    console = StubBackend(_a_big_fleet())
    async with serving(console, socket_path):
        slow = await _a_slow_reader(socket_path)
        await eventually(lambda: console.readers == 1)
        console.show(_a_big_fleet(2))
        began = time.monotonic()
    assert time.monotonic() - began < 5
    slow.transport.abort()


async def test_a_reader_that_never_reads_again_is_let_go(socket_path, monkeypatch):
    monkeypatch.setattr(server, "_PING_S", 0.1)
    console = StubBackend(_a_big_fleet())
    async with serving(console, socket_path):
        stopped = socket.socket(socket.AF_UNIX)
        stopped.connect(str(socket_path))
        stopped.sendall(_UPGRADE)
        await eventually(lambda: console.readers == 1)
        # It still holds its end, with more on the way to it than the kernel buffers.
        await eventually(lambda: console.readers == 0)
        stopped.close()


_UPGRADE = (
    b"GET /v1/stream HTTP/1.1\r\nhost: novacron\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def test_each_console_counts_and_one_that_is_gone_does_not(stub, remote, stub_socket):
    other = RemoteBackend(stub_socket)
    async with _reading(remote) as following:
        await _opening(following)
        async with _reading(other) as others_following:
            assert (await others_following()).consoles == 2
            await _until(others_following, FleetChanged)
            assert (await remote.status(ALICE)).consoles == 2
        await eventually(lambda: stub.readers == 1)


async def test_what_a_client_says_on_the_stream_is_not_listened_to(stub, stub_socket):
    async with unix_connect(str(stub_socket), "ws://novacron/v1/stream") as stream:
        for said in ("hello", b"\x00\xff", "{"):
            await stream.send(said)
        assert (await _raw_opening(stream))[0]["kind"] == "hello"
        stub.show(a_fleet(revision=9))
        assert (await _raw_fleet(stream))["revision"] == 9


async def test_a_restart_shows_as_lost_then_found_then_snapshots(socket_path):
    console, remote = StubBackend(), RemoteBackend(socket_path)
    async with _reading(remote) as following:
        async with serving(console, socket_path):
            await _opening(following)
        lost = await following()
        assert isinstance(lost, BackendLost)
        assert lost.cause
        console.show(a_fleet(a_host("kvm-new"), revision=1))
        async with serving(console, socket_path):
            assert (await _until(following, BackendFound)).consoles == 1
            snapshots = [await following() for _ in range(3)]
            assert {type(one) for one in snapshots} == {FleetChanged, OperationsChanged, AlertsChanged}
            assert FleetChanged(fleet=a_fleet(a_host("kvm-new"), revision=1)) in snapshots
    await remote.close()


async def test_a_console_that_starts_before_its_backend_finds_it(socket_path):
    remote = RemoteBackend(socket_path)
    async with _reading(remote) as following:
        assert isinstance(await following(), BackendLost)
        async with serving(StubBackend(), socket_path):
            await _until(following, BackendFound)
            await _until(following, FleetChanged)
    await remote.close()


async def test_a_backend_that_died_is_revived_and_one_that_was_ended_is_not(socket_path):
    revived: list[None] = []
    remote = RemoteBackend(socket_path, revive=lambda: revived.append(None))
    async with _reading(remote) as following:
        async with serving(StubBackend(), socket_path):
            await _opening(following)
        await _until(following, BackendLost)
        async with serving(StubBackend(), socket_path):
            await _until(following, BackendFound)
            assert revived == []
    absent = RemoteBackend(socket_path, revive=lambda: revived.append(None))
    async with _reading(absent) as following:
        await _until(following, BackendLost)
        waiting = asyncio.ensure_future(following())
        await eventually(lambda: bool(revived))
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_a_backend_of_another_protocol_is_refused_with_what_to_do(stub, remote, monkeypatch):
    from novacron.api import codec

    monkeypatch.setattr(codec.Hello.model_fields["protocol"], "default", "99")
    codec.Hello.model_rebuild(force=True)
    try:
        async with _reading(remote) as following:
            with pytest.raises(BackendError, match=r"protocol 99.*detach --stop"):
                await following()
    finally:
        monkeypatch.undo()
        codec.Hello.model_rebuild(force=True)


async def test_a_stream_of_something_else_is_refused_as_not_understood(socket_path):
    from websockets.asyncio.server import unix_serve

    async def babble(connection):
        await connection.send('{"kind": "weather", "sunny": true}')
        await connection.wait_closed()

    async with unix_serve(babble, str(socket_path)), _reading(RemoteBackend(socket_path)) as following:
        with pytest.raises(BackendError, match="not understood"):
            await following()


async def test_a_foreign_name_that_is_no_text_does_not_silence_the_stream(stub, remote):
    stub.show(a_fleet(a_host("kvm-1", a_vm("web-\udcff", id=an_id("web")))))
    async with _reading(remote) as following:
        fleet = (await _opening(following))[FleetChanged].fleet
    assert [vm.home.vm.name for vm in fleet.vms.values()] == ["web-?"]
