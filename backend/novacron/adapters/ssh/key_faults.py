"""Why a host's key is not trusted: nobody vouched for it, or it is not the one that was vouched for."""

import shlex

import asyncssh

from novacron.adapters.ssh.address import known_keys, name_of, users_known_hosts
from novacron.model.errors import LinkError
from novacron.model.host import HostSpec
from novacron.model.link import LinkStatus


def key_fault(spec: HostSpec, options: asyncssh.SSHClientConnectionOptions, key: asyncssh.SSHKey | None) -> LinkError:
    """Return why a host's key is not trusted: nobody vouched for it, or it is not the one vouched for."""
    shown = _shown(key) if key is not None else "none of a known kind"
    known = known_keys(options)
    # asyncssh refuses a revoked key without showing it to us, if another is vouched for.
    if key in known.revoked or (key is None and known.revoked):
        revoked = ", ".join(map(_shown, known.revoked if key is None else (key,)))
        return LinkError(
            spec.id,
            f"its host key is REVOKED in known_hosts: {revoked}",
            "it may be another machine: ask who revoked it, and why",
            status=LinkStatus.HOST_KEY_CHANGED,
        )
    if known.trusted:
        return LinkError(
            spec.id,
            f"its host key has CHANGED: it shows {shown}, known is {', '.join(map(_shown, known.trusted))}",
            f"find out why; only if it was reinstalled: ssh-keygen -R '{entry_of(options)}' "
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


def entry_of(options: asyncssh.SSHClientConnectionOptions) -> str:
    """Return how known_hosts names the host."""
    name, port = name_of(options), int(options.port or 22)
    return name if port == 22 or options.host_key_alias else f"[{name}]:{port}"


def _shown(key: asyncssh.SSHKey) -> str:
    return f"{key.get_algorithm()} {key.get_fingerprint()}"
