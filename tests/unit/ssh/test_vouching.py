"""Who vouches for a host beyond a plain known_hosts line: authorities, addresses, hashed names."""

from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from novacron.adapters.ssh.connection import SshConnection
from novacron.adapters.ssh.host_keys import fetch_host_key, trust_host_key
from novacron.adapters.ssh.key_faults import key_fault
from novacron.adapters.ssh.known_hosts import KnownHosts, keys_for, read_known_hosts
from novacron.adapters.ssh.options import SshOptions
from novacron.adapters.ssh.vouching import Vouchers
from novacron.model.host import HostSpec
from novacron.model.ids import HostId
from novacron.model.link import LinkStatus
from tests.unit.ssh.ssh_cases import OTHER_KEY, public
from tests.unit.ssh.sshd import Home, Sshd
from tests.unit.ssh.verdicts import Verdict, of_ssh, ours, output_of

AUTHORITY = asyncssh.generate_private_key("ssh-ed25519")
KEY = asyncssh.generate_private_key("ssh-ed25519")


@pytest.mark.parametrize(
    ("known", "principal", "verdict"),
    [
        ("@cert-authority * {authority}", "127.0.0.1", Verdict.ENTERS),
        ("@cert-authority [127.0.0.1]:* {authority}", "127.0.0.1", Verdict.ENTERS),
        ("@cert-authority kvm-* {authority}", "127.0.0.1", Verdict.UNKNOWN),
        ("@cert-authority * {other}", "127.0.0.1", Verdict.UNKNOWN),
        ("@cert-authority * {authority}", "kvm-9", Verdict.UNKNOWN),
        ("@cert-authority * {authority}\n@revoked * {authority}", "127.0.0.1", Verdict.REVOKED),
        ("@cert-authority * {authority}\n@revoked * {key}", "127.0.0.1", Verdict.REVOKED),
        (
            "@cert-authority * {authority}\n@revoked * {authority}\n[127.0.0.1]:{port} {key}",
            "127.0.0.1",
            Verdict.REVOKED,
        ),
        ("@cert-authority * {other}\n[127.0.0.1]:{port} {key}", "127.0.0.1", Verdict.ENTERS),
        ("@cert-authority * {authority}\n[127.0.0.1]:{port} {key}", "kvm-9", Verdict.ENTERS),
        ("[127.0.0.1]:{port} {key}", "127.0.0.1", Verdict.ENTERS),
        ("[127.0.0.1]:{port} {other}", "127.0.0.1", Verdict.CHANGED),
    ],
)
async def test_a_host_certificate_counts_as_for_ssh(
    home: Home, sshd: Sshd, known: str, principal: str, verdict: Verdict
):
    certificate = AUTHORITY.generate_host_certificate(sshd.key, "host", principals=[principal])
    await sshd.stop()
    sshd.certificate = certificate
    await sshd.start()
    words = {"port": sshd.port, "key": public(sshd.key), "authority": public(AUTHORITY), "other": public(OTHER_KEY)}
    home.known_hosts.write_text(known.format(**words) + "\n")
    mine, said = await ours(home.spec(sshd))
    theirs, said_by_ssh = await of_ssh(home.spec(sshd))
    assert (mine, theirs) == (verdict, verdict), f"{said}\n{said_by_ssh}"


async def test_beside_a_krl_an_authority_vouches_for_nobody_and_that_is_said(home: Home, sshd: Sshd):
    """A KRL may revoke a certificate by its serial number, which is not known before the host shows it."""
    await sshd.stop()
    sshd.certificate = AUTHORITY.generate_host_certificate(sshd.key, "host", principals=["127.0.0.1"])
    await sshd.start()
    OTHER_KEY.write_public_key(home.folder / "other.pub")
    krl = home.folder / "krl"
    assert await output_of(["ssh-keygen", "-q", "-k", "-f", str(krl), str(home.folder / "other.pub")]) == (0, "")
    home.known_hosts.write_text(f"@cert-authority * {public(AUTHORITY)}\n")
    home.configure(f"RevokedHostKeys {krl}")
    mine, said = await ours(home.spec(sshd))
    assert mine is Verdict.UNKNOWN
    assert "(host certificates are not taken where RevokedHostKeys is a KRL)" in said


def _vouchers(text: str, name: str = "kvm-1") -> Vouchers:
    known = (KnownHosts(text.format(key=public(KEY), other=public(OTHER_KEY)), "/known_hosts"),)
    return Vouchers(found=keys_for(known, name), known_hosts=known)


_OPTIONS = SshOptions(name="kvm-1", host="kvm-1", port=22, user="ada", check_host_ip=True, tokens={})


@pytest.mark.parametrize(
    ("text", "address", "is_trusted"),
    [
        ("kvm-1 {key}", "10.0.0.7", True),
        ("kvm-1,10.0.0.7 {key}", "10.0.0.7", True),
        ("kvm-1 {key}\n10.0.0.7 {other}", "10.0.0.7", False),
        ("kvm-1 {key}\n10.0.0.7 {other}", "127.0.0.1", True),
        ("kvm-1 {key}\n10.0.0.7 {other}", "", True),
        ("kvm-1 {key}\n@revoked 10.0.0.7 {key}", "10.0.0.7", False),
        ("10.0.0.7 {key}", "10.0.0.7", False),
    ],
)
def test_with_check_host_ip_a_key_must_not_be_another_than_the_addresss(text: str, address: str, is_trusted: bool):
    trusted, _, _ = _vouchers(text).accepted(_OPTIONS, address)
    assert bool(trusted) is is_trusted


def test_without_check_host_ip_an_address_vouches_for_nothing_and_takes_nothing_back():
    """asyncssh accepts a key that is known for the address in place of the name's own."""
    options = replace(_OPTIONS, check_host_ip=False)
    assert _vouchers("kvm-1 {key}\n10.0.0.7 {other}").accepted(options, "10.0.0.7")[0] == [KEY.convert_to_public()]


def test_a_key_that_is_not_the_addresss_is_told_as_that():
    vouchers = _vouchers("kvm-1 {key}\n10.0.0.7 {other}")
    spec = HostSpec(id=HostId("kvm-1"), ssh="kvm-1")
    fault = key_fault(spec, _OPTIONS, vouchers, KEY.convert_to_public(), "10.0.0.7")
    assert fault.status is LinkStatus.HOST_KEY_CHANGED
    assert "is not the one known for its address 10.0.0.7: /known_hosts says otherwise" in fault.detail


async def test_a_key_learned_under_a_hashed_name_lets_us_and_ssh_in(home: Home, sshd: Sshd):
    home.configure("HashKnownHosts yes")
    trust_host_key(await fetch_host_key(home.spec(sshd), deadline_s=5))
    assert home.known_hosts.read_text().startswith("|1|")
    assert (await ours(home.spec(sshd)))[0] is Verdict.ENTERS
    assert (await of_ssh(home.spec(sshd)))[0] is Verdict.ENTERS


async def test_a_certificate_file_of_asyncssh_alone_trusts_nobody(home: Home, sshd: Sshd):
    """asyncssh takes ~/.ssh/ca-bundle.crt for authorities of hosts, of which ssh knows nothing."""
    (home.folder / ".ssh").mkdir()
    (home.folder / ".ssh/ca-bundle.crt").write_text("no certificate\n")
    home.trust(sshd)
    (await SshConnection.open(home.spec(sshd), deadline_s=5)).abort()


def test_a_file_is_parsed_once_for_each_state_of_it(tmp_path: Path):
    path = tmp_path / "known_hosts"
    path.write_text(f"kvm-1 {public(KEY)}\n")
    first = read_known_hosts(path)
    assert read_known_hosts(path) is first
    path.write_text(f"kvm-1 {public(KEY)}\nkvm-2 {public(KEY)}\n")
    assert len(keys_for([read_known_hosts(path)], "kvm-2").trusted) == 1
