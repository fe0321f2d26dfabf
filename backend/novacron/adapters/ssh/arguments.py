"""The resolved options, vouched keys and identities as asyncssh takes them: it reads no configuration itself."""

import os
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import asyncssh
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.public_key import (
    get_certificate_algs,
    get_default_certificate_algs,
    get_default_public_key_algs,
    get_public_key_algs,
)

from novacron.adapters.ssh.options import SshOptions
from novacron.adapters.ssh.vouching import Vouchers

_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
_KEEPALIVE_S = 5
_MISSED_KEEPALIVES = 3


def transport_arguments(options: SshOptions, *, is_tunnelled: bool) -> dict[str, Any]:
    """Return how to reach the host and what to negotiate, without anything that trusts it or that it may trust."""
    arguments: dict[str, Any] = {
        "host": options.host,
        "port": options.port,
        "config": None,
        "family": _FAMILIES.get(options.address_family, socket.AF_UNSPEC),
        "kex_algs": _known(options.key_exchanges, get_kex_algs),
    }
    if options.proxy_command and not is_tunnelled:
        # As ssh: by the user's shell, which gives way to the command.
        arguments["proxy_command"] = [os.environ.get("SHELL") or "/bin/sh", "-c", f"exec {options.proxy_command}"]
    if options.bind_address and not is_tunnelled:
        arguments["local_addr"] = (options.bind_address, 0)
    return arguments


def connection_arguments(
    options: SshOptions, vouchers: Vouchers, keys: Sequence[asyncssh.SSHKeyPair], *, is_tunnelled: bool
) -> dict[str, Any]:
    """Return what asyncssh.connect takes to enter the host."""
    arguments = transport_arguments(options, is_tunnelled=is_tunnelled) | {
        "username": options.user,
        "known_hosts": lambda _host, address, _port: vouchers.accepted(options, address),
        "host_key_alias": options.host_key_alias or None,
        "server_host_key_algs": host_key_algorithms(options, vouchers),
        # asyncssh would trust the certificates of ~/.ssh/ca-bundle.crt, of which ssh knows nothing.
        "x509_trusted_certs": None,
        "encryption_algs": _known(options.ciphers, get_encryption_algs),
        "mac_algs": _known(options.macs, get_mac_algs),
        # An empty list would make it load the files of ~/.ssh; an iterator of nothing is no list.
        "client_keys": list(keys) or iter(()),
        "agent_path": "",
        "public_key_auth": options.login.public_keys,
        "host_based_auth": False,
        "gss_auth": options.login.gssapi,
        "gss_kex": options.login.gssapi_key_exchange,
        "keepalive_interval": _KEEPALIVE_S,
        "keepalive_count_max": _MISSED_KEEPALIVES,
        "connect_timeout": options.connect_timeout_s,
    }
    if options.login.methods:
        arguments["preferred_auth"] = list(options.login.methods)
    if options.compression:
        arguments["compression_algs"] = ["zlib@openssh.com", "zlib", "none"]
    return arguments


def host_key_algorithms(options: SshOptions, vouchers: Vouchers) -> list[str]:
    """Return the kinds of host keys to ask for: of known keys first, then what else ssh would take.

    Others are asked for as well: a machine that was reinstalled without a key of a known kind has to show another to
    be called changed. Certificates are asked for where an authority is known, as asyncssh refuses others.
    """
    known = [kind for found in vouchers.found.trusted for kind in found.key.sig_algorithms]
    usual = [kind.encode() for kind in options.host_key_algorithms if "-cert-" not in kind]
    certified = get_default_certificate_algs() if vouchers.found.authorities else []
    usable = {*get_public_key_algs(), *get_certificate_algs()}
    wanted = [*certified, *known, *(usual or get_default_public_key_algs())]
    names = [kind.decode() for kind in dict.fromkeys(wanted) if kind in usable]
    return [name for name in names if name in options.host_key_algorithms or not options.host_key_algorithms]


def unsupported(options: SshOptions) -> str:
    """Return the first option whose every algorithm asyncssh lacks; empty: a connection can be negotiated."""
    kinds = (
        ("HostKeyAlgorithms", options.host_key_algorithms, get_public_key_algs),
        ("KexAlgorithms", options.key_exchanges, get_kex_algs),
        ("Ciphers", options.ciphers, get_encryption_algs),
        ("MACs", options.macs, get_mac_algs),
    )
    return next((name for name, words, there in kinds if words and not _known(words, there)), "")


def _known(names: Iterable[str], supported: Callable[[], list[bytes]]) -> list[str] | tuple[()]:
    """Return the algorithms that both ssh's configuration and asyncssh have; () leaves the choice to asyncssh."""
    there = {name.decode() for name in supported()}
    return [name for name in names if name in there] or ()
