"""What ssh's configuration says of one connection, and what is said where it cannot be used."""

import asyncio
import os
import pwd
import select
from pathlib import Path

import pytest

from novacron.adapters.ssh.address import SshAddress
from novacron.adapters.ssh.host_keys import fetch_host_key, passed_over
from novacron.adapters.ssh.options import SshOptions, options_of
from novacron.adapters.ssh.resolution import resolve
from novacron.model.errors import LinkError
from tests.unit.ssh.sshd import Home, Sshd


def _answer(*lines: str) -> SshOptions:
    return options_of(SshAddress(name="kvm-1"), "\n".join(lines))


async def test_what_the_address_says_wins_over_the_configuration(home: Home):
    home.configure("User conf", "Port 2200", "HostName real.example")
    written = await resolve(home.spec(ssh="ada@kvm-1:2222"))
    assert (written.host, written.user, written.port) == ("real.example", "ada", 2222)
    left_out = await resolve(home.spec(ssh="kvm-1"))
    assert (left_out.host, left_out.user, left_out.port) == ("real.example", "conf", 2200)


@pytest.mark.parametrize("port", ["0", "65536", "many"])
async def test_a_configuration_that_cannot_be_used_is_told_with_its_line(home: Home, port: str):
    home.config.write_text(f"\nPort {port}\n")
    with pytest.raises(LinkError, match=r"cannot be used: .*config line 2: .*[Pp]ort") as caught:
        await resolve(home.spec(ssh="kvm-1"))
    assert str(home.config) in caught.value.remedy


async def test_a_configuration_that_is_not_there_is_told(home: Home):
    home.config.unlink()
    with pytest.raises(LinkError, match="Can't open user config file"):
        await resolve(home.spec(ssh="kvm-1"))


@pytest.mark.parametrize(
    "address", ["a;id", "$(id)", "a|b", "`id`@kvm-1", "a b", "kvm-1>x", "-oProxyCommand=id", "a\\@b"]
)
async def test_a_name_that_a_shell_would_not_take_for_one_is_refused(home: Home, address: str):
    """ssh before 9.6 takes it, and hands it to the shell of ProxyCommand."""
    home.configure(f"ProxyCommand touch {home.folder}/ran-%h-%r")
    with pytest.raises(LinkError, match="no host or user can be called"):
        await resolve(home.spec(ssh=address))


async def test_a_user_of_a_windows_domain_is_one(home: Home):
    assert (await resolve(home.spec(ssh="DOMAIN\\ada@kvm-1"))).user == "DOMAIN\\ada"


async def test_a_match_exec_that_hangs_is_ended_with_who_waits_for_it(home: Home):
    home.config.write_text(f'Match exec "echo $$ >{home.folder}/pid; exec sleep 600"\nPort 1\n')
    noted = home.folder / "pid"
    asking = asyncio.ensure_future(resolve(home.spec(ssh="kvm-1")))
    async with asyncio.timeout(60):
        while not (noted.exists() and noted.read_text().endswith("\n")):  # noqa: ASYNC110 - a file tells nobody of itself
            await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert _has_ended(int(noted.read_text()))


def _has_ended(pid: int) -> bool:
    """Whether a process ends within a minute, reaped or not."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], 60)[0])
    finally:
        os.close(watched)


async def test_without_ssh_its_defaults_hold_where_there_is_no_configuration(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(home.folder))
    with pytest.raises(LinkError, match="cannot be read without ssh, which is not installed here") as caught:
        await resolve(home.spec(ssh="kvm-1"))
    assert caught.value.remedy == "install openssh-client"
    home.config.unlink()
    plain = await resolve(home.spec(ssh="ada@KVM-1:2222"))
    assert (plain.host, plain.user, plain.port, plain.entry) == ("kvm-1", "ada", 2222, "[kvm-1]:2222")
    assert [path.name for path in plain.user_known_hosts] == ["known_hosts"]
    assert "id_ed25519" in [path.name for path in plain.login.identity_files]


def test_file_names_with_spaces_are_told_apart():
    assert _answer("userknownhostsfile /a b/c /d ~/e f").user_known_hosts == (
        Path("/a b/c"),
        Path("/d"),
        _home() / "e f",
    )
    assert _answer("userknownhostsfile none", "globalknownhostsfile none").user_known_hosts == ()


def _home() -> Path:
    return Path(pwd.getpwuid(os.getuid()).pw_dir)


@pytest.mark.parametrize(
    ("named", "agent"),
    [
        ("SSH_AUTH_SOCK", "/session"),
        ("none", ""),
        ("$OTHER", "/other"),
        ("$NOT_SET", ""),
        ("${OTHER}/%h", "/other/kvm-1"),
        ("/run/agent.%r", "/run/agent.ada"),
    ],
)
def test_an_agent_is_named_in_every_way_ssh_knows(monkeypatch: pytest.MonkeyPatch, named: str, agent: str):
    monkeypatch.setenv("SSH_AUTH_SOCK", "/session")
    monkeypatch.setenv("OTHER", "/other")
    assert _answer("user ada", f"identityagent {named}").login.agent == agent
    assert _answer().login.agent == "/session"


def test_tokens_are_replaced_once():
    options = _answer(
        "port 2222", "user ada", "hostname real", "identityfile /k/%n.%h.%p.%r.%%h.%z", "proxycommand nc %h %p"
    )
    assert options.login.identity_files == (Path("/k/kvm-1.real.2222.ada.%h.%z"),)
    assert options.proxy_command == "nc real 2222"


def test_jump_hosts_are_named_as_an_operator_writes_them():
    options = _answer("proxyjump ada@[one]:22,ssh://two/,[fd00::1]:2222,%n")
    assert options.jumps == ("ada@one:22", "two", "[fd00::1]:2222", "kvm-1")
    assert _answer("proxyjump none").jumps == ()


async def test_what_is_passed_over_is_named_in_a_line_each(home: Home):
    gone = home.folder / "gone"
    home.configure(
        f"IdentityFile {gone}", "VerifyHostKeyDNS yes", "HostbasedAuthentication yes", "StrictHostKeyChecking off"
    )
    assert list(await passed_over(home.spec(ssh="kvm-1"))) == [
        "StrictHostKeyChecking no is passed over: a host key is trusted after a person's yes only",
        "HostbasedAuthentication is passed over: keys are used",
        "VerifyHostKeyDNS is passed over: known_hosts alone vouches for a key",
        f"IdentityFile {gone} is passed over: No such file or directory",
    ]


async def test_what_ssh_does_by_itself_is_nothing_to_name(home: Home):
    home.config.write_text("Host *\n")
    assert await passed_over(home.spec(ssh="kvm-1")) == ()


async def test_no_key_is_fetched_that_could_not_be_remembered(home: Home, sshd: Sshd):
    home.configure("UserKnownHostsFile none")
    with pytest.raises(LinkError, match="has no file to remember a host key in"):
        await fetch_host_key(home.spec(sshd), deadline_s=5)
    assert not sshd.connections


async def test_a_key_goes_where_ssh_would_write_it_and_under_the_same_name(home: Home, sshd: Sshd):
    home.configure("UserKnownHostsFile ~/nca/%k.%p ~/two", "HostKeyAlias Rack-7", "HashKnownHosts yes")
    key = await fetch_host_key(home.spec(sshd), deadline_s=5)
    assert (key.entry, key.is_hashed) == ("rack-7", True)
    assert key.known_hosts == _home() / f"nca/rack-7.{sshd.port}"
