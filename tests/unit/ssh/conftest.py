"""A real ssh server on loopback, and a person's home to reach it from: nothing of this machine's own ssh is used."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from tests.unit.ssh.sshd import Home, Sshd


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home with one key of its own, and no agent."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return Home(tmp_path)


@pytest.fixture
async def sshd(home: Home) -> AsyncIterator[Sshd]:
    """A server that lets the home's key in and shows a key of its own."""
    server = Sshd(asyncssh.generate_private_key("ssh-ed25519"), home.key)
    await server.start()
    yield server
    await server.stop()
