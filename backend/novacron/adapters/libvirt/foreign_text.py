"""Text of libvirt's that is no text: file names are bytes on Linux, and the binding insists on UTF-8.

One file with such a name in a pool's folder, made by whoever may write there, must hide nothing else.
"""

import re
from collections.abc import Callable


def text_of(read: Callable[[], str]) -> str:
    r"""Return what `read()` does; bytes that are not UTF-8 are written as \xff."""
    try:
        return read()
    except UnicodeDecodeError as error:
        return spelled_out(error)


def spelled_out(error: UnicodeDecodeError) -> str:
    r"""Return the text that could not be decoded, its wrong bytes written as \xff."""
    return error.object.decode("utf-8", "backslashreplace")


def spelled_back(text: str) -> bytes:
    r"""Return the bytes that a text with bytes spelled out as \xff may stand for."""
    encoded = text.encode("utf-8", "surrogateescape")
    return re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), encoded)
