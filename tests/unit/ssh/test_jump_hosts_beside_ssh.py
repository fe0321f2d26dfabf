"""Jump hosts whose key is known, unknown, changed or revoked: we enter what `ssh` enters, and nothing behind others."""

import shutil
from collections.abc import AsyncIterator

import asyncssh
import pytest

from tests.unit.ssh.ssh_cases import OTHER_KEY, public
from tests.unit.ssh.sshd import Home, Sshd
from tests.unit.ssh.verdicts import Verdict, of_ssh, ours

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh on this machine")

ENTERS, UNKNOWN, CHANGED, REVOKED = Verdict.ENTERS, Verdict.UNKNOWN, Verdict.CHANGED, Verdict.REVOKED
_JUMP = "ProxyJump ada@127.0.0.1:{jump}"
_COMMAND = "ProxyCommand ssh -F {home}/config -W '[%h]:%p' -o BatchMode=yes -p {jump} ada@127.0.0.1"
_OWN_FILE = "UserKnownHostsFile {home}/jumps\nGlobalKnownHostsFile none"


@pytest.fixture
async def jump(home: Home) -> AsyncIterator[Sshd]:
    server = Sshd(asyncssh.generate_private_key("ssh-ed25519"), home.key)
    await server.start()
    yield server
    await server.stop()


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        ("[127.0.0.1]:{jump} {jump_key}", ENTERS),
        ("# nobody", UNKNOWN),
        ("[127.0.0.1]:{port} {jump_key}", UNKNOWN),
        ("[127.0.0.1]:{jump} {other}", CHANGED),
        ("[127.0.0.1]:{jump} {key}", CHANGED),
        ("@revoked * {jump_key}\n[127.0.0.1]:{jump} {jump_key}", REVOKED),
    ],
    ids=["known", "nobody", "known for the host behind", "changed", "shows not the host's key", "revoked"],
)
@pytest.mark.parametrize("way", [_JUMP, _COMMAND], ids=["ProxyJump", "ProxyCommand"])
async def test_a_jump_hosts_key_is_checked_as_ssh_checks_it(
    home: Home, sshd: Sshd, jump: Sshd, way: str, known: str, verdict: Verdict
):
    await _compare(home, sshd, jump, (f"Match originalhost kvm-1\n{way}",), known, verdict)


@pytest.mark.parametrize(
    ("lines", "known", "verdict"),
    [
        (_OWN_FILE, "# nobody", ENTERS),
        (f"{_OWN_FILE}\nHostKeyAlias front", "# nobody", UNKNOWN),
        ("HostKeyAlias front", "front {jump_key}", ENTERS),
        ("HostKeyAlias front", "front {other}", CHANGED),
        ("RevokedHostKeys {home}/revoked", "[127.0.0.1]:{jump} {jump_key}", REVOKED),
        ("KnownHostsCommand /bin/echo %H {jump_key}", "# nobody", ENTERS),
        ("UserKnownHostsFile none", "[127.0.0.1]:{jump} {jump_key}", UNKNOWN),
    ],
    ids=["own file", "own file, other name", "alias", "alias changed", "revoked list", "command", "no file"],
)
async def test_a_jump_host_has_options_of_its_own(
    home: Home, sshd: Sshd, jump: Sshd, lines: str, known: str, verdict: Verdict
):
    (home.folder / "jumps").write_text(f"[127.0.0.1]:{jump.port} {public(jump.key)}\n")
    (home.folder / "revoked").write_text(f"{public(jump.key)}\n")
    front = f"Host front\nHostName 127.0.0.1\nPort {jump.port}\nUser ada\n{lines}"
    await _compare(home, sshd, jump, (front, "Host kvm-1\nProxyJump front"), known, verdict)


@pytest.mark.parametrize(
    "lines",
    ["UserKnownHostsFile {home}/jumps", "HostKeyAlias kvm-1", "StrictHostKeyChecking no\nUserKnownHostsFile /dev/null"],
    ids=["file", "alias", "no checking"],
)
async def test_the_hosts_own_options_say_nothing_of_its_jump_host(home: Home, sshd: Sshd, jump: Sshd, lines: str):
    (home.folder / "jumps").write_text(f"[127.0.0.1]:{jump.port} {public(jump.key)}\n")
    await _compare(home, sshd, jump, (f"Match originalhost kvm-1\n{_JUMP}\n{lines}",), "# nobody", UNKNOWN)


async def _compare(home: Home, sshd: Sshd, jump: Sshd, blocks: tuple[str, ...], known: str, verdict: Verdict) -> None:
    words = {
        "home": str(home.folder),
        "port": sshd.port,
        "jump": jump.port,
        "key": public(sshd.key),
        "jump_key": public(jump.key),
        "other": public(OTHER_KEY),
    }
    text = f"[127.0.0.1]:{sshd.port} {public(sshd.key)}\n{known}\n".format(**words)
    home.known_hosts.write_text(text)
    behind = f"Match originalhost kvm-1\nHostName 127.0.0.1\nPort {sshd.port}\nUser ada"
    home.configure(*(block.format(**words) for block in blocks), behind, "Match all")
    spec = home.spec(ssh="kvm-1")
    mine, said = await ours(spec)
    if verdict is not ENTERS:
        assert not sshd.connections
    theirs, said_by_ssh = await of_ssh(spec)
    assert theirs is verdict, said_by_ssh
    assert home.known_hosts.read_text() == text, "nothing is remembered that nobody said yes to"
    if "ProxyCommand" in "".join(blocks) and verdict is not ENTERS:
        # It is ssh that refuses then, and all we see is that the command ended.
        assert mine is Verdict.OTHER
        assert "its ProxyCommand ended" in said
        assert f"`ssh -F {home.config} kvm-1` says why" in said
        return
    assert mine is verdict, said
    if verdict is not ENTERS:
        assert "at its jump host" in said
