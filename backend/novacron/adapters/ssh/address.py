"""What an operator writes for a host, as asyncssh wants it."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import asyncssh
from asyncssh.public_key import get_default_public_key_algs

from novacron.model.errors import ConfigError, LinkError
from novacron.model.host import HostSpec
from novacron.text_file import read_text

_DEFAULT_KNOWN_HOSTS = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")
_MOST_KNOWN_HOSTS_BYTES = 16 << 20
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


def connection_arguments(spec: HostSpec) -> dict[str, Any]:
    """Return what asyncssh.connect takes to go to this host as ssh itself would, and nothing that weakens its checks.

    They are no options object: asyncssh forgets the host and port in one, and goes nowhere.

    Raises LinkError when the ssh configuration or a known_hosts file cannot be read.
    """
    configured = _options(spec, {})
    if not 0 < configured.port < 1 << 16:
        raise LinkError(spec.id, f"{configured.port} is no port", "correct it: 1 to 65535; 22 is ssh's own")
    # Named anew in any case: asyncssh fails on a file that is not there yet, where ssh knows nobody, on a line it
    # cannot read, where ssh reads the next, and takes `UserKnownHostsFile none` as leave to trust everybody.
    known = b"".join(_known_lines(spec, path) for path in _known_hosts_files(configured))
    arguments = _arguments(spec) | {"known_hosts": known or _NOBODY}
    vouched = known_keys(_options(spec, arguments))
    if vouched.trusted and not vouched.authorities and not configured.config.get("HostKeyAlgorithms"):
        # asyncssh would ask for keys of the known kinds only, and a machine that was reinstalled without one of them
        # would just hang up: its new key has to be seen to be called a changed one.
        kinds = [*(kind for key in vouched.trusted for kind in key.sig_algorithms), *get_default_public_key_algs()]
        arguments["server_host_key_algs"] = list(dict.fromkeys(kind.decode() for kind in kinds))
    return arguments


def connection_options(spec: HostSpec) -> asyncssh.SSHClientConnectionOptions:
    """Return what asyncssh makes of connection_arguments and the ssh configuration. Raises LinkError as that does."""
    return _options(spec, connection_arguments(spec))


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKeys:
    """What known_hosts says of one host."""

    trusted: Sequence[asyncssh.SSHKey]
    authorities: Sequence[asyncssh.SSHKey]
    revoked: Sequence[asyncssh.SSHKey]


def known_keys(options: asyncssh.SSHClientConnectionOptions) -> KnownKeys:
    """Return the keys by which a host is known."""
    name = name_of(options)
    found = asyncssh.match_known_hosts(options.known_hosts, name, "", options.port)
    # Where nobody is vouched for on this port, asyncssh looks for the name alone, and forgets who is revoked on it.
    on_port = asyncssh.match_known_hosts(options.known_hosts, f"[{name}]:{options.port}", "", None)
    return KnownKeys(trusted=found[0], authorities=found[1], revoked=(*found[2], *on_port[2]))


def name_of(options: asyncssh.SSHClientConnectionOptions) -> str:
    """Return the name under which a host's key is kept."""
    return str(options.host_key_alias or options.host)


def users_known_hosts(spec: HostSpec) -> Path:
    """Return the file in which a host key is remembered. Raises LinkError as connection_options does."""
    files = _known_hosts_files(_options(spec, {}))
    return files[0] if files else Path(_DEFAULT_KNOWN_HOSTS[0]).expanduser()


def ssh_command(spec: HostSpec) -> str:
    """Return the line with which a person tries the same way in."""
    return shlex.join(["ssh", *(["-F", spec.ssh_config] if spec.ssh_config else []), spec.ssh])


def _arguments(spec: HostSpec) -> dict[str, Any]:
    address = SshAddress.parse(spec.ssh)
    given: dict[str, Any] = {"host": address.name, "keepalive_interval": 5, "keepalive_count_max": 3}
    if address.user:
        given["username"] = address.user
    if address.port:
        given["port"] = address.port
    if spec.ssh_config:
        given["config"] = [spec.ssh_config]
    return given


def _options(spec: HostSpec, given: dict[str, Any]) -> asyncssh.SSHClientConnectionOptions:
    try:
        return asyncssh.SSHClientConnectionOptions(**_arguments(spec) | given)
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


def _known_lines(spec: HostSpec, path: Path) -> bytes:
    """Return the lines of a known_hosts file that can be read; a file that is not there has none."""
    try:
        found = path.stat()
        return _sifted(path, found.st_mtime_ns, found.st_size, found.st_ino)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise LinkError(spec.id, f"{path} cannot be read: {error.strerror}", "check its owner and mode") from error
    except ConfigError as error:
        raise LinkError(spec.id, f"{path} {error.detail}", error.remedy) from error


@lru_cache(maxsize=16)
def _sifted(path: Path, *_mark: int) -> bytes:
    """Return the lines that asyncssh can read. Kept while the file is the same: sifting one of 1,500 takes 50 ms."""
    lines = read_text(path, most_bytes=_MOST_KNOWN_HOSTS_BYTES, errors="replace").splitlines()
    return "".join(f"{line}\n" for line in lines if _is_known_hosts_line(line)).encode()


def _is_known_hosts_line(line: str) -> bool:
    try:
        asyncssh.import_known_hosts(line)
    except ValueError:
        return False
    return True


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
