"""Each way in which a host cannot be reached, on a real server, told in words and with the status of its row."""

import asyncio
import socket

import asyncssh
import pytest

from novacron.adapters.ssh.connection import SshConnection
from novacron.adapters.ssh.faults import connect_fault
from novacron.model.errors import DeadlineExceeded, LinkError, LinkLost
from novacron.model.link import LinkStatus
from tests.unit.ssh.sshd import Home, Sshd

DEADLINE_S = 5.0


async def _refusal(home: Home, sshd: Sshd | None = None, *, ssh: str = "", deadline_s: float = DEADLINE_S) -> LinkError:
    with pytest.raises(LinkError) as caught:
        await SshConnection.open(home.spec(sshd, ssh=ssh), deadline_s=deadline_s)
    return caught.value


async def test_the_connection_knows_who_we_are_there(home: Home, sshd: Sshd):
    home.trust(sshd)
    connection = await SshConnection.open(home.spec(sshd), deadline_s=DEADLINE_S)
    assert connection.user == "ada"
    connection.abort()


async def test_a_refused_key_is_told_with_the_line_to_try(home: Home, sshd: Sshd):
    home.trust(sshd)
    sshd.trusted = asyncssh.generate_private_key("ssh-ed25519")
    error = await _refusal(home, sshd)
    assert error.status is LinkStatus.AUTH_REFUSED
    assert f"`ssh -F {home.config} -p {sshd.port} ada@127.0.0.1`" in error.remedy


async def test_a_refused_user_is_told_the_same_way(home: Home, sshd: Sshd):
    home.trust(sshd)
    assert (await _refusal(home, ssh=f"eve@127.0.0.1:{sshd.port}")).status is LinkStatus.AUTH_REFUSED


async def test_a_port_on_which_nobody_listens(home: Home, sshd: Sshd):
    await sshd.stop()
    error = await _refusal(home, sshd)
    assert error.status is LinkStatus.UNREACHABLE
    assert "nothing listens on its ssh port" in error.detail


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a..b", "x" * 70])
async def test_a_name_that_nobody_knows(home: Home, name):
    error = await _refusal(home, ssh=name)
    assert error.status is LinkStatus.UNREACHABLE
    assert "its name is not known" in error.detail


async def test_a_host_that_accepts_and_says_nothing_costs_the_deadline_and_no_more(home: Home):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with asyncio.timeout(2):
            error = await _refusal(home, ssh=f"127.0.0.1:{silent.getsockname()[1]}", deadline_s=0.1)
    assert error.status is LinkStatus.UNREACHABLE
    assert "did not answer in time" in error.detail


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-1.5-old\r\n", b"\xff" * 4000])
async def test_something_else_than_sshd_on_its_port(home: Home, says):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        error = await _refusal(home, ssh=f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert error.status is LinkStatus.UNREACHABLE
    assert "ended the connection" in error.detail


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (asyncssh.PermissionDenied("all keys"), LinkStatus.AUTH_REFUSED, "refused every key we have: all keys"),
        (asyncssh.ConnectionLost("gone"), LinkStatus.UNREACHABLE, "ended the connection: gone"),
        (asyncssh.ProtocolError("bad"), LinkStatus.UNREACHABLE, "ended the connection: bad"),
        (asyncssh.KeyExchangeFailed("no cipher"), LinkStatus.UNREACHABLE, "ended the connection: no cipher"),
        (asyncssh.ChannelOpenError(1, "closed"), LinkStatus.UNREACHABLE, "ssh failed: closed"),
        (socket.gaierror(-2, "Name or service not known"), LinkStatus.UNREACHABLE, "Name or service not known"),
        (ConnectionRefusedError(111, "refused"), LinkStatus.UNREACHABLE, "nothing listens on its ssh port"),
        (TimeoutError(), LinkStatus.UNREACHABLE, "did not answer in time"),
        (OSError(113, "No route to host"), LinkStatus.UNREACHABLE, "No route to host"),
        (ConnectionResetError(104, "reset"), LinkStatus.UNREACHABLE, "ended the connection: reset"),
        (OSError(), LinkStatus.UNREACHABLE, "cannot be reached: OSError"),
    ],
)
def test_every_error_has_its_words_and_status_and_a_remedy(home: Home, error, status, words):
    fault = connect_fault(home.spec(ssh="kvm-1"), error)
    assert fault.status is status
    assert words in fault.detail
    assert fault.subject == "kvm-1"
    assert fault.remedy


async def test_words_of_a_command_arrive_as_they_are_and_its_end_comes_back(home: Home, sshd: Sshd):
    home.trust(sshd)
    connection = await SshConnection.open(home.spec(sshd), deadline_s=DEADLINE_S)
    words = ("a b", "$(id)", "'", '"', "*", ";", "", "\n", "\\")
    done = await connection.run(
        ("sh", "-c", 'printf "%s|" "$@"; cat; echo no >&2; exit 7', "sh", *words), deadline_s=DEADLINE_S, stdin=b"\xff"
    )
    assert done.stdout == "".join(f"{word}|" for word in words).encode() + b"\xff"
    assert (done.exit_status, done.stderr) == (7, b"no\n")
    connection.abort()


async def test_a_command_that_does_not_end_costs_its_deadline_and_not_the_connection(home: Home, sshd: Sshd):
    home.trust(sshd)
    connection = await SshConnection.open(home.spec(sshd), deadline_s=DEADLINE_S)
    with pytest.raises(DeadlineExceeded, match="`sleep` did not end within") as caught:
        await connection.run(("sleep", "60"), deadline_s=0.1)
    assert caught.value.status is LinkStatus.STALE
    async with asyncio.timeout(DEADLINE_S):
        assert "sleep 60" in await sshd.ended.get(), "it was left to run on there"
    assert (await connection.run(("echo", "on"), deadline_s=DEADLINE_S)).stdout == b"on\n"
    connection.abort()


async def test_a_connection_that_broke_says_so_at_every_call(home: Home, sshd: Sshd):
    home.trust(sshd)
    connection = await SshConnection.open(home.spec(sshd), deadline_s=DEADLINE_S)
    running = asyncio.ensure_future(connection.run(("sleep", "60"), deadline_s=DEADLINE_S))
    await sshd.begun.get()
    await sshd.stop()
    with pytest.raises(LinkLost, match="the connection broke"):
        await running
    with pytest.raises(LinkLost, match="the connection broke"):
        await connection.run(("true",), deadline_s=DEADLINE_S)
    with pytest.raises((LinkLost, OSError)):
        await connection.open_socket("/nowhere")
    with pytest.raises((LinkLost, OSError)):
        await connection.open_helper(("cat",))
    with pytest.raises(LinkError):
        await connection.listen_socket("/nowhere", lambda reader, writer: asyncio.sleep(0))
