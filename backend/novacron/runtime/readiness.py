"""How a backend that was started detached tells its starter that it serves, or why it does not.

One pipe: the backend writes a line of JSON and closes it. A pipe that closes without a word means that it died.
"""

import json
import os
from contextlib import suppress
from dataclasses import dataclass

from novacron.model import errors
from novacron.model.errors import BackendError, NovaCronError

VARIABLE = "NOVACRON_READY_FD"
"""Set for a backend that was started detached: the number of the pipe's end."""


class Teller:
    """The backend's end. Without a starter it says nothing."""

    def __init__(self) -> None:
        number = os.environ.pop(VARIABLE, "")
        self._handle: int | None = int(number) if number.isdigit() else None
        if self._handle is not None:
            # Nothing the backend starts may keep the pipe open.
            os.set_inheritable(self._handle, False)

    @property
    def is_detached(self) -> bool:
        """Whether somebody started us and waits for a word."""
        return self._handle is not None

    def ready(self) -> None:
        """Say that clients are answered."""
        self._say({"ready": os.getpid()})

    def failed(self, error: NovaCronError) -> None:
        """Say why it ended."""
        self._say(
            {"code": type(error).__name__, "subject": error.subject, "detail": error.detail, "remedy": error.remedy}
        )

    def _say(self, word: dict[str, object]) -> None:
        if self._handle is None:
            return
        with suppress(OSError):
            os.write(self._handle, json.dumps(word).encode() + b"\n")
            os.close(self._handle)
        self._handle = None


@dataclass(frozen=True, slots=True)
class Died:
    """The pipe was closed without a word."""


def word_of(line: bytes) -> NovaCronError | Died | None:
    """Return what the backend said: None when it serves."""
    try:
        word = json.loads(line)
        if "ready" in word:
            return None
        kind = getattr(errors, word["code"], BackendError)
        error: NovaCronError = kind(word["subject"], word["detail"], word["remedy"])
    except (ValueError, KeyError, TypeError):
        return Died()
    return error
