"""known_hosts as ssh reads it: which keys vouch for a name, which are revoked, and the line that adds one.

Source: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. asyncssh's own reader would fail on a line it does not know, takes
address ranges for patterns, and accepts a key of the host's address in place of the one of its name.
"""

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import asyncssh

from novacron.text_file import read_text

_MOST_BYTES = 16 << 20
_MARKERS = frozenset({"", "@revoked", "@cert-authority"})
_SALT_LENGTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line that names a key; the key is read when its names match."""

    marker: str
    names: str
    kind: str
    data: str
    source: str
    """The file, or what else said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A key, and where it stands."""

    key: asyncssh.SSHKey
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundKeys:
    """What the lines for one name say."""

    trusted: tuple[KnownKey, ...] = ()
    authorities: tuple[KnownKey, ...] = ()
    revoked: tuple[KnownKey, ...] = ()


def read_lines(path: Path) -> tuple[Line, ...]:
    """Return the lines of a file, parsed once for each state of it.

    Raises:
        OSError: there is no such file, or it cannot be looked at.
        ConfigError: it is no file, or too large to be one of keys.
    """
    found = path.stat()
    return _parsed(path, found.st_mtime_ns, found.st_size, found.st_ino)


def parse_lines(text: str, source: str) -> tuple[Line, ...]:
    """Return the lines that name a key; what cannot be one is passed over, as by ssh."""
    return tuple(line for written in text.splitlines() if (line := _line(written, source)) is not None)


def keys_for(lines: Iterable[Line], name: str) -> FoundKeys:
    """Return the keys of the lines whose names match `name`: a host's, or an address, with its port in brackets."""
    kept: dict[str, list[KnownKey]] = {marker: [] for marker in _MARKERS}
    for line in lines:
        if _matches(line.names, name) and (key := _key(line.kind, line.data)) is not None:
            kept[line.marker].append(KnownKey(key=key, source=line.source))
    return FoundKeys(
        trusted=tuple(kept[""]), authorities=tuple(kept["@cert-authority"]), revoked=tuple(kept["@revoked"])
    )


def hashed(name: str) -> str:
    """Return a name as HashKnownHosts has it written."""
    salt = os.urandom(_SALT_LENGTH)
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(_hash(salt, name)).decode()}"


@lru_cache(maxsize=64)
def _parsed(path: Path, *_state: int) -> tuple[Line, ...]:
    return parse_lines(read_text(path, most_bytes=_MOST_BYTES, errors="replace"), str(path))


def _line(written: str, source: str) -> Line | None:
    words = written.split()
    marker = words.pop(0) if words and words[0].startswith("@") else ""
    if len(words) < 3 or words[0].startswith("#") or marker not in _MARKERS:
        return None
    return Line(marker=marker, names=words[0], kind=words[1], data=words[2], source=source)


@lru_cache(maxsize=1024)
def _key(kind: str, data: str) -> asyncssh.SSHKey | None:
    try:
        key = asyncssh.import_public_key(f"{kind} {data}")
    except (asyncssh.KeyImportError, ValueError):
        return None
    return key if key.get_algorithm() == kind else None


def _matches(names: str, name: str) -> bool:
    if names.startswith("|"):
        return _is_hash_of(names, name)
    matched = False
    for pattern in names.lower().split(","):
        if _pattern(pattern.removeprefix("!")).fullmatch(name):
            if pattern.startswith("!"):
                return False
            matched = True
    return matched


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in text), re.DOTALL)


def _is_hash_of(written: str, name: str) -> bool:
    parts = written.split("|")
    try:
        _, magic, salt, wanted = parts
        return magic == "1" and hmac.compare_digest(_hash(base64.b64decode(salt), name), base64.b64decode(wanted))
    except ValueError:
        return False


def _hash(salt: bytes, name: str) -> bytes:
    return hmac.digest(salt, name.encode(), hashlib.sha1)
