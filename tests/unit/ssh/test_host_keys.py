"""Whom we trust: only a key somebody vouched for, whatever the configuration and its files look like."""

import os

import asyncssh
import pytest

from novacron.adapters.ssh.connection import SshConnection
from novacron.adapters.ssh.host_keys import fetch_host_key, trust_host_key
from novacron.model.errors import ConfigError, LinkError
from novacron.model.link import LinkStatus
from tests.unit.ssh.sshd import Home, Sshd

DEADLINE_S = 5.0


async def _opens(home: Home, sshd: Sshd) -> None:
    (await SshConnection.open(home.spec(sshd), deadline_s=DEADLINE_S)).abort()


async def _refusal(home: Home, sshd: Sshd, **spec: str) -> LinkError:
    with pytest.raises(LinkError) as caught:
        await SshConnection.open(home.spec(sshd, **spec), deadline_s=DEADLINE_S)
    return caught.value


async def test_a_host_whose_key_is_known_is_entered(home: Home, sshd: Sshd):
    home.trust(sshd)
    await _opens(home, sshd)


@pytest.mark.parametrize(
    "known_hosts",
    ["UserKnownHostsFile none", "UserKnownHostsFile ~/not-there", "UserKnownHostsFile /dev/null", ""],
    ids=["none", "a file that is not there", "an empty file", "the default files"],
)
@pytest.mark.parametrize("checking", ["yes", "no", "accept-new"])
async def test_a_host_nobody_vouched_for_is_not_entered_whatever_the_configuration_says(
    home: Home, sshd: Sshd, known_hosts, checking
):
    home.configure(known_hosts, f"StrictHostKeyChecking {checking}")
    error = await _refusal(home, sshd)
    assert error.status is LinkStatus.HOST_KEY_UNKNOWN
    assert sshd.key.get_fingerprint() in error.detail
    assert "novacron host trust kvm-1" in error.remedy
    assert not home.known_hosts.exists(), "nothing is remembered that nobody said yes to"


async def test_a_pipe_in_place_of_known_hosts_is_told_instead_of_waited_for(home: Home, sshd: Sshd):
    os.mkfifo(home.known_hosts)
    error = await _refusal(home, sshd)
    assert error.detail == f"{home.known_hosts} is a pipe, not a file"
    assert error.remedy


async def test_a_key_for_the_same_name_on_another_port_vouches_for_nothing(home: Home, sshd: Sshd):
    line = sshd.key.export_public_key().decode()
    home.known_hosts.write_text(f"[127.0.0.1]:1 {line}")
    assert (await _refusal(home, sshd)).status is LinkStatus.HOST_KEY_UNKNOWN


async def test_a_changed_key_is_told_apart_with_both_fingerprints(home: Home, sshd: Sshd):
    other = asyncssh.generate_private_key("ssh-ed25519")
    home.trust(sshd, other)
    error = await _refusal(home, sshd)
    assert error.status is LinkStatus.HOST_KEY_CHANGED
    assert sshd.key.get_fingerprint() in error.detail
    assert other.get_fingerprint() in error.detail
    assert f"ssh-keygen -R '[127.0.0.1]:{sshd.port}' -f {home.known_hosts}" in error.remedy


async def test_a_key_of_another_kind_than_the_known_one_is_a_changed_key_too(home: Home, sshd: Sshd):
    home.trust(sshd, asyncssh.generate_private_key("ecdsa-sha2-nistp256"))
    error = await _refusal(home, sshd)
    assert error.status is LinkStatus.HOST_KEY_CHANGED
    assert sshd.key.get_fingerprint() in error.detail


async def test_a_revoked_key_is_called_that_and_not_offered_for_trust(home: Home, sshd: Sshd):
    home.trust(sshd, marker="@revoked ")
    error = await _refusal(home, sshd)
    assert error.status is LinkStatus.HOST_KEY_CHANGED
    assert "REVOKED" in error.detail
    assert "novacron host trust" not in error.remedy


async def test_a_revoked_key_is_refused_though_it_is_also_vouched_for(home: Home, sshd: Sshd):
    home.trust(sshd)
    home.trust(sshd, marker="@revoked ")
    assert "REVOKED" in (await _refusal(home, sshd)).detail


@pytest.mark.parametrize(
    "line",
    ["one-word", "@marker a b", "|1|broken|hash ssh-ed25519 AAAA", "kvm-9 ssh-ed25519 AAAA", "caf\xe9 ssh-rsa", "\x00"],
)
async def test_a_line_that_cannot_be_read_costs_none_of_the_others(home: Home, sshd: Sshd, line):
    key = sshd.key.export_public_key().decode().split()[1]
    broken = f"{line.replace('hash ssh-ed25519 AAAA', f'hash ssh-ed25519 {key}')}\n"
    home.known_hosts.write_bytes(broken.encode("latin-1"))
    assert (await _refusal(home, sshd)).status is LinkStatus.HOST_KEY_UNKNOWN
    home.trust(sshd)
    await _opens(home, sshd)


async def test_a_known_hosts_file_that_cannot_be_read_is_named(home: Home, sshd: Sshd):
    home.known_hosts.mkdir()
    error = await _refusal(home, sshd)
    assert error.status is LinkStatus.HOST_KEY_UNKNOWN
    assert f"({home.known_hosts} is a folder, not a file)" in error.detail


async def test_a_host_key_alias_is_the_name_the_key_is_kept_by(home: Home, sshd: Sshd):
    home.configure("HostKeyAlias rack-7")
    assert (await _refusal(home, sshd)).status is LinkStatus.HOST_KEY_UNKNOWN
    home.known_hosts.write_text(f"rack-7 {sshd.key.export_public_key().decode()}")
    await _opens(home, sshd)


async def test_a_key_that_was_fetched_and_accepted_lets_us_in_and_only_then(home: Home, sshd: Sshd):
    spec = home.spec(sshd)
    key = await fetch_host_key(spec, deadline_s=DEADLINE_S)
    assert (key.fingerprint, key.algorithm) == (sshd.key.get_fingerprint(), "ssh-ed25519")
    assert (key.entry, key.known_hosts) == (f"[127.0.0.1]:{sshd.port}", home.known_hosts)
    assert (await _refusal(home, sshd)).status is LinkStatus.HOST_KEY_UNKNOWN
    trust_host_key(key)
    await _opens(home, sshd)


async def test_a_fetched_key_is_appended_on_a_line_of_its_own(home: Home, sshd: Sshd):
    home.known_hosts.write_text("kvm-9 ssh-ed25519 AAAA")
    key = await fetch_host_key(home.spec(sshd), deadline_s=DEADLINE_S)
    trust_host_key(key)
    first, second = home.known_hosts.read_text().splitlines()
    assert first == "kvm-9 ssh-ed25519 AAAA"
    assert second.split()[:2] == [key.entry, "ssh-ed25519"]


async def test_the_key_of_a_host_that_is_not_there_cannot_be_fetched(home: Home, sshd: Sshd):
    await sshd.stop()
    with pytest.raises(LinkError, match="nothing listens"):
        await fetch_host_key(home.spec(sshd), deadline_s=DEADLINE_S)


async def test_a_key_that_cannot_be_written_is_said_so(home: Home, sshd: Sshd):
    key = await fetch_host_key(home.spec(sshd), deadline_s=DEADLINE_S)
    home.known_hosts.mkdir()
    with pytest.raises(ConfigError, match="cannot be written"):
        trust_host_key(key)
