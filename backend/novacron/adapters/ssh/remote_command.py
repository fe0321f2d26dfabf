"""One command as a login shell takes it, and what of the output is the command's own.

sshd gives every command to the user's login shell. That one may be no POSIX shell, and may print whatever its start-up
files print, before the command and after it. So the command is a line that sh, bash, zsh, csh, tcsh and fish read
alike, which starts a POSIX shell, and the output is what lies between two marks that nobody can have printed before.
"""

import math
import secrets
import shlex
import string
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

_PLAIN: Final = frozenset((string.ascii_letters + string.digits + " /._-=:,+@").encode())
"""Bytes that mean themselves between any shell's quotes and in printf's format."""
_PIECE: Final = 65536
_MOST_NOISE: Final = 1024 * 1024
_MOST_OUTPUT: Final = 32 * 1024 * 1024
"""A command that prints more is none of ours."""
_BEGIN: Final = "novacron-begins-"
_END: Final = "novacron-ends-"
_STATUS_ENDS: Final = b";"

Read = Callable[[int], Awaitable[bytes]]
"""Returns the next bytes, at most so many; empty at the end."""


class TooMuchOutputError(Exception):
    """The login shell or the command printed more than anybody wants to keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCommand:
    """A command and the marks around its output."""

    argv: tuple[str, ...]
    nonce: str
    """Differs for every command: no output holds it by chance."""

    @classmethod
    def of(cls, argv: Sequence[str]) -> "RemoteCommand":
        """Return the command whose words are these, each as it is."""
        return cls(argv=tuple(argv), nonce=secrets.token_hex(16))

    @property
    def begin(self) -> bytes:
        """What stands before its output, on both streams."""
        return f"{_BEGIN}{self.nonce}".encode()

    @property
    def end(self) -> bytes:
        """What stands after it; on stdout the exit status follows."""
        return f"{_END}{self.nonce}".encode()

    def line(self, deadline_s: float) -> str:
        """Return the line that runs it to its end, or kills it a second after the deadline.

        Whoever asked has gone by then, and may have no other way to end it: as root sshd passes on no signal.
        """
        limit = f"timeout -s KILL {math.ceil(deadline_s) + 1}"
        return _for_any_shell(
            f"{self._mark(_BEGIN)}; {self._mark(_BEGIN)} >&2; LC_ALL=C; export LC_ALL\nset -- {shlex.join(self.argv)}\n"
            f'command -v timeout >/dev/null && set -- {limit} "$@"\n"$@"\n'
            f'status=$?; {self._mark(_END)} >&2; {self._mark(_END)}; printf "%d;" "$status"; exit "$status"'
        )

    def stream_line(self) -> str:
        """Return the line that becomes it: all that follows the mark on stdout comes from it alone."""
        return _for_any_shell(f"{self._mark(_BEGIN)}; exec {shlex.join(self.argv)}")

    def _mark(self, kind: str) -> str:
        # In two words: a shell that prints the commands it runs (set -v, set -x) prints no mark.
        return f"printf %s%s {kind} {self.nonce}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedOutput:
    """One stream of a command."""

    noise: bytes
    """What came before the command's output; all that came where it never began."""
    output: bytes
    begun: bool
    """Whether the command's shell was reached."""
    ended: bool
    """Whether the command came to its end."""
    exit_status: int | None = None
    """As told after the end; None where nothing was told."""


async def read_marked(read: Read, command: RemoteCommand, *, with_status: bool) -> MarkedOutput:
    """Read one stream until the command's output has ended, or the stream has. What follows is nobody's.

    Raises: TooMuchOutputError.
    """
    said = bytearray()
    begin = end = -1
    while begin < 0 or end < 0 or (with_status and _STATUS_ENDS not in said[end:]):
        searched = max(0, len(said) - len(command.begin))
        data = await read(_PIECE)
        if not data:
            break
        said += data
        if begin < 0:
            begin = said.find(command.begin, searched)
            searched = max(0, begin)
        if begin >= 0 and end < 0:
            end = said.find(command.end, searched)
        if len(said) > (_MOST_NOISE if begin < 0 else _MOST_OUTPUT):
            raise TooMuchOutputError
    return _cut(bytes(said), command, begin, end)


async def skip_noise(read: Read, command: RemoteCommand) -> bytes | None:
    """Read up to the mark of a `stream_line` and no byte further; None once it was found, or all that came instead.

    Raises: TooMuchOutputError.
    """
    said = bytearray()
    while not said.endswith(command.begin):
        data = await read(_missing(said, command.begin))
        if not data:
            return bytes(said)
        said += data
        if len(said) > _MOST_NOISE:
            raise TooMuchOutputError
    return None


def _missing(said: bytearray, mark: bytes) -> int:
    """Return the least number of bytes by which `said` may come to end with the mark."""
    return next(count for count in range(len(mark) + 1) if said.endswith(mark[: len(mark) - count]))


def _cut(said: bytes, command: RemoteCommand, begin: int, end: int) -> MarkedOutput:
    if begin < 0:
        return MarkedOutput(noise=said, output=b"", begun=False, ended=False)
    first = begin + len(command.begin)
    if end < 0:
        return MarkedOutput(noise=said[:begin], output=said[first:], begun=True, ended=False)
    digits = said[end + len(command.end) :].partition(_STATUS_ENDS)[0]
    return MarkedOutput(
        noise=said[:begin],
        output=said[first:end],
        begun=True,
        ended=True,
        exit_status=int(digits) if digits.isdigit() else None,
    )


def _for_any_shell(script: str) -> str:
    r"""Return a line that makes sh run `script`, whatever shell reads it.

    csh ends a word at a line's end and looks for ! between quotes, fish takes \\ and \' there for one character. Of
    those characters none is left: whatever is not plain is written in octal, which printf of POSIX reads back.
    """
    plain = "".join(
        chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in script.encode("utf-8", "surrogateescape")
    )
    return f"""sh -c 'eval "$(printf "{plain}")"'"""
