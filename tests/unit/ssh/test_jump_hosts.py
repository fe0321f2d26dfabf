"""Past jump hosts, which are checked as the host behind is."""

from collections.abc import AsyncIterator

import asyncssh
import pytest

from novacron.adapters.ssh.connection import SshConnection
from novacron.adapters.ssh.host_keys import fetch_host_key
from novacron.model.errors import LinkError
from novacron.model.host import HostSpec
from novacron.model.link import LinkStatus
from tests.unit.ssh.sshd import Home, Sshd

DEADLINE_S = 5.0


@pytest.fixture
async def bastion(home: Home) -> AsyncIterator[Sshd]:
    server = Sshd(asyncssh.generate_private_key("ssh-ed25519"), home.key)
    await server.start()
    yield server
    await server.stop()


def _behind(home: Home, sshd: Sshd, *bastions: Sshd, more: str = "") -> HostSpec:
    """Name the host by an alias that goes through the jump hosts."""
    jumps = ",".join(f"ada@127.0.0.1:{bastion.port}" for bastion in bastions)
    home.configure(
        *([more] if more else []),
        f"Host kvm-1\nHostName 127.0.0.1\nPort {sshd.port}\nUser ada\nProxyJump {jumps}\nHost *",
    )
    return home.spec(ssh="kvm-1")


async def _refusal(spec: HostSpec) -> LinkError:
    with pytest.raises(LinkError) as caught:
        await SshConnection.open(spec, deadline_s=DEADLINE_S)
    return caught.value


async def test_a_host_behind_two_jump_hosts_is_entered_through_both(home: Home, sshd: Sshd, bastion: Sshd):
    inner = Sshd(asyncssh.generate_private_key("ssh-ed25519"), home.key)
    await inner.start()
    for server in (sshd, bastion, inner):
        home.trust(server)
    connection = await SshConnection.open(_behind(home, sshd, bastion, inner), deadline_s=DEADLINE_S)
    assert (await connection.run(("echo", "there"), deadline_s=DEADLINE_S)).stdout == b"there\n"
    assert [len(server.connections) for server in (bastion, inner, sshd)] == [1, 1, 1]
    connection.abort()
    await inner.stop()


async def test_the_connection_to_the_jump_host_ends_with_the_one_through_it(home: Home, sshd: Sshd, bastion: Sshd):
    home.trust(sshd)
    home.trust(bastion)
    connection = await SshConnection.open(_behind(home, sshd, bastion), deadline_s=DEADLINE_S)
    connection.abort()
    await bastion.connections[0].wait_closed()


@pytest.mark.parametrize("known_hosts", ["", "UserKnownHostsFile none"])
async def test_a_jump_host_nobody_vouched_for_is_not_entered(home: Home, sshd: Sshd, bastion: Sshd, known_hosts):
    if not known_hosts:
        home.trust(sshd)
    error = await _refusal(_behind(home, sshd, bastion, more=known_hosts))
    assert error.status is LinkStatus.HOST_KEY_UNKNOWN
    assert f"at its jump host ada@127.0.0.1:{bastion.port}" in error.detail
    assert bastion.key.get_fingerprint() in error.detail
    assert error.remedy.endswith(f"ssh -F {home.config} -p {bastion.port} ada@127.0.0.1")
    assert not sshd.connections


async def test_a_jump_host_with_a_changed_key_is_not_entered(home: Home, sshd: Sshd, bastion: Sshd):
    home.trust(bastion, sshd.key)
    error = await _refusal(_behind(home, sshd, bastion))
    assert error.status is LinkStatus.HOST_KEY_CHANGED
    assert "at its jump host" in error.detail
    assert "novacron host trust" not in error.remedy


async def test_a_host_behind_a_jump_host_is_itself_checked(home: Home, sshd: Sshd, bastion: Sshd):
    home.trust(bastion)
    error = await _refusal(_behind(home, sshd, bastion))
    assert error.status is LinkStatus.HOST_KEY_UNKNOWN
    assert sshd.key.get_fingerprint() in error.detail
    assert "jump host" not in error.detail


async def test_a_jump_host_that_is_down_or_refuses_us_is_named(home: Home, sshd: Sshd, bastion: Sshd):
    home.trust(bastion)
    spec = _behind(home, sshd, bastion)
    bastion.trusted = sshd.key
    error = await _refusal(spec)
    assert error.status is LinkStatus.AUTH_REFUSED
    assert "at its jump host" in error.detail
    await bastion.stop()
    error = await _refusal(spec)
    assert error.status is LinkStatus.UNREACHABLE
    assert "at its jump host" in error.detail


async def test_a_host_that_is_down_behind_a_jump_host_is_not_the_jump_hosts_fault(
    home: Home, sshd: Sshd, bastion: Sshd
):
    home.trust(bastion)
    home.trust(sshd)
    spec = _behind(home, sshd, bastion)
    await sshd.stop()
    error = await _refusal(spec)
    assert error.status is LinkStatus.UNREACHABLE
    assert "jump host" not in error.detail
    await bastion.connections[0].wait_closed()


async def test_jump_hosts_that_lead_to_each_other_end_in_words(home: Home):
    home.configure("Host kvm-1", "ProxyJump one", "Host one", "ProxyJump two", "Host two", "ProxyJump one", "Host *")
    assert "more than 8 jump hosts" in (await _refusal(home.spec(ssh="kvm-1"))).detail


async def test_a_jump_host_through_itself_is_refused_as_ssh_does(home: Home):
    home.configure("ProxyJump ada@127.0.0.1:9")
    assert "jumphost loop via 127.0.0.1" in (await _refusal(home.spec(ssh="kvm-1"))).detail


async def test_proxy_jump_none_is_no_jump(home: Home, sshd: Sshd):
    home.trust(sshd)
    home.configure("ProxyJump none")
    (await SshConnection.open(home.spec(sshd), deadline_s=DEADLINE_S)).abort()


async def test_a_key_is_fetched_through_a_trusted_jump_host_only(home: Home, sshd: Sshd, bastion: Sshd):
    spec = _behind(home, sshd, bastion)
    with pytest.raises(LinkError, match="at its jump host"):
        await fetch_host_key(spec, deadline_s=DEADLINE_S)
    home.trust(bastion)
    assert (await fetch_host_key(spec, deadline_s=DEADLINE_S)).fingerprint == sshd.key.get_fingerprint()
    await bastion.connections[-1].wait_closed()
