"""What is read from the terminal: each key as it was pressed, however many arrive in one read."""

import os
import select
from codecs import getincrementaldecoder
from collections.abc import Iterable
from itertools import chain

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

_ESC = "\x1b"
_LOOK_S = 0.1


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

    def run_input_thread(self) -> None:
        """Read until the driver is told to stop, or the terminal is gone. Bytes that are no UTF-8 are no keys."""
        parser = KeyParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        while not self.exit_event.is_set():
            heard: Iterable[Message] = ()
            if select.select([self.fileno], [], [], _LOOK_S)[0]:
                try:
                    data = os.read(self.fileno, 4096)
                except OSError:
                    return
                if not data:
                    return
                heard = parser.feed(decode(data))
            for message in chain(heard, parser.tick()):
                self.process_message(message)
