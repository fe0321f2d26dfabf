"""Host keys: asking for one, and learning it after a person said yes.

Nothing here ever trusts a key by itself.
"""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from novacron.adapters.ssh.address import ssh_command
from novacron.adapters.ssh.connecting import show_key
from novacron.adapters.ssh.faults import connect_fault
from novacron.adapters.ssh.identities import load_identities
from novacron.adapters.ssh.known_hosts import hashed
from novacron.adapters.ssh.options import SshOptions
from novacron.adapters.ssh.resolution import resolve
from novacron.model.errors import ConfigError, LinkError
from novacron.model.host import HostSpec

_NO_FILE = Path("/dev/null")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """A key a host showed, and where it would be remembered."""

    entry: str
    """How known_hosts names the host."""
    is_hashed: bool
    """Whether the name is written hashed."""
    algorithm: str
    fingerprint: str
    """SHA256:… as ssh shows it."""
    line: str
    """The key as known_hosts has it, without the name."""
    known_hosts: Path


async def fetch_host_key(spec: HostSpec, *, deadline_s: float) -> HostKey:
    """Ask a host for its key without trusting it. Raises LinkError."""
    try:
        async with asyncio.timeout(deadline_s):
            options = await resolve(spec)
            known_hosts = _remembering_file(spec, options)
            key = await show_key(spec, options)
    except TimeoutError as error:
        raise connect_fault(spec, error) from error
    if key is None:
        raise LinkError(spec.id, "it showed no host key", f"check that `{ssh_command(spec)}` works")
    return HostKey(
        entry=options.entry,
        is_hashed=options.hash_known_hosts,
        algorithm=key.get_algorithm(),
        fingerprint=key.get_fingerprint(),
        line=key.export_public_key("openssh").decode().strip().split(" #")[0],
        known_hosts=known_hosts,
    )


def trust_host_key(key: HostKey) -> None:
    """Remember a key after a person accepted it: append it to the user's known_hosts. Raises ConfigError."""
    algorithm, data = key.line.split()[:2]
    entry = hashed(key.entry) if key.is_hashed else key.entry
    try:
        key.known_hosts.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = key.known_hosts.read_bytes() if key.known_hosts.exists() else b""
        gap = b"\n" if before and not before.endswith(b"\n") else b""
        with key.known_hosts.open("ab") as handle:
            handle.write(gap + f"{entry} {algorithm} {data}\n".encode())
    except OSError as error:
        raise ConfigError(
            str(key.known_hosts), f"cannot be written: {error.strerror}", "check its owner and mode"
        ) from error


async def passed_over(spec: HostSpec) -> tuple[str, ...]:
    """Return what the ssh configuration of a host and its jump hosts asks for and is not done, a line each.

    Raises LinkError as resolve does.
    """
    options = await resolve(spec)
    lines = await _passed_over(options)
    for hop in options.jumps:
        at_hop = await resolve(replace(spec, ssh=hop))
        lines += [f"at its jump host {hop}: {line}" for line in await _passed_over(at_hop)]
    return tuple(lines)


async def _passed_over(options: SshOptions) -> list[str]:
    identities = await asyncio.to_thread(load_identities, options.login)
    lines = (options.checking_passed_over, *options.passed_over, *identities.passed_over)
    return [line for line in lines if line]


def _remembering_file(spec: HostSpec, options: SshOptions) -> Path:
    """Return the file that ssh would write the key to."""
    if not options.user_known_hosts or options.user_known_hosts[0] == _NO_FILE:
        raise LinkError(
            spec.id,
            "its ssh configuration has no file to remember a host key in",
            "name one there: UserKnownHostsFile ~/.ssh/known_hosts",
        )
    return options.user_known_hosts[0]
