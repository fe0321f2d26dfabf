"""`--connect URI…`: hosts named on the command line instead of in a file."""

from collections.abc import Sequence
from urllib.parse import parse_qs, unquote, urlsplit

from novacron.model.errors import ConfigError
from novacron.model.host import HostSpec
from novacron.model.ids import HostId

_SSH_SCHEMES = frozenset({"qemu+ssh", "qemu+libssh", "qemu+libssh2"})
_REFUSED_PARAMETERS = frozenset({"command", "netcat", "proxy", "no_verify", "no_tty", "pkipath", "auth"})
"""libvirt runs some of these as local programs and switches checks off by others."""


def specs_of(addresses: Sequence[str]) -> tuple[HostSpec, ...]:
    """Return a host for every libvirt URI or ssh name, each with a name of its own.

    Raises ConfigError for an address that cannot be one.
    """
    specs: list[HostSpec] = []
    for address in addresses:
        spec = spec_of(address)
        if any(other.id == spec.id for other in specs):
            raise ConfigError(address, f"two hosts would be called {spec.id}", "name them in a fleet.toml")
        specs.append(spec)
    return tuple(specs)


def spec_of(address: str, name: str = "") -> HostSpec:
    """Return the host behind one address; `name` is what it is to be called, its own name if empty."""
    if "://" not in address:
        if not address or address.startswith("-") or any(character.isspace() for character in address):
            raise ConfigError(
                address or "address", "this is neither a libvirt URI nor an ssh name", "see docs/fleet-toml.md"
            )
        label = name or address.rpartition("@")[2].partition(":")[0]
        return HostSpec(id=HostId(label), ssh=address, peer_uri=f"qemu+ssh://{address}/system")
    parts = urlsplit(address)
    parameters = parse_qs(parts.query)
    refused = sorted(_REFUSED_PARAMETERS & parameters.keys())
    if refused:
        raise ConfigError(
            address,
            f"the parameter {refused[0]} is not taken from a URI",
            "put what is needed into ~/.ssh/config and name the host by ssh",
        )
    if parts.scheme in _SSH_SCHEMES:
        ssh = unquote(parts.netloc)
        return HostSpec(
            id=HostId(name or parts.hostname or ssh),
            ssh=ssh,
            socket=parameters.get("socket", [""])[0],
            peer_uri=f"qemu+ssh://{ssh}/system",
        )
    return HostSpec(id=HostId(name or parts.hostname or _local_name(parts.scheme, parts.path)), uri=address)


def _local_name(scheme: str, path: str) -> str:
    """Name a host without an address by what it is: qemu:///system is "qemu-system"."""
    return "-".join(word for word in (scheme.partition("+")[0], path.strip("/").replace("/", "-")) if word)
