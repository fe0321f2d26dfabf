"""An operator who types commands into a shell, and sees in which state a command leaves the terminal."""

import os
import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from novacron.lab.lab import Lab
from tests.lab.jump_host import JumpHost
from tests.terminal import Terminal
from tests.vanishing_terminal import VanishingTerminal

_SCRIPT = 'echo "modes <$(stty -g)>"; "$@"; echo "code <$?>"; echo "modes <$(stty -g)>"; echo at an end'


class ShellJumpHost(JumpHost):
    """A jump host whose commands are run by a shell."""

    def shell(self, *arguments: str) -> Terminal:
        """Run a command from a shell that tells the terminal's modes before and after."""
        argv = ["sh", "-c", _SCRIPT, "sh", *self._command, *arguments]
        opened = Terminal(argv, env=self._env, columns=120, rows=30)
        self._opened.append(opened)
        return opened

    def vanishing(self, *arguments: str, columns: int = 100, rows: int = 30) -> VanishingTerminal:
        """Run a command, or without one the console, on a terminal that can go away under it."""
        opened = VanishingTerminal([*self._command, *arguments], env=self._env, columns=columns, rows=rows)
        self._opened.append(opened)
        return opened


@contextmanager
def at_a_shell(lab: Lab) -> Iterator[ShellJumpHost]:
    """Give such a jump host where nothing runs yet; what was started there ends with the block."""
    with tempfile.TemporaryDirectory(prefix="nco-", dir="/tmp") as home:
        person = ShellJumpHost(lab, Path(home))
        try:
            yield person
        finally:
            person.leave()


def told(shell: Terminal, what: str) -> list[str]:
    """Return what the shell told of this: modes before and after, or the exit code."""
    return re.findall(rf"{what} <(.*?)>", shell.sent.decode(errors="replace"))


def send_to_command(shell: Terminal, sign: signal.Signals) -> None:
    """Send a signal to the command that the shell runs now."""
    (command,) = Path(f"/proc/{shell.pid}/task/{shell.pid}/children").read_text().split()
    os.kill(int(command), sign)
