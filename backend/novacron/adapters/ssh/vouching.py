"""Who vouches for a host's key: known_hosts files, KnownHostsCommand, and what RevokedHostKeys takes back."""

import asyncio
import os
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

import asyncssh

from novacron.adapters.ssh.known_hosts import FoundKeys, KnownHosts, keys_for, read_known_hosts
from novacron.adapters.ssh.options import SshOptions
from novacron.adapters.ssh.resolution import run
from novacron.adapters.ssh.revocation import without_revoked
from novacron.adapters.ssh.tokens import expand
from novacron.model.errors import ConfigError, LinkError
from novacron.model.host import HostSpec

_WANTS_KEY = re.compile("%[Kft]")
_Key = asyncssh.SSHKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouchers:
    """The keys by which a host is known, and those of every address for CheckHostIP."""

    found: FoundKeys
    known_hosts: tuple[KnownHosts, ...]
    unread: tuple[str, ...] = ()
    """Files that could not be read, a reason each: nobody in them vouches for anything."""

    def accepted(self, options: SshOptions, peer_address: str) -> tuple[list[_Key], list[_Key], list[_Key]]:
        """Return the trusted keys, authorities and revoked keys for a connection to `peer_address`."""
        trusted = [known.key for known in self.found.trusted]
        if options.check_host_ip and peer_address and not options.proxy_command and not options.jumps:
            at_address = self.keys_of_address(options, peer_address)
            taken_back = [known.key for known in at_address.revoked]
            vouched = [known.key for known in at_address.trusted]
            trusted = [key for key in trusted if key not in taken_back and (not vouched or key in vouched)]
        return (
            trusted,
            [known.key for known in self.found.authorities],
            [known.key for known in self.found.revoked],
        )

    def keys_of_address(self, options: SshOptions, peer_address: str) -> FoundKeys:
        """Return what is known of an address, which CheckHostIP compares with the host's."""
        if peer_address == options.host or peer_address.startswith("127.") or peer_address == "::1":
            return FoundKeys()
        name = peer_address if options.port == 22 else f"[{peer_address}]:{options.port}"
        return keys_for(self.known_hosts, name)


def needs_shown_key(options: SshOptions) -> bool:
    """Whether the host must show its key before KnownHostsCommand can be asked about it."""
    return bool(_WANTS_KEY.search(options.known_hosts_command.replace("%%", "")))


async def vouchers_for(spec: HostSpec, options: SshOptions, shown: _Key | None = None) -> Vouchers:
    """Return who vouches for a host; `shown` is the key it showed, None before it did.

    Raises LinkError when every key must be refused: KnownHostsCommand failed, RevokedHostKeys cannot be read, or a
    known_hosts file is none.
    """
    known, unread = await asyncio.to_thread(_known_hosts, spec, options)
    if options.known_hosts_command and (shown is not None or not needs_shown_key(options)):
        said, problem = await _command_lines(spec, options, shown)
        known += said
        unread += problem
    found = await asyncio.to_thread(_found, options, known, shown)
    if options.revoked_host_keys is not None:
        found, problem = await without_revoked(spec, options.revoked_host_keys, found, shown)
        unread += problem
    return Vouchers(found=found, known_hosts=known, unread=unread)


def _found(options: SshOptions, known: tuple[KnownHosts, ...], shown: _Key | None) -> FoundKeys:
    """Return the keys for the host. Hashes some thousand names the first time: call it beside the event loop."""
    found = keys_for(known, options.entry)
    if found.trusted or options.entry == options.plain_entry:
        return found
    # As ssh: where no key is known on this port, one of the host's without a port will do.
    plain = keys_for(known, options.plain_entry)
    if shown is not None and shown not in [one.key for one in (*plain.trusted, *plain.revoked)]:
        return found
    good = tuple(one for one in plain.trusted if one.key not in [bad.key for bad in plain.revoked])
    return replace(found, trusted=good, revoked=(*found.revoked, *plain.revoked))


def _known_hosts(spec: HostSpec, options: SshOptions) -> tuple[tuple[KnownHosts, ...], tuple[str, ...]]:
    """Return what all files say, and why some were passed over: those that ssh passes over as well."""
    known: list[KnownHosts] = []
    unread: list[str] = []
    for path in (*options.user_known_hosts, *options.global_known_hosts):
        try:
            if path.is_dir():
                unread.append(f"{path} is a folder, not a file")
            elif path.exists() and not os.access(path, os.R_OK):
                unread.append(f"{path} cannot be read: check its owner and mode")
            else:
                known.append(read_known_hosts(path))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            unread.append(f"{path} cannot be read: {error.strerror}")
        except ConfigError as error:
            # It may say that a key is revoked: not knowing that, nobody is trusted.
            raise LinkError(spec.id, f"{path} {error.detail}", error.remedy) from error
    return tuple(known), tuple(unread)


async def _command_lines(
    spec: HostSpec, options: SshOptions, shown: _Key | None
) -> tuple[tuple[KnownHosts, ...], tuple[str, ...]]:
    """Return what KnownHostsCommand says, and why it could not be asked."""
    tokens = {**options.tokens, "H": options.entry, "I": "HOSTNAME", "t": "NONE", "f": "NONE", "K": "NONE"}
    if shown is not None:
        kind, data = shown.export_public_key("openssh").decode().split()[:2]
        tokens |= {"t": kind, "f": shown.get_fingerprint(), "K": data}
    try:
        argv = [expand(word, tokens) for word in shlex.split(options.known_hosts_command)]
    except ValueError as error:
        return (), (f"KnownHostsCommand cannot be run: {error}",)
    if not argv or not Path(argv[0]).is_absolute():
        return (), ("KnownHostsCommand cannot be run: its path is not absolute",)
    try:
        status, answer, _ = await run(argv)
    except OSError as error:
        return (), (f"KnownHostsCommand cannot be run: {argv[0]}: {error.strerror}",)
    if status:
        raise LinkError(
            spec.id,
            f"its KnownHostsCommand failed: {argv[0]} ended with {status}",
            "ssh enters no host then; run it by hand to see why",
        )
    return (KnownHosts(answer, "KnownHostsCommand"),), ()
