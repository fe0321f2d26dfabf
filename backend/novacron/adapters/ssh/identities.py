"""The keys we offer a host: the files its configuration names that can be used, and the agent.

A file that is missing, locked by a passphrase or no key costs nothing but itself, as with ssh.
"""

import errno
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from novacron.adapters.ssh.options import LoginOptions

_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """What to authenticate with."""

    keys: tuple[asyncssh.SSHKeyPair, ...] = ()
    """Of files."""
    agent: str = ""
    """The agent's socket; empty: none is asked."""
    named: tuple[bytes, ...] = ()
    """The public keys and certificates of the identity files, also of those whose private key cannot be read here."""
    only_named: bool = False
    """Whether the agent may be asked to sign with those alone."""
    passed_over: tuple[str, ...] = ()
    """Files that are not used, a reason each."""


def load_identities(options: LoginOptions) -> Identities:
    """Read the identity files of a connection. Reads files: call it beside the event loop."""
    certificates, passed_over = _certificates(options.certificate_files)
    keys: list[asyncssh.SSHKeyPair] = []
    named: list[bytes] = [certificate.public_data for certificate in certificates]
    for path in options.identity_files:
        public = _public_parts(path)
        named.extend(public)
        try:
            _require_file(path)
            # asyncssh reads what stands beside a key without asking.
            for beside in (_beside(path, ".pub"), _beside(path, "-cert.pub")):
                if beside.exists():
                    _require_file(beside)
            keys.extend(asyncssh.load_keypairs([str(path)], None, certificates))
        except (OSError, ValueError) as error:
            if path in options.named_identities and not (public and options.agent):
                passed_over.append(f"IdentityFile {path} is passed over: {_why(error)}")
    named.extend(pair.public_data for pair in keys)
    return Identities(
        keys=tuple(keys),
        agent=options.agent,
        named=tuple(dict.fromkeys(named)),
        only_named=options.identities_only,
        passed_over=tuple(passed_over),
    )


def _certificates(paths: Sequence[Path]) -> tuple[list[asyncssh.SSHCertificate], list[str]]:
    found: list[asyncssh.SSHCertificate] = []
    passed_over: list[str] = []
    for path in paths:
        try:
            _require_file(path)
            found.append(asyncssh.read_certificate(path))
        except (OSError, ValueError) as error:
            passed_over.append(f"CertificateFile {path} is passed over: {_why(error)}")
    return found, passed_over


def _public_parts(path: Path) -> list[bytes]:
    """Return the public key of an identity, and its certificate: by these an agent's keys are told apart."""
    found: list[bytes] = []
    for beside in (_beside(path, ".pub"), path):
        try:
            _require_file(beside)
            found.append(asyncssh.read_public_key(beside).public_data)
            break
        except (OSError, ValueError):
            continue
    with suppress(OSError, ValueError):
        _require_file(_beside(path, "-cert.pub"))
        found.append(asyncssh.read_certificate(_beside(path, "-cert.pub")).public_data)
    return found


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}{ending}")


def _require_file(path: Path) -> None:
    """Raise OSError where there is no small file: reading a pipe would wait for its writer, a disk fill the memory."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, f"{path} is no file")
    if found.st_size > _MOST_BYTES:
        raise OSError(errno.EFBIG, f"{path} is too large for a key")


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if "assphrase" in str(error):
        return "it has a passphrase: add it to the agent"
    return str(error)
