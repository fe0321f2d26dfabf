"""A pty that goes away under its program, as a dropped SSH session's does: nobody sends the program anything."""

import os
from collections.abc import Mapping, Sequence

from tests.terminal import Terminal

_DEAF = ("sh", "-c", 'trap "" HUP; exec "$@"', "sh")


class VanishingTerminal(Terminal):
    """Runs `argv` on a pty; `deaf` has it ignore SIGHUP from its start, as under nohup."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        columns: int = 80,
        rows: int = 24,
        deaf: bool = False,
    ) -> None:
        super().__init__([*(_DEAF if deaf else ()), *argv], env=env, columns=columns, rows=rows)
        # In the hands of a program started later it would stay open.
        os.set_inheritable(self._fd, False)

    def vanish(self) -> None:
        """Close the terminal, and do nothing else: `wait` tells how the program takes it."""
        os.close(self._fd)
        self._fd = -1
        self._open = False
