"""What is read from the terminal: each key as it was pressed, however many arrive in one read."""

import os
import select
from codecs import getincrementaldecoder
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from textual import constants, events
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

_ESC = "\x1b"
_LOOK_S = 0.1
_LOCAL_ESCAPE_S = 0.025
"""How long an escape waits for the rest of a sequence where no network can part them."""


def escape_delay_s(environment: Mapping[str, str]) -> float:
    """Return how long an escape waits for the rest of a sequence: as ESCDELAY says, and less on a local line."""
    is_local = not (environment.keys() & {"SSH_CONNECTION", "SSH_TTY", "ESCDELAY"})
    return _LOCAL_ESCAPE_S if is_local else constants.ESCAPE_DELAY


class _CountedOutput:
    """The terminal as a file that knows how much of what it was given the terminal has taken."""

    def __init__(self, file: Any) -> None:  # noqa: ANN401 - whatever Textual writes to
        self._file = file
        self._written = 0
        self.taken = 0
        """Characters that have been flushed."""

    def write(self, text: str) -> int:
        """Write, or wait until the terminal takes more."""
        self._written += len(text)
        return int(self._file.write(text))

    def flush(self) -> None:
        """Wait until the terminal has taken all."""
        self._file.flush()
        self.taken = self._written

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what Textual asks of a file
        return getattr(self._file, name)


class KeyParser(XTermParser):
    """Textual's parser, for which escape and another key in one read are two keys, as they were pressed.

    Textual takes them for alt and the other: an escape that should have left a question is lost, and the key that was
    meant for what stands behind answers it. Who holds alt down has the same two keys.
    """

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        if alt or (len(sequence) == 2 and sequence[0] == _ESC and sequence[1] not in "[O"):
            yield events.Key("escape", _ESC)
            yield from super()._sequence_to_key_events(sequence.removeprefix(_ESC))
        else:
            yield from super()._sequence_to_key_events(sequence, alt)


class Keyboard(LinuxDriver):
    """The driver of the console's terminal."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - passed on to Textual
        super().__init__(*args, **options)
        self._given = 0
        self._output = _CountedOutput(self._file)
        self._file = self._output  # type: ignore[assignment]

    @property
    def is_behind(self) -> bool:
        """Whether the terminal has not taken yet what was written."""
        return self._given > self._output.taken

    def write(self, data: str) -> None:
        """Write to the terminal from a thread of its own."""
        self._given += len(data)
        super().write(data)

    def run_input_thread(self) -> None:
        """Read until the driver is told to stop, or the terminal is gone. Bytes that are no UTF-8 are no keys."""
        parser = KeyParser(self._debug)
        constants.ESCAPE_DELAY = escape_delay_s(os.environ)  # type: ignore[misc]
        decode = getincrementaldecoder("utf-8")("replace").decode
        while not self.exit_event.is_set():
            heard: Iterable[Message] = ()
            due = parser._timeout_time
            wait_s = _LOOK_S if due is None else min(_LOOK_S, max(0.0, due - get_time()))
            if select.select([self.fileno], [], [], wait_s)[0]:
                try:
                    data = os.read(self.fileno, 4096)
                except OSError:
                    return
                if not data:
                    return
                heard = parser.feed(decode(data))
            for message in chain(heard, parser.tick()):
                self.process_message(message)
