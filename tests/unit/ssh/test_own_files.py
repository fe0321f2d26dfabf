"""A person's own ~/.ssh and the machine's /etc/ssh, without any file named: ssh and we read the same ones.

Both run where the passwd database says that home is a folder of the test, and where /etc/ssh is another one.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from novacron.model.host import HostSpec
from novacron.model.ids import HostId
from tests.unit.ssh.ssh_cases import OTHER_KEY, public
from tests.unit.ssh.sshd import Home, Sshd
from tests.unit.ssh.verdicts import Verdict, of_ssh, output_of

_REPOSITORY = Path(__file__).parents[3]
_IN_ANOTHER_HOME = """\
mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/etc" /etc/ssh || exit 3
cd "$2"
shift 2
exec "$@"
"""


def _prefix(folder: Path) -> list[str]:
    return ["unshare", "-rm", "sh", "-c", _IN_ANOTHER_HOME, "sh", str(folder), str(_REPOSITORY)]


def _can_be_had() -> bool:
    if not shutil.which("ssh") or not shutil.which("unshare") or not Path("/etc/ssh").is_dir():
        return False
    asked = ["unshare", "-rm", "mount", "--bind", "/etc/ssh", "/etc/ssh"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not _can_be_had(), reason="no user namespace, or no ssh, on this machine")


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """A home and an /etc/ssh of their own."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        """Write `~/.ssh/NAME`, or with `etc/` before it a file of /etc/ssh."""
        path = self.folder / (name if name.startswith("etc/") else f".ssh/{name}")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)

    async def verdicts(self, address: str) -> tuple[Verdict, Verdict, str]:
        """Return our verdict, ssh's, and what was said."""
        env = {name: value for name, value in os.environ.items() if name != "SSH_AUTH_SOCK"}
        argv = [*_prefix(self.folder), sys.executable, "-m", "tests.unit.ssh.verdicts", address]
        status, said = await output_of(argv, env)
        assert status == 0, said
        spec = HostSpec(id=HostId("kvm-1"), ssh=address)
        theirs, said_by_ssh = await of_ssh(spec, _prefix(self.folder), env)
        return Verdict(said.splitlines()[0]), theirs, f"{said}\n{said_by_ssh}"


@pytest.fixture
def own_files(home: Home) -> OwnFiles:
    """The files of a person who has one key and knows nobody."""
    files = OwnFiles(home.folder)
    (home.folder / "etc").mkdir()
    lines = Path("/etc/passwd").read_text(encoding="utf-8").splitlines()
    others = [line for line in lines if line.split(":")[2:3] != ["0"]]
    (home.folder / "passwd").write_text("\n".join([f"root:x:0:0::{home.folder}:/bin/sh", *others, ""]))
    files.write("id_ed25519", home.key.export_private_key().decode())
    return files


async def _expect(own_files: OwnFiles, verdict: Verdict, address: str) -> str:
    mine, theirs, said = await own_files.verdicts(address)
    assert (mine, theirs) == (verdict, verdict), said
    return said


async def test_the_files_that_ssh_has_by_itself_are_enough(own_files: OwnFiles, sshd: Sshd):
    address = f"ada@127.0.0.1:{sshd.port}"
    await _expect(own_files, Verdict.UNKNOWN, address)
    own_files.write("known_hosts", f"[127.0.0.1]:{sshd.port} {public(sshd.key)}\n")
    await _expect(own_files, Verdict.ENTERS, address)
    own_files.write("known_hosts", f"[127.0.0.1]:{sshd.port} {public(OTHER_KEY)}\n")
    said = await _expect(own_files, Verdict.CHANGED, address)
    assert f"-f {own_files.folder}/.ssh/known_hosts, then" in said


async def test_the_second_known_hosts_file_of_ssh_is_read(own_files: OwnFiles, sshd: Sshd):
    own_files.write("known_hosts2", f"[127.0.0.1]:{sshd.port} {public(sshd.key)}\n")
    await _expect(own_files, Verdict.ENTERS, f"ada@127.0.0.1:{sshd.port}")


@pytest.mark.parametrize("known", ["etc/ssh_known_hosts", "etc/ssh_known_hosts2"])
async def test_the_machines_known_hosts_count(own_files: OwnFiles, sshd: Sshd, known: str):
    own_files.write(known, f"[127.0.0.1]:{sshd.port} {public(sshd.key)}\n")
    await _expect(own_files, Verdict.ENTERS, f"ada@127.0.0.1:{sshd.port}")
    own_files.write("etc/ssh_config", "GlobalKnownHostsFile none\n")
    await _expect(own_files, Verdict.UNKNOWN, f"ada@127.0.0.1:{sshd.port}")


async def test_the_own_configuration_decides_where_keys_are_looked_up(own_files: OwnFiles, sshd: Sshd):
    """The host-key check once read no ~/.ssh/config, and the connection did."""
    own_files.write("config", "Include conf.d/*\nHostKeyAlias rack-7\nUserKnownHostsFile ~/.ssh/known.%k\n")
    own_files.write("known_hosts", f"[127.0.0.1]:{sshd.port} {public(sshd.key)}\n")
    await _expect(own_files, Verdict.UNKNOWN, f"ada@127.0.0.1:{sshd.port}")
    own_files.write("known.rack-7", f"rack-7 {public(OTHER_KEY)}\n")
    said = await _expect(own_files, Verdict.CHANGED, f"ada@127.0.0.1:{sshd.port}")
    assert f"ssh-keygen -R 'rack-7' -f {own_files.folder}/.ssh/known.rack-7, then" in said
    own_files.write(
        "conf.d/first", f"Host kvm-*\n HostName 127.0.0.1\n Port {sshd.port}\n User ada\n HostKeyAlias kvm\n"
    )
    own_files.write("known.kvm", f"kvm {public(sshd.key)}\n")
    await _expect(own_files, Verdict.ENTERS, "kvm-1")


async def test_the_machines_configuration_and_its_folder_come_after_the_own_one(own_files: OwnFiles, sshd: Sshd):
    own_files.write("etc/ssh_config", "Include /etc/ssh/ssh_config.d/*.conf\nHost *\n  Port 1\n  HashKnownHosts yes\n")
    own_files.write(
        "etc/ssh_config.d/fleet.conf",
        f"Host kvm-*\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User ada\n  HostKeyAlias machine\n"
        "  GlobalKnownHostsFile /etc/ssh/fleet\n",
    )
    own_files.write("etc/fleet", f"machine {public(sshd.key)}\n")
    await _expect(own_files, Verdict.ENTERS, "kvm-1")
    own_files.write("config", "Host kvm-1\n  HostKeyAlias own\n")
    await _expect(own_files, Verdict.UNKNOWN, "kvm-1")


async def test_a_configuration_that_others_may_write_is_refused_as_by_ssh(own_files: OwnFiles, sshd: Sshd):
    own_files.write("known_hosts", f"[127.0.0.1]:{sshd.port} {public(sshd.key)}\n")
    own_files.write("config", "User ada\n")
    (own_files.folder / ".ssh/config").chmod(0o666)
    mine, theirs, said = await own_files.verdicts(f"127.0.0.1:{sshd.port}")
    assert (mine, theirs) == (Verdict.UNUSABLE, Verdict.OTHER), said
    assert said.count("Bad owner or permissions") == 2
