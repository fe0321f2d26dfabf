"""What an operator writes for a host, as asyncssh wants it."""

from dataclasses import dataclass

import asyncssh

from novacron.model.errors import LinkError
from novacron.model.host import HostSpec


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
    address = SshAddress.parse(spec.ssh)
    given: dict[str, object] = {}
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


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
