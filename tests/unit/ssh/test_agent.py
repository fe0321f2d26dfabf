"""A key that only the operator's ssh agent has: the usual way in from a jump host."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from novacron.adapters.ssh.connection import SshConnection
from novacron.model.errors import LinkError
from novacron.model.link import LinkStatus
from tests.unit.ssh.sshd import Home, Sshd
from tests.unit.ssh.verdicts import Verdict, of_ssh, ours, output_of

pytestmark = pytest.mark.skipif(shutil.which("ssh-agent") is None, reason="there is no ssh-agent on this machine")

_DEADLINE_S = 60.0


class Agent:
    """A real ssh-agent without keys."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "agent"
        self._process = subprocess.Popen(
            ["ssh-agent", "-D", "-a", str(self.socket)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        # Its first line says where it listens, and comes when it does.
        assert self._process.stdout is not None
        assert b"SSH_AUTH_SOCK" in self._process.stdout.readline()

    async def add(self, key: asyncssh.SSHKey) -> None:
        """Hand it a key, as ssh-add does."""
        async with asyncssh.connect_agent(str(self.socket)) as agent:
            await agent.add_keys([key])

    def freeze(self) -> None:
        """Let it take questions and never answer: one that waits for a person to confirm."""
        self._process.send_signal(signal.SIGSTOP)

    def end(self) -> None:
        """End it; again is no harm."""
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def agent(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    """The operator's agent. Their files have no key: the one the server trusts was never written there."""
    (home.folder / "identity").unlink()
    # asyncssh, as ssh, would find the usual files in ~/.ssh; there are none.
    home.config.write_text(f"UserKnownHostsFile {home.known_hosts}\nGlobalKnownHostsFile {home.folder}/none\n")
    with tempfile.TemporaryDirectory(prefix="nca-", dir="/tmp") as folder:
        made = Agent(Path(folder))
        monkeypatch.setenv("SSH_AUTH_SOCK", str(made.socket))
        yield made
        made.end()


async def _enter(home: Home, sshd: Sshd, deadline_s: float = _DEADLINE_S) -> str:
    connection = await SshConnection.open(home.spec(sshd), deadline_s=deadline_s)
    try:
        done = await connection.run(["echo", "inside"], deadline_s=_DEADLINE_S)
        return done.stdout.decode().strip()
    finally:
        connection.abort()


async def test_a_key_of_the_agent_opens_without_any_file(home: Home, sshd: Sshd, agent: Agent):
    home.trust(sshd)
    await agent.add(home.key)
    assert await _enter(home, sshd) == "inside"


async def test_the_right_one_of_several_keys_is_found(home: Home, sshd: Sshd, agent: Agent):
    home.trust(sshd)
    for kind in ("ecdsa-sha2-nistp256", "ssh-ed25519"):
        await agent.add(asyncssh.generate_private_key(kind))
    await agent.add(home.key)
    assert await _enter(home, sshd) == "inside"


@pytest.mark.parametrize("held", ["no key", "another key"])
async def test_an_agent_without_the_key_is_refused_and_the_remedy_names_the_agent(
    home: Home, sshd: Sshd, agent: Agent, held: str
):
    home.trust(sshd)
    if held == "another key":
        await agent.add(asyncssh.generate_private_key("ssh-ed25519"))
    with pytest.raises(LinkError) as caught:
        await _enter(home, sshd)
    assert caught.value.status is LinkStatus.AUTH_REFUSED
    assert "agent" in caught.value.remedy


async def test_without_agent_and_without_file_it_is_refused(
    home: Home, sshd: Sshd, agent: Agent, monkeypatch: pytest.MonkeyPatch
):
    home.trust(sshd)
    await agent.add(home.key)
    monkeypatch.delenv("SSH_AUTH_SOCK")
    with pytest.raises(LinkError) as caught:
        await _enter(home, sshd)
    assert caught.value.status is LinkStatus.AUTH_REFUSED


@pytest.mark.parametrize("left", ["nothing there", "nobody listening", "no socket"])
async def test_an_agent_that_is_gone_is_the_same_as_none(
    home: Home, sshd: Sshd, agent: Agent, monkeypatch: pytest.MonkeyPatch, left: str
):
    home.trust(sshd)
    agent.end()
    path = agent.socket.with_name("left")
    if left == "nobody listening":
        # As a logged-out session leaves it: the socket's file stays.
        server = await asyncio.start_unix_server(lambda *_: None, path)
        os.link(path, agent.socket.with_name("stale"))
        server.close()
        path = agent.socket.with_name("stale")
    elif left == "no socket":
        path.write_text("")
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    with pytest.raises(LinkError) as caught:
        await _enter(home, sshd)
    assert caught.value.status is LinkStatus.AUTH_REFUSED


async def test_the_configurations_own_agent_comes_before_the_sessions(
    home: Home, sshd: Sshd, agent: Agent, monkeypatch: pytest.MonkeyPatch
):
    home.trust(sshd)
    await agent.add(home.key)
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nowhere")
    home.config.write_text(home.config.read_text() + f"IdentityAgent {agent.socket}\n")
    assert await _enter(home, sshd) == "inside"


async def test_an_agent_that_hangs_costs_the_deadline_and_the_loop_goes_on(home: Home, sshd: Sshd, agent: Agent):
    home.trust(sshd)
    await agent.add(home.key)
    agent.freeze()
    with pytest.raises(LinkError) as caught:
        await _enter(home, sshd, deadline_s=0.5)
    assert caught.value.status is LinkStatus.UNREACHABLE


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        ("IdentityFile {home}/gone", Verdict.ENTERS),
        ("IdentityFile {home}/identity", Verdict.ENTERS),
        ("IdentityFile {home}/identity\nIdentitiesOnly yes", Verdict.ENTERS),
        ("IdentityFile {home}/identity.pub\nIdentitiesOnly yes", Verdict.ENTERS),
        ("IdentityFile {home}/gone\nIdentitiesOnly yes", Verdict.REFUSED),
        ("IdentityFile {home}/locked\nIdentitiesOnly yes", Verdict.REFUSED),
        ("IdentityFile none\nIdentitiesOnly yes", Verdict.REFUSED),
        ("IdentityFile none", Verdict.ENTERS),
        ("IdentityAgent none", Verdict.REFUSED),
        ("IdentityAgent SSH_AUTH_SOCK", Verdict.ENTERS),
        ("IdentityAgent $SSH_AUTH_SOCK", Verdict.ENTERS),
        ("IdentityAgent ${{SSH_AUTH_SOCK}}", Verdict.ENTERS),
        ("IdentityAgent {home}/gone", Verdict.REFUSED),
    ],
)
async def test_an_agent_beside_identity_files_is_asked_as_by_ssh(
    home: Home, sshd: Sshd, agent: Agent, lines: str, verdict: Verdict
):
    """Of the key there is the public half in a file, the private one in the agent alone."""
    home.trust(sshd)
    await agent.add(asyncssh.generate_private_key("ssh-ed25519"))
    await agent.add(home.key)
    home.key.write_public_key(home.folder / "identity.pub")
    locked = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "a secret", "-f", str(home.folder / "locked")]
    assert await output_of(locked) == (0, "")
    home.config.write_text(f"{lines.format(home=home.folder)}\n{home.config.read_text()}")
    mine, said = await ours(home.spec(sshd))
    theirs, said_by_ssh = await of_ssh(home.spec(sshd))
    assert (mine, theirs) == (verdict, verdict), f"{said}\n{said_by_ssh}"


@pytest.mark.parametrize("lines", ["", "IdentitiesOnly yes"])
async def test_keys_are_offered_in_the_order_of_ssh(home: Home, sshd: Sshd, agent: Agent, lines: str):
    """sshd ends a connection after six refused keys: a named one is no use behind the others of a full agent."""
    home.trust(sshd)
    sshd.trusted = asyncssh.generate_private_key("ssh-ed25519")
    for _ in range(3):
        await agent.add(asyncssh.generate_private_key("ssh-ed25519"))
    await agent.add(home.key)
    home.key.write_private_key(home.folder / "identity")
    other = asyncssh.generate_private_key("ssh-ed25519")
    other.write_private_key(home.folder / "other")
    for name in ("identity", "other"):
        (home.folder / name).chmod(0o600)
    files = f"IdentityFile {home.folder}/other\nIdentityFile {home.folder}/identity\n{lines}\n"
    home.config.write_text(files + home.config.read_text())
    assert (await ours(home.spec(sshd)))[0] is Verdict.REFUSED
    mine = list(dict.fromkeys(sshd.offered))
    sshd.offered.clear()
    assert (await of_ssh(home.spec(sshd)))[0] is Verdict.REFUSED
    assert mine == list(dict.fromkeys(sshd.offered))
    assert mine[0] == home.key.convert_to_public()
