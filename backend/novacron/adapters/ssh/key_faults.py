"""Why a host's key is not trusted: nobody vouched for it, or it is not the one that was vouched for."""

import shlex
from collections.abc import Iterable

import asyncssh

from novacron.adapters.ssh.known_hosts import KnownKey
from novacron.adapters.ssh.options import SshOptions
from novacron.adapters.ssh.vouching import Vouchers
from novacron.model.errors import LinkError
from novacron.model.host import HostSpec
from novacron.model.link import LinkStatus


def key_fault(
    spec: HostSpec, options: SshOptions, vouchers: Vouchers, key: asyncssh.SSHKey | None, address: str
) -> LinkError:
    """Return why a host's key is not trusted. `key` is None when asyncssh refused it without showing it to us."""
    shown = _shown(key) if key is not None else "none of a known kind"
    found = vouchers.found
    revoked = [known for known in found.revoked if key in (None, known.key)]
    if revoked:
        return LinkError(
            spec.id,
            f"its host key is REVOKED in {_sources(revoked)}: {', '.join(_shown(known.key) for known in revoked)}",
            "it may be another machine: ask who revoked it, and why",
            status=LinkStatus.HOST_KEY_CHANGED,
        )
    at_address = vouchers.keys_of_address(options, address) if options.check_host_ip and address else None
    if at_address is not None and any(known.key == key for known in found.trusted):
        other = (*at_address.trusted, *at_address.revoked)
        return LinkError(
            spec.id,
            f"its host key {shown} is not the one known for its address {address}: {_sources(other)} says otherwise",
            "find out why; where addresses are given to other machines, CheckHostIP no",
            status=LinkStatus.HOST_KEY_CHANGED,
        )
    if found.trusted:
        return _changed(spec, options, found.trusted, shown)
    notes = "".join(f" ({note})" for note in (*vouchers.unread, options.checking_passed_over) if note)
    return LinkError(
        spec.id,
        f"nobody has vouched for its host key {shown}{notes}",
        f"compare it with the host's own, then run: novacron host trust {spec.id}",
        status=LinkStatus.HOST_KEY_UNKNOWN,
    )


def _changed(spec: HostSpec, options: SshOptions, trusted: Iterable[KnownKey], shown: str) -> LinkError:
    sources = list(dict.fromkeys(known.source for known in trusted))
    known = ", ".join(_shown(known.key) for known in trusted)
    removals = [
        f"ssh-keygen -R {_quoted(options.entry)} -f {shlex.quote(source)}" for source in sources if "/" in source
    ]
    remedy = f"find out why; only if it was reinstalled: {' && '.join(removals)}, then novacron host trust {spec.id}"
    if len(removals) < len(sources):
        remedy = "find out why; its KnownHostsCommand names the key that is known"
    return LinkError(
        spec.id,
        f"its host key has CHANGED: it shows {shown}, known is {known}",
        remedy,
        status=LinkStatus.HOST_KEY_CHANGED,
    )


def _quoted(name: str) -> str:
    return f"'{name}'"


def _sources(found: Iterable[KnownKey]) -> str:
    return " and ".join(dict.fromkeys(known.source for known in found))


def _shown(key: asyncssh.SSHKey) -> str:
    return f"{key.get_algorithm()} {key.get_fingerprint()}"
