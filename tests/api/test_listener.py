"""Where no file descriptor is left, a listener waits: it neither spins, nor fills the log, nor ends."""

import asyncio
import errno
import logging
import socket

import pytest

from novacron.api import listener
from novacron.api.listener import Listener
from tests.support.api_server import eventually


class _Listening(socket.socket):
    """A listening socket that finds no descriptor as long as it is told so."""

    tries = 0
    failure: int | None = errno.EMFILE

    def accept(self):
        self.tries += 1
        if self.failure is not None:
            raise OSError(self.failure, "Too many open files")
        return super().accept()


@pytest.fixture
def listening(socket_path):
    with _Listening(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        made.bind(str(socket_path))
        made.listen(8)
        made.setblocking(False)
        yield made


@pytest.mark.parametrize("failure", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_a_listener_without_descriptors_waits_and_serves_once_there_are_some(
    listening, socket_path, monkeypatch, caplog, failure
):
    monkeypatch.setattr(listener, "_WAIT_S", 0.05)
    listening.failure = failure
    connected = asyncio.Event()

    class Protocol(asyncio.Protocol):
        def connection_made(self, transport):
            connected.set()
            transport.close()

    caplog.set_level(logging.WARNING, "novacron.api")
    taking = Listener(listening, Protocol)
    _, writer = await asyncio.open_unix_connection(socket_path)
    await eventually(lambda: listening.tries >= 3)
    assert len(caplog.records) == 1, "it is said once, not at every try"
    assert not connected.is_set()
    listening.failure = None
    async with asyncio.timeout(60):
        await connected.wait()
    writer.close()
    taking.close()


async def test_a_listener_without_descriptors_tries_once_a_wait(listening, socket_path, monkeypatch):
    monkeypatch.setattr(listener, "_WAIT_S", 3600)
    taking = Listener(listening, asyncio.Protocol)
    writers = [(await asyncio.open_unix_connection(socket_path))[1] for _ in range(4)]
    for _ in range(50):
        await asyncio.sleep(0)
    assert listening.tries == 1
    for writer in writers:
        writer.close()
    taking.close()
    taking.close()
