"""`--connect URI…`: hosts named on the command line instead of in a file."""

import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

from novacron.model.errors import ConfigError
from novacron.model.host import HostSpec
from novacron.model.ids import HostId

_SSH_SCHEMES = frozenset({"qemu+ssh", "qemu+libssh", "qemu+libssh2"})
_REFUSED_PARAMETERS = frozenset({"command", "netcat", "proxy", "no_verify", "no_tty", "pkipath", "auth"})
"""libvirt runs some of these as local programs and switches checks off by others."""
_RUNNING_PARAMETERS = frozenset({"command", "netcat"})
_REMEDY = "see docs/fleet-toml.md for what is taken"


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
    """Return the host behind one address; `name` is what it is to be called, its own name if empty.

    Raises ConfigError for an address that cannot be one.
    """
    if address.startswith("ssh://"):  # ssh takes its own URIs as well
        address = address.removeprefix("ssh://").removesuffix("/")
    try:
        parts = urlsplit(address if "://" in address else f"ssh://{address}")
        host = parts.hostname or ""
    except ValueError as error:
        raise ConfigError(address, f"this is no address: {error}", _REMEDY) from error
    if "://" not in address:
        return _ssh_spec(address, address, host, name)
    _refuse_parameters(address, parts.query, _REFUSED_PARAMETERS)
    if not parts.scheme:
        raise ConfigError(address, "this is no libvirt URI", _REMEDY)
    if parts.scheme not in _SSH_SCHEMES:
        return HostSpec(id=HostId(name or host or _local_name(parts.scheme, parts.path)), uri=address)
    if parts.path != "/system":
        raise ConfigError(address, f"over ssh only /system is reached, not {parts.path or '/'}", _REMEDY)
    spec = _ssh_spec(address, unquote(parts.netloc), host, name)
    return replace(spec, socket=parse_qs(parts.query).get("socket", [""])[0])


def require_harmless_peer(uri: str) -> None:
    """Check the URI that another host's libvirtd will be given.

    Raises ConfigError for one that would run a program of its choice there.
    """
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise ConfigError(uri, f"this is no address: {error}", _REMEDY) from error
    if not parts.scheme or (parts.hostname or "").startswith("-") or parts.netloc.startswith("-"):
        raise ConfigError(uri, "this is no libvirt URI", _REMEDY)
    _refuse_parameters(uri, parts.query, _RUNNING_PARAMETERS)


def _refuse_parameters(uri: str, query: str, unwanted: frozenset[str]) -> None:
    # As libvirt reads them: it parts them at a semicolon as well, and does not look at their case.
    names = {unquote(part.partition("=")[0]).strip().lower() for part in re.split("[&;]", query)}
    refused = sorted(unwanted & names)
    if refused:
        raise ConfigError(
            uri,
            f"the parameter {refused[0]} is not taken from a URI",
            "put what is needed into ~/.ssh/config and name the host by ssh",
        )


def _ssh_spec(address: str, ssh: str, host: str, name: str) -> HostSpec:
    # A name becomes part of a URI that other hosts are given: it may not bring parameters of its own.
    unfit = any(sign.isspace() or not sign.isprintable() or sign in "/?#" for sign in ssh)
    if not host or unfit or ssh.startswith("-") or host.startswith("-"):
        raise ConfigError(address or "address", "this is neither a libvirt URI nor an ssh name", _REMEDY)
    return HostSpec(id=HostId(name or host), ssh=ssh, peer_uri=f"qemu+ssh://{ssh}/system")


def _local_name(scheme: str, path: str) -> str:
    """Name a host without an address by what it is: qemu:///system is "qemu-system"."""
    return "-".join(word for word in (scheme.partition("+")[0], path.strip("/").replace("/", "-")) if word)
