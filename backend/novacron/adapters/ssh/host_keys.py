"""Host keys: asking for one, and learning it after a person said yes.

Nothing here ever trusts a key by itself.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from novacron.adapters.ssh.address import connection_options, ssh_command, users_known_hosts
from novacron.adapters.ssh.faults import connect_fault
from novacron.adapters.ssh.key_faults import entry_of
from novacron.adapters.ssh.way import show_key
from novacron.model.errors import ConfigError, LinkError
from novacron.model.host import HostSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """A key a host showed, and where it would be remembered."""

    entry: str
    """How known_hosts names the host."""
    algorithm: str
    fingerprint: str
    """SHA256:… as ssh shows it."""
    line: str
    """The key as known_hosts has it, without the name."""
    known_hosts: Path


async def fetch_host_key(spec: HostSpec, *, deadline_s: float) -> HostKey:
    """Ask a host for its key without trusting it. Raises LinkError."""
    options = connection_options(spec)
    try:
        async with asyncio.timeout(deadline_s):
            key = await show_key(spec)
    except TimeoutError as error:
        raise connect_fault(spec, error) from error
    if key is None:
        raise LinkError(spec.id, "it showed no host key", f"check that `{ssh_command(spec)}` works")
    return HostKey(
        entry=entry_of(options),
        algorithm=key.get_algorithm(),
        fingerprint=key.get_fingerprint(),
        line=key.export_public_key("openssh").decode().strip().split(" #")[0],
        known_hosts=users_known_hosts(spec),
    )


def trust_host_key(key: HostKey) -> None:
    """Remember a key after a person accepted it: append it to the user's known_hosts. Raises ConfigError."""
    algorithm, data = key.line.split()[:2]
    try:
        key.known_hosts.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = key.known_hosts.read_bytes() if key.known_hosts.exists() else b""
        gap = b"\n" if before and not before.endswith(b"\n") else b""
        with key.known_hosts.open("ab") as handle:
            handle.write(gap + f"{key.entry} {algorithm} {data}\n".encode())
    except OSError as error:
        raise ConfigError(
            str(key.known_hosts), f"cannot be written: {error.strerror}", "check its owner and mode"
        ) from error
