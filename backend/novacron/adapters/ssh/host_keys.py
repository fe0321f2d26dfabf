"""Host keys: telling an unknown one from a changed one, and learning one after a person said yes.

Nothing here ever trusts a key by itself.
"""

import asyncio
import shlex
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from novacron.adapters.ssh.address import connection_options, ssh_command, users_known_hosts
from novacron.adapters.ssh.faults import connect_fault
from novacron.model.errors import ConfigError, LinkError
from novacron.model.host import HostSpec
from novacron.model.link import LinkStatus


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
            key = await asyncssh.get_server_host_key(options=options)
    except (asyncssh.Error, OSError) as error:
        raise connect_fault(spec, error) from error
    if key is None:
        raise LinkError(spec.id, "it showed no host key", f"check that `{ssh_command(spec)}` works")
    return HostKey(
        entry=_entry(options),
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


def key_fault(spec: HostSpec, options: asyncssh.SSHClientConnectionOptions, key: asyncssh.SSHKey | None) -> LinkError:
    """Return why a host's key is not trusted: nobody vouched for it, or it is not the one vouched for."""
    shown = f"{key.get_algorithm()} {key.get_fingerprint()}" if key is not None else "none we could read"
    known = _known_fingerprints(options)
    if known:
        return LinkError(
            spec.id,
            f"its host key has CHANGED: it shows {shown}, known is {', '.join(known)}",
            f"find out why; only if it was reinstalled: ssh-keygen -R '{_entry(options)}' "
            f"-f {shlex.quote(str(users_known_hosts(spec)))}, "
            f"then novacron host trust {spec.id}",
            status=LinkStatus.HOST_KEY_CHANGED,
        )
    return LinkError(
        spec.id,
        f"nobody has vouched for its host key {shown}",
        f"compare it with the host's own, then run: novacron host trust {spec.id}",
        status=LinkStatus.HOST_KEY_UNKNOWN,
    )


def _known_fingerprints(options: asyncssh.SSHClientConnectionOptions) -> list[str]:
    try:
        host_keys, *_ = asyncssh.match_known_hosts(options.known_hosts, _name(options), "", options.port)
    except (OSError, ValueError, asyncssh.Error):
        return []
    return [f"{key.get_algorithm()} {key.get_fingerprint()}" for key in host_keys]


def _name(options: asyncssh.SSHClientConnectionOptions) -> str:
    return str(options.host_key_alias or options.host)


def _entry(options: asyncssh.SSHClientConnectionOptions) -> str:
    name, port = _name(options), int(options.port or 22)
    return name if port == 22 or options.host_key_alias else f"[{name}]:{port}"
