"""What an operator writes for a host, and the ssh command line that goes the same way."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

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

    def __str__(self) -> str:
        name = f"[{self.name}]" if self.port and ":" in self.name else self.name
        return (f"{self.user}@" if self.user else "") + name + (f":{self.port}" if self.port else "")


def ssh_arguments(spec: HostSpec) -> list[str]:
    """Return the arguments that make `ssh` go to this host, its name last."""
    address = SshAddress.parse(spec.ssh)
    configuration = ["-F", spec.ssh_config] if spec.ssh_config else []
    port = ["-p", str(address.port)] if address.port else []
    user = ["-l", address.user] if address.user else []
    return [*configuration, *port, *user, "--", address.name]


def ssh_command(spec: HostSpec, jumps: Sequence[str] = ()) -> str:
    """Return the line with which a person tries the same way in, past `jumps` where the configuration names none."""
    *arguments, _, name = ssh_arguments(spec)
    if "-l" in arguments:
        at = arguments.index("-l")
        name = f"{arguments[at + 1]}@{name}"
        del arguments[at : at + 2]
    return shlex.join(["ssh", *arguments, *(["-J", ",".join(jumps)] if jumps else []), name])


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
