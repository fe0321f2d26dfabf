"""A VM's serial console over the socket: bytes both ways, and an end that says why."""

import asyncio

import pytest
from websockets.asyncio.client import unix_connect

from novacron.api.client import RemoteBackend
from novacron.model.errors import Conflict, LinkLost
from novacron.model.ids import HostId
from tests.builders import an_id
from tests.callers import ALICE
from tests.support.api_server import serving
from tests.support.stub_backend import StubBackend

pytestmark = pytest.mark.asyncio(loop_scope="module")

_VM, _HOST = an_id("web-1"), HostId("kvm/1?")


async def _rest(link):
    while data := await link.read():
        yield data


async def test_bytes_go_both_ways_as_they_are(stub, remote):
    link = await remote.open_serial(ALICE, _VM, _HOST)
    assert await link.read() == b"login: \x00\xff"
    await link.write(b"root\r")
    assert await link.read() == b"ROOT\r"
    await link.close()
    assert stub.calls == [("open_serial", _VM, _HOST, False)]


async def test_letting_go_closes_the_console_in_the_backend(stub, remote):
    link = await remote.open_serial(ALICE, _VM, _HOST, force=True)
    await link.close()
    async with asyncio.timeout(5):
        await stub.serial.closed.wait()
    assert stub.calls == [("open_serial", _VM, _HOST, True)]
    await link.write(b"too late")
    assert b"".join([data async for data in _rest(link)]) == b"login: \x00\xff"


async def test_a_client_that_vanishes_lets_go_of_the_console(stub, remote, stub_socket):
    connection = await unix_connect(str(stub_socket), f"ws://novacron/v1/vms/{_VM}/serial?host=h")
    await connection.recv()
    connection.transport.abort()
    async with asyncio.timeout(5):
        await stub.serial.closed.wait()


async def test_a_client_that_stops_waiting_for_a_console_does_not_hold_it_once_it_opens(stub, remote):
    stub.may_open.clear()
    wanted = asyncio.create_task(remote.open_serial(ALICE, _VM, _HOST))
    async with asyncio.timeout(5):
        await stub.asked_to_open.wait()
    wanted.cancel()
    with pytest.raises(asyncio.CancelledError):
        await wanted
    stub.may_open.set()
    async with asyncio.timeout(5):
        await stub.serial.closed.wait()


async def test_the_far_sides_end_is_the_end_of_reading(stub, remote):
    link = await remote.open_serial(ALICE, _VM, _HOST)
    await link.read()
    await link.write(b"\x04")
    assert await link.read() == b""
    assert stub.serial.closed.is_set()


async def test_a_console_somebody_else_has_is_refused_with_every_word(stub, remote):
    stub.error = Conflict("web-1", "its console is open elsewhere", "--force takes it")
    with pytest.raises(Conflict) as caught:
        await remote.open_serial(ALICE, _VM, _HOST)
    assert (caught.value.subject, caught.value.detail) == ("web-1", "its console is open elsewhere")
    assert caught.value.remedy == "--force takes it"


async def test_a_link_that_breaks_ends_the_console_with_its_cause(stub, remote, monkeypatch):
    link = await remote.open_serial(ALICE, _VM, _HOST)
    await link.read()

    async def break_off(data):
        raise LinkLost("kvm-1", "the connection broke")

    monkeypatch.setattr(stub.serial, "write", break_off)
    await link.write(b"x")
    with pytest.raises(LinkLost, match="the connection broke"):
        await link.read()
    assert stub.serial.closed.is_set()


async def test_text_where_bytes_are_meant_is_passed_over(stub, stub_socket):
    async with unix_connect(str(stub_socket), f"ws://novacron/v1/vms/{_VM}/serial?host=h") as connection:
        assert await connection.recv() == "opened"
        await connection.recv()
        await connection.send("a word")
        await connection.send(b"x")
        assert await connection.recv() == b"X"


async def test_a_backend_that_ends_ends_the_console(socket_path):
    remote = RemoteBackend(socket_path)
    async with serving(StubBackend(), socket_path):
        link = await remote.open_serial(ALICE, _VM, _HOST)
        await link.read()
    async with asyncio.timeout(5):
        assert await link.read() == b""
