"""known_hosts as ssh reads it: which keys vouch for a name, which are revoked, and the line that adds one.

Source: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. asyncssh's own reader would fail on a line it does not know, takes
address ranges for patterns, and accepts a key of the host's address in place of the one of its name.
"""

import base64
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
_PATTERN_SIGNS = frozenset("*?!")
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


class KnownHosts:
    """The lines of one file or answer, found by name. Kept for as long as the file is the same."""

    def __init__(self, text: str, source: str) -> None:
        self._exact: dict[str, list[Line]] = {}
        self._patterns: list[Line] = []
        self._hashed: list[tuple[bytes, bytes, Line]] = []
        self._found: dict[str, tuple[Line, ...]] = {}
        for written in text.splitlines():
            line = _line(written, source)
            if line is not None:
                self._add(line)

    def lines_for(self, name: str) -> tuple[Line, ...]:
        """Return the lines about a name. The first time for one costs a hash for each hashed line."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = (
                *self._exact.get(name, ()),
                *(line for line in self._patterns if _matches(line.names, name)),
                *(line for salt, wanted, line in self._hashed if _hash(salt, name) == wanted),
            )
        return found

    def _add(self, line: Line) -> None:
        if line.names.startswith("|"):
            parts = _hash_parts(line.names)
            if parts is not None:
                self._hashed.append((*parts, line))
        elif _PATTERN_SIGNS.isdisjoint(line.names):
            for name in dict.fromkeys(line.names.lower().split(",")):
                self._exact.setdefault(name, []).append(line)
        else:
            self._patterns.append(line)


def read_known_hosts(path: Path) -> KnownHosts:
    """Return what a file says, parsed once for each state of it.

    Raises:
        OSError: there is no such file, or it cannot be looked at.
        ConfigError: it is no file, or too large to be one of keys.
    """
    found = path.stat()
    return _parsed(path, found.st_mtime_ns, found.st_size, found.st_ino)


def keys_for(known: Iterable[KnownHosts], name: str) -> FoundKeys:
    """Return the keys of the lines whose names match `name`: a host's, or an address, with its port in brackets."""
    kept: dict[str, list[KnownKey]] = {marker: [] for marker in _MARKERS}
    for line in (line for one in known for line in one.lines_for(name)):
        if (key := _key(line.kind, line.data)) is not None:
            kept[line.marker].append(KnownKey(key=key, source=line.source))
    return FoundKeys(
        trusted=tuple(kept[""]), authorities=tuple(kept["@cert-authority"]), revoked=tuple(kept["@revoked"])
    )


def hashed(name: str) -> str:
    """Return a name as HashKnownHosts has it written."""
    salt = os.urandom(_SALT_LENGTH)
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(_hash(salt, name)).decode()}"


@lru_cache(maxsize=64)
def _parsed(path: Path, *_state: int) -> KnownHosts:
    return KnownHosts(read_text(path, most_bytes=_MOST_BYTES, errors="replace"), str(path))


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


def _hash_parts(names: str) -> tuple[bytes, bytes] | None:
    """Return the salt and the hash of a hashed name; None where it is none."""
    parts = names.split("|")
    try:
        _, magic, salt, wanted = parts
        return (base64.b64decode(salt), base64.b64decode(wanted)) if magic == "1" else None
    except ValueError:
        return None


def _hash(salt: bytes, name: str) -> bytes:
    return hmac.digest(salt, name.encode(), "sha1")
