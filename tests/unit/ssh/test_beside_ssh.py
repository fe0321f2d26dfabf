"""Configurations that OpenSSH takes, each against a server: our verdict beside the one of `ssh` itself."""

import shutil

import pytest

from tests.unit.ssh.ssh_cases import CASES, Case, words
from tests.unit.ssh.sshd import Home, Sshd
from tests.unit.ssh.verdicts import of_ssh, ours

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh on this machine")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_our_verdict_is_the_one_of_ssh(home: Home, sshd: Sshd, case: Case):
    known = words(home, sshd)
    if case.prepare is not None:
        case.prepare(home, sshd)
    home.known_hosts.write_text(case.known_hosts.format(**known) + "\n", encoding="utf-8")
    home.configure(case.config.format(**known))
    before = home.known_hosts.read_bytes()
    mine, said = await ours(home.spec(sshd))
    assert home.known_hosts.read_bytes() == before, "nothing is remembered that nobody said yes to"
    theirs, said_by_ssh = await of_ssh(home.spec(sshd))
    assert theirs is case.verdict, said_by_ssh
    assert mine is (case.ours or case.verdict), said
    assert case.says.format(**known) in said
