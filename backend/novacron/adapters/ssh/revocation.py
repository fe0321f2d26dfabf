"""RevokedHostKeys: keys that are refused whoever vouches for them, as a list of keys or as a KRL.

Source: ssh_config(5), RevokedHostKeys; ssh-keygen(1), KEY REVOCATION LISTS.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import asyncssh

from novacron.adapters.ssh.known_hosts import FoundKeys, KnownKey
from novacron.adapters.ssh.resolution import run
from novacron.model.errors import ConfigError, LinkError
from novacron.model.host import HostSpec
from novacron.text_file import read_text

_MOST_BYTES = 16 << 20
_KRL = "SSHKRL\n\0"
_Key = asyncssh.SSHKey


async def without_revoked(
    spec: HostSpec, path: Path, found: FoundKeys, shown: _Key | None
) -> tuple[FoundKeys, tuple[str, ...]]:
    """Return `found` without the keys that the file revokes, these among its revoked ones, and what is not followed.

    `shown` is the key the host showed, None before it did. Raises LinkError when the file cannot be used: ssh enters
    no host then.
    """
    asked = [known.key for known in (*found.trusted, *found.authorities)] + ([shown] if shown is not None else [])
    try:
        content = await asyncio.to_thread(read_text, path, most_bytes=_MOST_BYTES, errors="replace")
        if content.startswith(_KRL):
            return await _by_krl(path, found, list(dict.fromkeys(asked)))
        revoked = _listed(content)
    except OSError as error:
        raise _unusable(spec, path, error.strerror or str(error)) from error
    except ConfigError as error:
        raise _unusable(spec, path, f"it {error.detail}") from error
    except ValueError as error:
        raise _unusable(spec, path, str(error)) from error
    return _moved(found, path, revoked), ()


async def _by_krl(path: Path, found: FoundKeys, asked: Sequence[_Key]) -> tuple[FoundKeys, tuple[str, ...]]:
    revoked = [key for key, is_revoked in zip(asked, await _answers(path, asked), strict=True) if is_revoked]
    kept = _moved(found, path, revoked)
    if not kept.authorities:
        return kept, ()
    # It may name a certificate by its serial number, which is not known before the host shows it.
    return replace(kept, authorities=()), ("host certificates are not taken where RevokedHostKeys is a KRL",)


def _listed(content: str) -> list[_Key]:
    lines = (line.strip() for line in content.splitlines())
    return [asyncssh.import_public_key(line) for line in lines if line and not line.startswith("#")]


def _moved(found: FoundKeys, path: Path, revoked: Sequence[_Key]) -> FoundKeys:
    return FoundKeys(
        trusted=tuple(known for known in found.trusted if known.key not in revoked),
        authorities=tuple(known for known in found.authorities if known.key not in revoked),
        revoked=(*found.revoked, *(KnownKey(key=key, source=str(path)) for key in revoked)),
    )


async def _answers(path: Path, keys: Sequence[_Key]) -> list[bool]:
    """Ask ssh-keygen of each key whether it is revoked; what it does not call good counts as revoked."""
    if not keys:
        return []
    with tempfile.TemporaryDirectory(prefix="novacron-") as folder:
        names = [str(Path(folder, str(number))) for number in range(len(keys))]
        for name, key in zip(names, keys, strict=True):
            key.write_public_key(name)
        _, answer, _ = await run(["ssh-keygen", "-Q", "-f", str(path), *names])
    good = {line.partition(" ")[0].rstrip(":") for line in answer.splitlines() if line.endswith(": ok")}
    return [name not in good for name in names]


def _unusable(spec: HostSpec, path: Path, why: str) -> LinkError:
    return LinkError(
        spec.id,
        f"its RevokedHostKeys {path} cannot be used: {why}",
        "ssh enters no host then; mend the file, or take the line out",
    )
