"""What an operator writes for a host, as asyncssh wants it."""

import shlex
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from novacron.model.errors import LinkError
from novacron.model.host import HostSpec

_DEFAULT_KNOWN_HOSTS = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")
_NOBODY = b"# no host is known\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class SshAddress:
    """The parts of [user@]name[:port]; what is not said comes from the ssh configuration."""

    name: str
    user: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> "SshAddress":
        """Split an address; an IPv6 address with a port stands in brackets."""
        user, _, rest = text.rpartition("@")
        name, port = rest, 0
        if rest.startswith("["):
            name, _, behind = rest[1:].partition("]")
            port = _number(behind.removeprefix(":"))
        elif rest.count(":") == 1:
            name, _, behind = rest.partition(":")
            port = _number(behind)
        return cls(name=name, user=user, port=port)


def connection_options(spec: HostSpec) -> asyncssh.SSHClientConnectionOptions:
    """Return the options ssh itself would use for this host, and none that weaken its checks.

    Raises LinkError when the ssh configuration cannot be read.
    """
    configured = _options(spec)
    present = [str(path) for path in _known_hosts_files(configured) if path.exists()]
    # Named anew in any case: asyncssh fails on a file that is not there yet, where ssh knows nobody, and takes
    # `UserKnownHostsFile none` as leave to trust everybody.
    return _options(spec, known_hosts=present or _NOBODY)


def users_known_hosts(spec: HostSpec) -> Path:
    """Return the file in which a host key is remembered. Raises LinkError as connection_options does."""
    files = _known_hosts_files(_options(spec))
    return files[0] if files else Path(_DEFAULT_KNOWN_HOSTS[0]).expanduser()


def ssh_command(spec: HostSpec) -> str:
    """Return the line with which a person tries the same way in."""
    return shlex.join(["ssh", *(["-F", spec.ssh_config] if spec.ssh_config else []), spec.ssh])


def _options(spec: HostSpec, **given: object) -> asyncssh.SSHClientConnectionOptions:
    address = SshAddress.parse(spec.ssh)
    if address.user:
        given["username"] = address.user
    if address.port:
        given["port"] = address.port
    if spec.ssh_config:
        given["config"] = [spec.ssh_config]
    try:
        return asyncssh.SSHClientConnectionOptions(
            host=address.name, keepalive_interval=5, keepalive_count_max=3, **given
        )
    except (asyncssh.ConfigParseError, OSError, ValueError) as error:
        raise LinkError(
            spec.id, f"its ssh configuration cannot be used: {error}", f"check {spec.ssh_config or '~/.ssh/config'}"
        ) from error


def _known_hosts_files(configured: asyncssh.SSHClientConnectionOptions) -> list[Path]:
    """Return the files that host keys are looked up in, the user's own first; they may not exist."""
    named = configured.known_hosts
    if named is None:  # as the configuration's word `none` arrives
        return []
    files = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    return [Path(name).expanduser() for name in files or _DEFAULT_KNOWN_HOSTS]


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
