"""OpenSSH's own server on loopback, for what only that one decides: how many sessions a connection may have."""

import asyncio
import getpass
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from novacron.model.host import HostSpec
from novacron.model.ids import HostId
from tests.unit.ssh.sshd import Home

_START_S = 20.0
_IN_OWN_RUN = 'mount -t tmpfs -o mode=755 run /run && mkdir /run/sshd && exec "$@"'
"""As root sshd insists on /run/sshd, which nothing made where no sshd runs."""


@asynccontextmanager
async def openssh(home: Home, *lines: str) -> AsyncIterator[HostSpec]:
    """Run an sshd with these lines in its configuration; gives how it is reached as who runs the tests."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("OpenSSH's server is not installed")
    port = _free_port()
    command = [program, "-D", "-e", "-f", str(_configure(home, port, lines))]
    if os.geteuid() == 0:
        command = ["unshare", "--mount", "sh", "-c", _IN_OWN_RUN, "sh", *command]
    with (home.folder / "sshd.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
    try:
        await _until_it_listens(process, port, home.folder / "sshd.log")
        address = f"{getpass.getuser()}@127.0.0.1:{port}"
        yield HostSpec(id=HostId("kvm-1"), ssh=address, ssh_config=str(home.config))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _configure(home: Home, port: int, lines: tuple[str, ...]) -> Path:
    host_key, accepted = home.folder / "host_key", home.folder / "accepted"
    home.key.write_private_key(host_key)
    host_key.chmod(0o600)
    accepted.write_bytes(home.key.export_public_key())
    public = home.key.export_public_key().decode().strip()
    home.known_hosts.write_text(f"[127.0.0.1]:{port} {public}\n", encoding="utf-8")
    config = home.folder / "sshd_config"
    config.write_text(
        "\n".join(
            (
                *lines,
                f"ListenAddress 127.0.0.1:{port}",
                f"HostKey {host_key}",
                f"AuthorizedKeysFile {accepted}",
                "PidFile none",
                "StrictModes no",
                "UsePAM no",
                "PermitRootLogin yes",
                "PasswordAuthentication no",
                "",
            )
        ),
        encoding="utf-8",
    )
    return config


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _until_it_listens(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    async with asyncio.timeout(_START_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                assert process.returncode is None, log.read_text()  # noqa: ASYNC240
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
