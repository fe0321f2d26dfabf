"""Reading text files that a person wrote: nothing that stands at their path can hang us or use up our memory.

Not for files of our own, such as the journal, and not for what a hypervisor answers.
"""

import codecs
import errno
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from novacron.model.errors import ConfigError

MOST_BYTES = 4 << 20
"""A fleet.toml of 10,000 hosts has about half of it."""

_NULL_DEVICE = os.makedev(1, 3)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_AT_LINE = re.compile(r"at line (\d+)")
_LONG_KEY = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}""")
"""tomllib takes time by the square of the parts of a dotted key: minutes for one that fills the file."""
_ONLY_FILES = "name a regular file"


def read_text(path: Path, *, most_bytes: int = MOST_BYTES, errors: str = "strict") -> str:
    """Return what a regular file holds, as UTF-8; /dev/null is an empty file.

    `errors` is what decoding does with bytes that are not UTF-8, as for bytes.decode.

    Raises:
        FileNotFoundError: there is no such file.
        ConfigError: it is no regular file, has more than `most_bytes`, begins with a byte-order mark, is not UTF-8
            or cannot be read.
    """
    try:
        content = _bytes_of(path, most_bytes)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise ConfigError(str(path), "is a socket, not a file", _ONLY_FILES) from error
        raise ConfigError(str(path), f"cannot be read: {error.strerror}", "check its owner and mode") from error
    if content.startswith(_UTF_16):
        raise ConfigError(str(path), "is UTF-16", "save it as UTF-8")
    if content.startswith(codecs.BOM_UTF8):
        raise ConfigError(
            str(path),
            "begins with a byte-order mark",
            rf"save it as UTF-8 without one, or: sed -i '1s/^\xEF\xBB\xBF//' {path}",
        )
    try:
        return content.decode(errors=errors)
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), f"is not UTF-8 at byte {error.start}", "save it as UTF-8") from error


def parse_toml(path: Path, text: str) -> dict[str, Any]:
    """Return the values of a TOML text that was read from `path`.

    Raises:
        ConfigError: it is not TOML, or is nested more deeply than any setting. The subject is the path, with the
            line where that is known.
    """
    long_key = _LONG_KEY.search(text)
    if long_key is not None:
        raise _nested(f"{path}:{text.count(chr(10), 0, long_key.start()) + 1}")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _AT_LINE.search(str(error))
        raise ConfigError(
            f"{path}:{line[1]}" if line else str(path), f"is not TOML: {error}", "mend it at the place named"
        ) from error
    except RecursionError as error:
        raise _nested(str(path)) from error


def _nested(subject: str) -> ConfigError:
    return ConfigError(subject, "is nested too deeply", "no setting is deeper than a table in a list: remove it")


def _bytes_of(path: Path, most_bytes: int) -> bytes:
    # O_NONBLOCK: opening a FIFO without a writer would wait for one.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(handle)
        if stat.S_ISCHR(found.st_mode) and found.st_rdev == _NULL_DEVICE:
            return b""
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(str(path), f"is a {_kind_of(found.st_mode)}, not a file", _ONLY_FILES)
        with os.fdopen(handle, "rb", closefd=False) as file:
            # Not by its size: a file of /proc has none, and one may grow meanwhile.
            content = file.read(most_bytes + 1)
    finally:
        os.close(handle)
    if len(content) > most_bytes:
        raise ConfigError(
            str(path), f"has more than {most_bytes >> 20} MiB", "is it the right file? Remove what is not settings"
        )
    return content


def _kind_of(mode: int) -> str:
    kinds = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}
    return kinds.get(stat.S_IFMT(mode), "special file")
