"""The key files that a configuration names, whatever stands at their path."""

import asyncio
import os

import pytest

from novacron.adapters.ssh.host_keys import passed_over
from tests.unit.ssh.sshd import Home


@pytest.mark.parametrize("ending", ["", ".pub", "-cert.pub"])
@pytest.mark.parametrize(("kind", "why"), [("pipe", "is no file"), ("huge", "is too large for a key")])
async def test_a_key_file_that_would_hang_or_fill_the_memory_is_passed_over(
    home: Home, ending: str, kind: str, why: str
):
    key = home.folder / "other"
    home.key.write_private_key(key)
    at = home.folder / f"other{ending}"
    at.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(at)
    else:
        at.touch()
        os.truncate(at, 3 << 30)
    home.configure(f"IdentityFile {key}")
    async with asyncio.timeout(60):
        (line,) = await passed_over(home.spec(ssh="kvm-1"))
    assert line == f"IdentityFile {key} is passed over: {at} {why}"
